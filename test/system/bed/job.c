/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Background commands of a domain, by name.
 *
 *   job start NAME COMMAND       run it with sh -c, in a process group of its own
 *   job wait NAME SECONDS        until it exits by itself: print its output, return its status;
 *                                124: it does not
 *   job await NAME SECONDS REGEX until a line of its output matches: print its output; 1: it
 *                                exited before; 124: no such line
 *   job kill NAME SIGNAL         signal the whole group
 *   job log NAME                 print its output so far
 *   job clean                    kill all that still run, forget all
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/run/jobs"
#define LOOK_MS 20
#define LOG_SHOWN 2000
#define TOO_LONG 124
/* Limits fit a quiet machine; a busy one takes this many times as long. As in lib.sh. */
#define PATIENCE 4

static const char *
path_of(const char *name, const char *suffix)
{
	static char path[4][256];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), FOLDER "/%.200s.%s", name, suffix);
	return path[next];
}

static _Noreturn void
die(const char *what)
{
	printf("job: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* @return the content of a file, zero-terminated, to be freed; "" if there is none */
static char *
contents(const char *path)
{
	char *text = calloc(1, 1);
	size_t len = 0, n = 1;
	int fd = open(path, O_RDONLY);

	while (fd >= 0 && text != NULL && n > 0) {
		ssize_t got;

		text = realloc(text, len + 65536 + 1);
		if (text == NULL)
			break;
		got = read(fd, text + len, 65536);
		n = got > 0 ? (size_t)got : 0;
		len += n;
		text[len] = '\0';
	}
	if (text == NULL)
		die("memory");
	if (fd >= 0)
		close(fd);
	return text;
}

static void
write_number(const char *path, int number)
{
	char text[16];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	snprintf(text, sizeof(text), "%d\n", number);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* @return the number in a file; -1: none */
static int
number_in(const char *path)
{
	char *text = contents(path);
	int number = text[0] == '\0' ? -1 : atoi(text);

	free(text);
	return number;
}

static void
print_log(const char *name, size_t most)
{
	char *text = contents(path_of(name, "log"));
	size_t len = strlen(text);

	fputs(text + (len > most ? len - most : 0), stdout);
	free(text);
}

static int
status_of(const char *name)
{
	return number_in(path_of(name, "status"));
}

/* ---- commands ---- */

/* The job's parent: it outlives a kill of the group, and records how the job ended. */
static void
supervise(const char *name, const char *command, int log, int started)
{
	pid_t pid;
	int status;

	setsid();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		setsid();
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(126);
	}
	write_number(path_of(name, "pid"), (int)pid);
	close(started);
	waitpid(pid, &status, 0);
	write_number(path_of(name, "status"),
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	_exit(0);
}

static int
start(const char *name, const char *command)
{
	int log, null, started[2];
	char byte;

	mkdir(FOLDER, 0700);
	log = open(path_of(name, "log"), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		die("the name is taken");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(started, O_CLOEXEC) != 0)
		die("pipe");
	if (fork() == 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(started[0]);
		supervise(name, command, log, started[1]);
	}
	close(started[1]);
	return read(started[0], &byte, 1) == 0 ? 0 : 1;
}

static void
forget(const char *name)
{
	unlink(path_of(name, "log"));
	unlink(path_of(name, "pid"));
	unlink(path_of(name, "status"));
}

/* The name is free again afterwards. */
static int
wait_end(const char *name, int seconds)
{
	int status = status_of(name);

	for (int ms = 0; status < 0 && ms < seconds * 1000 * PATIENCE; ms += LOOK_MS) {
		usleep(LOOK_MS * 1000);
		status = status_of(name);
	}
	print_log(name, SIZE_MAX);
	if (status < 0) {
		printf("job: %s still runs after %d s\n", name, seconds * PATIENCE);
		return TOO_LONG;
	}
	forget(name);
	return status;
}

static int
await(const char *name, int seconds, const char *pattern)
{
	int result = TOO_LONG;
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0)
		die(pattern);
	for (int ms = 0; result == TOO_LONG && ms <= seconds * 1000 * PATIENCE; ms += LOOK_MS) {
		bool ended = status_of(name) >= 0;
		char *text = contents(path_of(name, "log"));

		if (regexec(&regex, text, 0, NULL, 0) == 0)
			result = 0;
		else if (ended)
			result = 1;
		else
			usleep(LOOK_MS * 1000);
		free(text);
	}
	print_log(name, SIZE_MAX);
	if (result != 0)
		printf("job: %s %s without a line '%s'\n", name,
			result == 1 ? "ended" : "still runs", pattern);
	return result;
}

static int
kill_group(const char *name, const char *signal_name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"INT", SIGINT}, {"TERM", SIGTERM}, {"KILL", SIGKILL}, {"USR1", SIGUSR1},
		{"STOP", SIGSTOP}, {"CONT", SIGCONT}};
	int pid = number_in(path_of(name, "pid"));

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (strcmp(signals[i].name, signal_name) == 0 && pid > 0 &&
			kill(-pid, signals[i].number) == 0)
			return 0;
	die("kill");
}

static int
clean(void)
{
	DIR *dir = opendir(FOLDER);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char *suffix = strrchr(entry->d_name, '.');
		int pid;

		if (suffix == NULL || strcmp(suffix, ".pid") != 0)
			continue;
		*suffix = '\0';
		pid = number_in(path_of(entry->d_name, "pid"));
		if (pid > 0 && status_of(entry->d_name) < 0) {
			printf("job: %s was still running:\n", entry->d_name);
			print_log(entry->d_name, LOG_SHOWN);
			kill(-pid, SIGKILL);
		}
		forget(entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "start") == 0 && argc == 4)
		return start(argv[2], argv[3]);
	if (strcmp(what, "wait") == 0 && argc == 4)
		return wait_end(argv[2], atoi(argv[3]));
	if (strcmp(what, "await") == 0 && argc == 5)
		return await(argv[2], atoi(argv[3]), argv[4]);
	if (strcmp(what, "kill") == 0 && argc == 4)
		return kill_group(argv[2], argv[3]);
	if (strcmp(what, "log") == 0 && argc == 3) {
		print_log(argv[2], SIZE_MAX);
		return 0;
	}
	if (strcmp(what, "clean") == 0 && argc == 2)
		return clean();
	printf("job: bad arguments\n");
	return 2;
}
