/* SPDX-License-Identifier: BSD-3-Clause */
#include "plug.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "qmp.h"
#include "unix_socket.h"

/* QEMU answers at once, but it may wait for its guest's memory. */
#define ANSWER_MS 20000
#define GREETING_MS 2000

struct monitor {
	const struct args *args;
	const char *path;
	int fd;
	size_t len;
	char in[QMP_LINE_MAX];
};

/* ---- lines ---- */

/* @return 0: more bytes are there, -ETIMEDOUT, -ECONNRESET, -E2BIG */
static int
receive(struct monitor *m, uint64_t until)
{
	struct pollfd p = {.fd = m->fd, .events = POLLIN};
	uint64_t now = fido_now_ms();
	ssize_t n;

	if (m->len == sizeof(m->in))
		return -E2BIG;
	if (now >= until || poll(&p, 1, (int)(until - now)) == 0)
		return -ETIMEDOUT;
	n = recv(m->fd, m->in + m->len, sizeof(m->in) - m->len, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return -ECONNRESET;
	m->len += n > 0 ? (size_t)n : 0;
	return 0;
}

/* Take the next object that QEMU sends. */
static int
next_object(struct monitor *m, uint64_t until, cJSON **out)
{
	char *end;

	while ((end = memchr(m->in, '\n', m->len)) == NULL) {
		int ret = receive(m, until);

		if (ret != 0)
			return ret;
	}
	*out = cJSON_ParseWithLength(m->in, (size_t)(end - m->in));
	m->len -= (size_t)(end + 1 - m->in);
	memmove(m->in, end + 1, m->len);
	return *out != NULL ? 0 : -EPROTO;
}

/* Take the next object that has one of these, and drop those before it: events. */
static int
await(struct monitor *m, unsigned int ms, const char *key, const char *other, cJSON **out)
{
	uint64_t until = fido_now_ms() + ms;
	int ret;

	while ((ret = next_object(m, until, out)) == 0) {
		if (cJSON_HasObjectItem(*out, key) || cJSON_HasObjectItem(*out, other))
			return 0;
		cJSON_Delete(*out);
	}
	return ret;
}

static int
tell(struct monitor *m, const cJSON *command)
{
	char *text = cJSON_PrintUnformatted(command);
	size_t len = text != NULL ? strlen(text) : 0;
	struct pollfd p = {.fd = m->fd, .events = POLLOUT};
	ssize_t n = -1;

	if (text != NULL && poll(&p, 1, ANSWER_MS) == 1)
		n = send(m->fd, text, len, MSG_NOSIGNAL);
	free(text);
	return n == (ssize_t)len && len != 0 ? 0 : -EPIPE;
}

/* ---- commands ---- */

static const char *
text_of(const cJSON *o, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

	return text != NULL ? text : "";
}

/* @return 0, -EREMOTEIO: QEMU refused; `why` is its message, -errno */
static int
command(struct monitor *m, const cJSON *o, cJSON **answer, char *why, size_t size)
{
	const cJSON *error;
	int ret = tell(m, o);

	*answer = NULL;
	if (ret == 0)
		ret = await(m, ANSWER_MS, "return", "error", answer);
	error = cJSON_GetObjectItemCaseSensitive(*answer, "error");
	snprintf(why, size, "%s", ret != 0 ? strerror(-ret) : text_of(error, "desc"));
	return ret == 0 && error != NULL ? -EREMOTEIO : ret;
}

/* What stands in the way, in words of QEMU's, and what to do. */
static const char *
advice_of(const char *why)
{
	static const struct {
		const char *said;
		const char *advice;
	} known[] = {
		{"hotplug",
			"start the machine with -device pcie-root-port,id=ID,chassis=N and "
			"give --bus ID"},
		{"Bus '",
			"give --bus the id of a PCI bus that takes devices while the machine "
			"runs, such as a pcie-root-port's"},
		{"nvdimm is not", "start the machine with -machine nvdimm=on"},
		{"no free slots",
			"start the machine with more slots and a greater maxmem: -m "
			"SIZE,slots=N,maxmem=MAX"},
		{"slots", "start the machine with -m SIZE,slots=N,maxmem=MAX, with more slots"},
		{"maxmem", "start the machine with a greater maxmem"},
		{"not enough space", "start the machine with a greater maxmem"},
		{"Permission denied",
			"the user of this QEMU must be the one that the machine "
			"was created for: create --vm NAME:user=USER"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasestr(why, known[i].said) != NULL)
			return known[i].advice;
	return "mend that, and plug again: what is there already is kept";
}

static int
run(struct monitor *m, const cJSON *o)
{
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(o, "arguments");
	const char *group = m->args->group->name;
	char why[FIDO_LOG_MAX / 2];
	cJSON *answer;
	int ret = command(m, o, &answer, why, sizeof(why));

	cJSON_Delete(answer);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "group %s: %s: %s of %s failed: %s: %s", group,
			m->args->group->vms[m->args->vm].name, text_of(o, "execute"),
			text_of(arguments, "id"), why, advice_of(why));
	return ret;
}

/* ---- what is there ---- */

/* Put the names that a query answers into `have`. */
static int
add_names(struct monitor *m, cJSON *have, const char *query, const char *path, const char *key)
{
	cJSON *o = cJSON_CreateObject(), *answer;
	const cJSON *item;
	char why[128];
	int ret;

	cJSON_AddStringToObject(o, "execute", query);
	if (path != NULL)
		cJSON_AddStringToObject(cJSON_AddObjectToObject(o, "arguments"), "path", path);
	ret = command(m, o, &answer, why, sizeof(why));
	cJSON_Delete(o);
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(answer, "return"))
	{
		cJSON_AddTrueToObject(have, text_of(item, key));
	}
	cJSON_Delete(answer);
	/* A machine without such objects has no such path. */
	return ret == -EREMOTEIO ? 0 : ret;
}

static int
find_names(struct monitor *m, cJSON *have)
{
	int ret = add_names(m, have, "qom-list", "/objects", "name");

	if (ret == 0)
		ret = add_names(m, have, "qom-list", "/machine/peripheral", "name");
	if (ret == 0)
		ret = add_names(m, have, "query-chardev", NULL, "label");
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "%s does not say what QEMU has: %s", m->path,
			strerror(-ret));
	return ret;
}

static int
run_all(struct monitor *m, const cJSON *list, const cJSON *have)
{
	const cJSON *o;
	int ret = 0;

	cJSON_ArrayForEach(o, list)
	{
		const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(o, "arguments");

		if (ret == 0 && !cJSON_HasObjectItem(have, text_of(arguments, "id")))
			ret = run(m, o);
	}
	return ret;
}

/* ---- the whole ---- */

static int
greet(struct monitor *m)
{
	cJSON *hello = NULL, *o;
	int ret = await(m, GREETING_MS, "QMP", "QMP", &hello);

	cJSON_Delete(ret == 0 ? hello : NULL);
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR, "%s: %s", m->path,
			ret == -ETIMEDOUT
				? "QEMU does not greet: another client is connected to it, such as "
				  "fido-vmd serve or libvirt: end that one, or give another -qmp"
				: "this is no monitor of QEMU");
		return ret;
	}
	o = cJSON_CreateObject();
	cJSON_AddStringToObject(o, "execute", "qmp_capabilities");
	ret = run(m, o);
	cJSON_Delete(o);
	return ret;
}

/* A machine that was started without the group has put no socket there. */
static void
link_monitor(const struct args *args, const char *socket)
{
	const struct vmd_group *g = args->group;
	char path[VMD_PATH_MAX];
	int fd;

	if (vmd_folder_path(path, g->dir, "%s.vm/qmp", g->vms[args->vm].name) != 0)
		return;
	fd = unix_connect(path);
	if (fd >= 0) {
		close(fd);
		return;
	}
	if (fd == -EAGAIN)
		return;
	unlink(path);
	if (symlink(socket, path) != 0)
		fido_log(FIDO_LOG_WARNING,
			"group %s: cannot make %s a link to %s: %s: deaths of processes in %s are "
			"not seen while it runs",
			g->name, path, socket, strerror(errno), g->vms[args->vm].name);
}

static int
plug(struct monitor *m)
{
	cJSON *list = args_qmp_commands(m->args), *have = cJSON_CreateObject();
	int ret = list != NULL ? greet(m) : -ENAMETOOLONG;

	if (ret == 0)
		ret = find_names(m, have);
	if (ret == 0)
		ret = run_all(m, list, have);
	cJSON_Delete(have);
	cJSON_Delete(list);
	return ret;
}

int
vmd_plug(const struct args *args, const char *socket)
{
	static struct monitor m;
	char *path = realpath(socket, NULL);
	int ret;

	m = (struct monitor){.args = args, .path = socket, .fd = -1};
	m.fd = path != NULL ? unix_connect(path) : -errno;
	if (m.fd < 0) {
		ret = m.fd;
		fido_log(FIDO_LOG_ERROR,
			"cannot connect to %s: %s: give the socket of a QEMU that was started with "
			"-qmp unix:SOCKET,server=on,wait=off",
			socket, strerror(-ret));
		free(path);
		return ret;
	}
	ret = plug(&m);
	close(m.fd);
	if (ret == 0)
		link_monitor(args, path);
	free(path);
	return ret;
}
