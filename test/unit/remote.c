/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain in its own process, which executes commands, one a line. Each is followed by its answer:
 *
 *   hello                hello
 *   join NAME [SLOTS]    0, -errno
 *   message TEXT         1: the last error message contains TEXT
 *   env PATH             use PATH as the folder of groups from now on: 0
 *   setuid UID           become another user: 0, -errno
 *   watch NAME           join as an observer: 0, -errno
 *   leave                0
 *   block SLOT           occupy the slot's address range: 0
 *   arena BYTES          its gaddr, -errno
 *   link PEER NTX NRX RING
 *                        create, configure and open a link, and use it: 0, -errno
 *   use K                apply the following commands to the K-th link created: 0
 *   up                   1: the link is up
 *   close, open          the link: 0, -errno
 *   post QUEUE I [LEN]   post the arena's buffer I, filled with its pattern: 1, 0, -errno
 *   take QUEUE           number of cookies that came back
 *   poll QUEUE SEED LEN  wait for a message and hold it: its gaddr; 0: it is not LEN bytes of
 *                        pattern SEED
 *   check K SEED LEN     compare the K-th held message again: 1, 0
 *   forward K QUEUE      post the K-th held message to a peer: 1, 0, -errno
 *   complete K           complete the K-th held message: 0
 *   read GADDR           the byte there, without a check: 0 to 255; a fault: exit with TEST_FAULTED
 *   write GADDR          write there: 0; a fault: exit with TEST_FAULTED
 *   mprotect GADDR       make the page there writable: 0, -errno
 *   tamper PID FD        try to change the memory behind another process's descriptor: number of
 *                        ways that worked; -errno: it could not be opened
 *   descriptors N        let this process open N descriptors more than now: 0
 *   peers                fido_domain_peer_count()
 *   fork                 leave a child that sleeps until it is killed: its pid
 *   mapped GADDR         1: fido_map_ptr() allows it
 *   end                  leave, answer 0, exit
 */

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define HELD_MAX 64
#define LINKS_MAX 4

static struct fido_domain *domain;
static struct fido_region *arena;
static struct fido_link *links[LINKS_MAX];
static unsigned int link_count;
static struct fido_link *link_; /* the one in use */
static struct fido_rx held[HELD_MAX];
static struct fido_rxq *held_by[HELD_MAX];
static unsigned int held_count;

static long
do_join(const char *name, unsigned int slots, bool observes)
{
	struct fido_domain_config config = test_config(name);

	config.observes = observes;
	if (slots != 0)
		config.layout.slots = slots;
	return fido_domain_join(&domain, &config);
}

static long
do_setuid(unsigned int uid)
{
	if (setgid(uid) != 0 || setuid(uid) != 0)
		return -errno;
	/* LeakSanitizer inspects the process from outside, which a change of user forbids. */
	return prctl(PR_SET_DUMPABLE, 1) == 0 ? 0 : -errno;
}

static long
do_leave(void)
{
	while (link_count > 0)
		fido_link_destroy(links[--link_count]);
	fido_domain_leave(domain);
	domain = NULL;
	link_ = NULL;
	arena = NULL;
	return 0;
}

static long
do_block(unsigned int slot)
{
	struct fido_layout layout = TEST_LAYOUT;
	void *at = (void *)(uintptr_t)fido_layout_slot_base(&layout, slot);
	void *p =
		mmap(at, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return p == at ? 0 : -1;
}

static long
do_link(const char *peer, unsigned int ntx, unsigned int nrx, unsigned int ring)
{
	struct fido_link_config config = {.peer = peer};
	int ret = fido_link_create(domain, &config, &link_);

	if (ret != 0)
		return ret;
	links[link_count++] = link_;
	ret = fido_link_configure(link_, (uint16_t)ntx, (uint16_t)nrx, ring);
	return ret == 0 ? fido_link_open(link_) : ret;
}

static long
do_post(unsigned int queue, unsigned int i, unsigned int len)
{
	struct fido_buf b = {test_buf(arena, i), len, 0, (void *)(uintptr_t)(i + 1)};

	test_fill(test_buf(arena, i), len, i);
	return fido_txq_post(fido_link_txq(link_, (uint16_t)queue), &b, 1);
}

static long
do_take(unsigned int queue)
{
	void *cookies[256];

	return fido_txq_reap(fido_link_txq(link_, (uint16_t)queue), cookies, 256);
}

static long
do_poll(unsigned int queue, unsigned int seed, unsigned int len)
{
	struct fido_rxq *q = fido_link_rxq(link_, (uint16_t)queue);
	struct fido_rx *rx = &held[held_count];

	*rx = test_poll(q);
	held_by[held_count++] = q;
	return rx->desc.len == len && test_filled(rx->desc.data, len, seed) ? (long)rx->desc.gaddr
									    : 0;
}

static long
do_forward(unsigned int k, unsigned int queue)
{
	const struct fido_desc *d = &held[k].desc;
	struct fido_buf b = {d->data, d->len, 0, (void *)(uintptr_t)(k + 1)};

	return fido_txq_post(fido_link_txq(link_, (uint16_t)queue), &b, 1);
}

/* Every way to write to, shrink or grow a memory file, or to change its seals. */
static long
do_tamper(unsigned int pid, unsigned int other_fd)
{
	char path[64];
	long worked = 0;
	void *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", pid, other_fd);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	worked += p != MAP_FAILED;
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	worked += p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_WRITE) == 0;
	worked += pwrite(fd, "x", 1, 0) == 1;
	worked += ftruncate(fd, 4096) == 0;
	worked += ftruncate(fd, 1 << 30) == 0;
	worked += fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0;
	worked += fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0;
	close(fd);
	return worked;
}

static volatile uint8_t *accessed;

static void
on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	_exit(info->si_addr == (void *)(uintptr_t)accessed ? TEST_FAULTED : 1);
}

/*
 * Access without any check, even memory that the control thread is about to unmap. A handler turns
 * a fault into its own exit status, unlike any other crash, and keeps the kernel from logging it.
 */
__attribute__((no_sanitize("thread"))) static long
do_memory(const char *verb, uint64_t gaddr)
{
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	volatile uint8_t *p = (volatile uint8_t *)(uintptr_t)gaddr;

	accessed = p;
	sigaction(SIGSEGV, &sa, NULL);
	if (strcmp(verb, "read") == 0)
		return *p;
	if (strcmp(verb, "write") == 0)
		*p = 1;
	if (strcmp(verb, "mprotect") == 0)
		return mprotect((void *)(uintptr_t)(gaddr & ~UINT64_C(4095)), 4096,
			       PROT_READ | PROT_WRITE) == 0
			? 0
			: -errno;
	if (strcmp(verb, "mapped") == 0)
		return fido_map_ptr(fido_domain_map(domain), gaddr, 1) != NULL;
	return 0;
}

static long
do_fork(void)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, 0);
	for (;;)
		pause();
}

static long
do_numbers(const char *verb, const unsigned int *n)
{
	if (strcmp(verb, "tamper") == 0)
		return do_tamper(n[0], n[1]);
	if (strcmp(verb, "setuid") == 0)
		return do_setuid(n[0]);
	if (strcmp(verb, "block") == 0)
		return do_block(n[0]);
	if (strcmp(verb, "post") == 0)
		return do_post(n[0], n[1], n[2] != 0 ? n[2] : TEST_BUF);
	if (strcmp(verb, "take") == 0)
		return do_take(n[0]);
	if (strcmp(verb, "poll") == 0)
		return do_poll(n[0], n[1], n[2]);
	if (strcmp(verb, "check") == 0)
		return test_filled(held[n[0]].desc.data, n[2], n[1]);
	if (strcmp(verb, "forward") == 0)
		return do_forward(n[0], n[1]);
	if (strcmp(verb, "complete") == 0)
		fido_rxq_complete(held_by[n[0]], &held[n[0]], 1, FIDO_STATUS_OK);
	if (strcmp(verb, "use") == 0)
		link_ = links[n[0]];
	if (strcmp(verb, "up") == 0)
		return fido_link_is_up(link_);
	if (strcmp(verb, "open") == 0)
		return fido_link_open(link_);
	if (strcmp(verb, "close") == 0)
		fido_link_close(link_);
	if (strcmp(verb, "descriptors") == 0)
		test_leave_descriptors(n[0]);
	if (strcmp(verb, "fork") == 0)
		return do_fork();
	if (strcmp(verb, "peers") == 0)
		return fido_domain_peer_count(domain);
	if (strcmp(verb, "leave") == 0 || strcmp(verb, "end") == 0)
		return do_leave();
	return 0;
}

static long
obey(const char *line)
{
	unsigned int n[3] = {0};
	char verb[16] = "", name[64] = "";
	uint64_t gaddr;

	sscanf(line, "%15s %63s", verb, name);
	if (strcmp(verb, "join") == 0) {
		sscanf(line, "%*s %*s %u", &n[0]);
		return do_join(name, n[0], false);
	}
	if (strcmp(verb, "watch") == 0)
		return do_join(name, 0, true);
	if (strcmp(verb, "env") == 0)
		return setenv("FIDO_RUNDIR", name, 1);
	if (strcmp(verb, "message") == 0)
		return strstr(fido_last_error(), line + strlen("message ")) != NULL;
	if (strcmp(verb, "arena") == 0) {
		long ret = fido_arena_create(domain, strtoul(name, NULL, 0), &arena);

		return ret == 0 ? (long)arena->gaddr : ret;
	}
	if (sscanf(line, "link %63s %u %u %u", name, &n[0], &n[1], &n[2]) == 4)
		return do_link(name, n[0], n[1], n[2]);
	if (sscanf(line, "%*s 0x%lx", &gaddr) == 1)
		return do_memory(verb, gaddr);
	sscanf(line, "%*s %u %u %u", &n[0], &n[1], &n[2]);
	return do_numbers(verb, n);
}

int
test_remote_run(int fd)
{
	char line[256], answer[32];
	ssize_t n;

	while ((n = recv(fd, line, sizeof(line) - 1, 0)) > 0) {
		line[n] = '\0';
		if (strcmp(line, "hello") == 0)
			strcpy(answer, "hello");
		else
			snprintf(answer, sizeof(answer), "%ld", obey(line));
		if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0 || strcmp(line, "end") == 0)
			return 0;
	}
	return 1;
}
