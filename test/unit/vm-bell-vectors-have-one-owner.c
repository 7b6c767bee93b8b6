/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: a doorbell's word holds its number, and its vector or none; a vector has one owner at a
 * time, and there are no more than the device has; a ring reaches the eventfd of that vector only;
 * what cannot be rung by a vector is not taken for rung. On the host, whatever its holder sends.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "test.h"
#include "vm_root.h"
#include "vm_vectors.h"

#define IDS 4
#define VECTORS 5
#define OWN 2

static struct fido_vm_place place;
/* As of the devices. */
static int rung[IDS][VECTORS];

static void
words(void **state)
{
	(void)state;
	for (uint32_t number = 0; number <= FIDO_VM_BELL_NUMBER_MAX; number += 257) {
		uint32_t word = FIDO_VM_BELL(number, FIDO_VM_ANY);

		assert_int_equal(word, number);
		assert_int_equal(FIDO_VM_BELL_VECTOR(word), FIDO_VM_ANY);
		for (uint32_t vector = 0; vector < FIDO_BELL_VECTORS_MAX; vector++) {
			word = FIDO_VM_BELL(number, vector);
			assert_int_equal(FIDO_VM_BELL_NUMBER(word), number);
			assert_int_equal(FIDO_VM_BELL_VECTOR(word), vector);
		}
	}
}

/* ---- a holder ---- */

static void
tell(int socket, int64_t number, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct iovec bytes = {&number, sizeof(number)};
	struct msghdr msg = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (fd >= 0) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(socket, &msg, MSG_NOSIGNAL), sizeof(number));
}

static void
tell_all(int socket)
{
	tell(socket, 0, -1);
	tell(socket, 0, -1);
	tell(socket, -1, STDIN_FILENO);
	for (int id = 1; id < IDS; id++)
		for (int v = 0; v < VECTORS; v++)
			tell(socket, id, rung[id][v]);
}

static void
tell_nonsense(int socket)
{
	tell_all(socket);
	tell(socket, INT64_MAX, rung[1][0]);
	tell(socket, INT64_MIN, rung[1][0]);
	tell(socket, FIDO_VM_BELL_IDS_MAX, rung[1][0]);
	tell(socket, 1, -1);
}

/* All devices of a group have as many vectors. */
static void
tell_too_much(int socket)
{
	tell_all(socket);
	for (int v = 0; v < 2 * FIDO_BELL_VECTORS_MAX; v++)
		tell(socket, 1, rung[1][0]);
}

static void
tell_little(int socket)
{
	tell(socket, 0, -1);
	tell(socket, 1, rung[1][0]);
}

static void
tell_half(int socket)
{
	tell_all(socket);
	assert_int_equal(send(socket, "abc", 3, MSG_NOSIGNAL), 3);
}

static void (*holder)(int socket);

static void *
hold(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);

	holder(fd);
	close(fd);
	return NULL;
}

static bool
open_with(struct fido_vm_vectors *v, void (*fn)(int socket), uint32_t id)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pthread_t thread;
	bool ret;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/" FIDO_VM_HOST_BELLS,
		place.folder.dir);
	unlink(address.sun_path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	holder = fn;
	assert_int_equal(pthread_create(&thread, NULL, hold, &listener), 0);
	fido_vm_vectors_init(v);
	ret = fido_vm_vectors_open_host(v, &place, id);
	pthread_join(thread, NULL);
	close(listener);
	unlink(address.sun_path);
	return ret;
}

static bool
take_ring(int fd)
{
	eventfd_t value;

	return eventfd_read(fd, &value) == 0;
}

static void
one_owner(void **state)
{
	struct fido_vm_vectors v;
	int fds[VECTORS];
	uint32_t vector, seen = 0;

	(void)state;
	assert_true(open_with(&v, tell_all, OWN));
	assert_int_equal(v.count, VECTORS);
	eventfd_write(rung[OWN][0], 1); /* For its former owner. */
	for (int i = 0; i < VECTORS; i++) {
		fds[i] = fido_vm_vectors_take(&v, &vector);
		assert_true(fds[i] >= 0);
		assert_int_equal(vector, i);
		assert_false(take_ring(fds[i]));
		seen |= 1u << vector;
	}
	assert_int_equal(seen, (1u << VECTORS) - 1);
	assert_int_equal(fido_vm_vectors_take(&v, &vector), -ENOSPC);
	for (int i = 0; i < VECTORS; i++) {
		eventfd_write(rung[OWN][i], 1);
		for (int k = 0; k < VECTORS; k++)
			assert_int_equal(take_ring(fds[k]), k == i);
	}
	close(fds[3]);
	fido_vm_vectors_drop(&v, 3);
	fds[3] = fido_vm_vectors_take(&v, &vector);
	assert_int_equal(vector, 3);
	assert_int_equal(fido_vm_vectors_take(&v, &vector), -ENOSPC);
	for (int i = 0; i < VECTORS; i++)
		close(fds[i]);
	fido_vm_vectors_close(&v);
	/* Closed, there are none. */
	assert_int_equal(fido_vm_vectors_take(&v, &vector), -ENOSPC);
	assert_false(fido_vm_vectors_ring(&v, 1, 0));
}

static void
rings_reach_one(void **state)
{
	struct fido_vm_vectors v;

	(void)state;
	assert_true(open_with(&v, tell_all, OWN));
	for (uint32_t id = 1; id < IDS; id++)
		for (uint32_t vector = 0; vector < VECTORS; vector++) {
			assert_true(fido_vm_vectors_ring(&v, id, vector));
			for (uint32_t i = 1; i < IDS; i++)
				for (uint32_t k = 0; k < VECTORS; k++)
					assert_int_equal(take_ring(rung[i][k]),
						i == id && k == vector);
		}
	/* Of a hostile peer's root, or of one that has no device. */
	assert_false(fido_vm_vectors_ring(&v, 1, VECTORS));
	assert_false(fido_vm_vectors_ring(&v, 1, FIDO_VM_ANY));
	assert_false(fido_vm_vectors_ring(&v, 1, 0xffff));
	assert_false(fido_vm_vectors_ring(&v, FIDO_VM_ANY, 0));
	assert_false(fido_vm_vectors_ring(&v, 0, 0));
	assert_false(fido_vm_vectors_ring(&v, IDS, 0));
	assert_false(fido_vm_vectors_ring(&v, FIDO_VM_BELL_IDS_MAX, 0));
	/* A full counter wakes whoever sleeps on it. */
	eventfd_write(rung[1][1], UINT64_MAX - 1);
	assert_true(fido_vm_vectors_ring(&v, 1, 1));
	assert_true(take_ring(rung[1][1]));
	fido_vm_vectors_close(&v);
}

static unsigned int
open_files(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
any_holder(void **state)
{
	struct fido_vm_vectors v;
	unsigned int before = open_files();

	(void)state;
	assert_true(open_with(&v, tell_nonsense, OWN));
	assert_int_equal(v.count, VECTORS);
	fido_vm_vectors_close(&v);
	assert_false(open_with(&v, tell_too_much, OWN));
	assert_false(open_with(&v, tell_little, OWN));
	assert_false(open_with(&v, tell_half, OWN));
	assert_false(open_with(&v, tell_all, IDS));
	assert_false(open_with(&v, tell_all, FIDO_VM_ANY));
	assert_int_equal(open_files(), before);
	fido_vm_vectors_init(&v);
	assert_false(fido_vm_vectors_open_host(&v, &place, OWN)); /* Nobody listens. */
	assert_int_equal(open_files(), before);
}

static int
begin(void **state)
{
	(void)state;
	snprintf(place.folder.dir, sizeof(place.folder.dir), "%s", getenv("FIDO_RUNDIR"));
	mkdir(place.folder.dir, 0700);
	for (int id = 1; id < IDS; id++)
		for (int v = 0; v < VECTORS; v++)
			rung[id][v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return 0;
}

TEST_MAIN(cmocka_unit_test(words), cmocka_unit_test_setup(one_owner, begin),
	cmocka_unit_test(rings_reach_one), cmocka_unit_test(any_holder))
