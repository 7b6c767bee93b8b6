/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A domain disconnects a stranger that sends nonsense, maps nothing of it and keeps serving others.
 */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fork_guard.h"
#include "local_folder.h"
#include "local_slot.h"
#include "stranger.h"

#define SIZE TEST_STRANGER_SIZE

static struct fido_domain *a;

static const struct fido_host_hello good_hello = {
	.layout_base = TEST_BASE,
	.slot_shift = TEST_SLOT_SHIFT,
	.slots = TEST_SLOTS,
	.generation = 77,
	.control_size = SIZE,
	.slot = 3,
	.name = "x",
};

/* Wait until a closes the connection; ignore what it sends. */
static void
cut_off(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char bytes[4096];

	do {
		assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	} while (recv(fd, bytes, sizeof(bytes), 0) > 0);
	assert_int_equal(fido_domain_peer_count(a), 0);
	close(fd);
}

/* Count the descriptors of this process: none may leak, whatever messages bring. */
static unsigned int
open_fds(void)
{
	unsigned int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
send_fds(int fd, const void *bytes, size_t len, const int *fds, size_t n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 8)];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)bytes, len};
	struct msghdr mh = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(sizeof(int) * n)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	assert_int_equal(sendmsg(fd, &mh, MSG_NOSIGNAL), len);
}

/* An empty message looks like the end of the connection but brings descriptors. */
static void
nothing_but_descriptors(void **state)
{
	unsigned int before = open_fds();
	int fds[8];

	for (int i = 0; i < 20; i++) {
		int fd = test_stranger_connect("a");

		for (int k = 0; k < 8; k++)
			fds[k] = dup(0);
		send_fds(fd, "", 0, fds, 8);
		for (int k = 0; k < 8; k++)
			close(fds[k]);
		cut_off(fd);
	}
	TEST_WAIT(open_fds() == before);
}

/* A stranger that keeps asking and never reads an answer. */
static void
deaf(void **state)
{
	struct fido_host_header h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, FIDO_HOST_OBSERVE};
	unsigned int n = 0, before = open_fds();
	int fd = test_stranger_connect("a");

	while (send(fd, &h, sizeof(h), MSG_NOSIGNAL) > 0)
		assert_true(n++ < 6000); /* about a quarter of the descriptors a process may have */
	assert_true(errno == EPIPE || errno == ECONNRESET);
	cut_off(fd);
	TEST_WAIT(open_fds() == before);
}

/* Each answer takes a descriptor, which is available. */
static void
asks_twice(void **state)
{
	struct fido_host_header h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, FIDO_HOST_OBSERVE};
	struct fido_host_message m;
	struct pollfd p = {.events = POLLIN};
	unsigned int version;

	p.fd = test_stranger_connect("a");
	assert_int_equal(send(p.fd, &h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
	assert_int_equal(send(p.fd, &h, sizeof(h), MSG_NOSIGNAL), sizeof(h));
	assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	assert_int_equal(fido_host_receive(p.fd, &m, &version), 1);
	assert_int_equal(m.h.type, FIDO_HOST_HELLO);
	fido_host_message_close(&m);
	assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1);
	assert_int_equal(fido_host_receive(p.fd, &m, &version), 1);
	assert_int_equal(m.h.type, FIDO_HOST_REFUSE);
	cut_off(p.fd);
}

static void
raw_bytes(const void *bytes, size_t len)
{
	int fd = test_stranger_connect("a");

	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
	cut_off(fd);
}

static void
nonsense(void **state)
{
	struct fido_host_header h = {FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, 0};
	char big[8192] = {0};
	uint64_t seed = 1;

	raw_bytes("x", 1);
	raw_bytes("GET / HTTP/1.1\r\n\r\n", 18);
	raw_bytes(big, sizeof(big));
	for (uint16_t type = 0; type < 12;
		type++) { /* too short for its type, or not allowed as the first message */
		h.type = type;
		if (type != FIDO_HOST_OBSERVE)
			raw_bytes(&h, sizeof(h));
	}
	h.type = FIDO_HOST_MAP;
	for (int i = 0; i < 300; i++) {
		for (size_t k = 0; k < 200; k += 8)
			*(uint64_t *)(void *)(big + k) = test_random(&seed);
		memcpy(big, &h, sizeof(h));
		h.type = (uint16_t)(1 + test_random(&seed) % 7);
		raw_bytes(big, 8 + test_random(&seed) % 500);
	}
	close(test_stranger_connect("a")); /* connects and sends nothing */
}

static void
hello(struct fido_host_hello msg, bool seal, int nfds, uint32_t slot)
{
	struct fido_host_session *s = fido_host_session_create(dup(test_stranger_connect("a")));
	int fds[2] = {test_stranger_control(slot, seal), test_stranger_control(slot, seal)};
	int fd = dup(s->fd);

	assert_int_equal(fido_host_send(s, FIDO_HOST_HELLO, &msg, sizeof(msg), fds, nfds, false),
		0);
	cut_off(fd);
	fido_host_session_destroy(s);
	close(fds[0]);
	close(fds[1]);
}

static void
bad_hello(void **state)
{
	struct fido_host_hello m;
	struct fido_local_folder g;
	int slot;

	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	slot = fido_local_slot_claim(&g, 3, "x", 77);
	assert_true(slot >= 0);
	hello(good_hello, true, 0, 3);
	hello(good_hello, true, 2, 3);
	hello(good_hello, false, 1, 3);
	hello(good_hello, true, 1, 4); /* the control block names another slot */
	m = good_hello, m.slot = 0;    /* a's own */
	hello(m, true, 1, 0);
	m = good_hello, m.slot = TEST_SLOTS;
	hello(m, true, 1, TEST_SLOTS);
	m = good_hello, m.slot = UINT32_MAX;
	hello(m, true, 1, UINT32_MAX);
	m = good_hello, m.generation = 0;
	hello(m, true, 1, 3);
	m = good_hello, m.generation = 78;
	hello(m, true, 1, 3);
	m = good_hello, m.control_size = 2 * SIZE;
	hello(m, true, 1, 3);
	m = good_hello, m.control_size = UINT64_MAX;
	hello(m, true, 1, 3);
	m = good_hello, m.control_size = 4096;
	hello(m, true, 1, 3);
	m = good_hello, m.name[0] = 'y'; /* the slot's file holds another name */
	hello(m, true, 1, 3);
	m = good_hello, m.layout_base++;
	hello(m, true, 1, 3);
	m = good_hello, m.slot_shift++;
	hello(m, true, 1, 3);
	m = good_hello, m.slots--;
	hello(m, true, 1, 3);
	fido_fork_close(slot);
	fido_local_slot_free(&g, 3);
}

/* File that after_hello() sends instead of one like that of the control region; -1: none. */
static int memory_fd = -1;

/* A stranger whose HELLO is good: every malformed message about memory. */
static void
after_hello(enum fido_host_type type, void *msg, size_t len, int nfds)
{
	struct fido_host_session *s = fido_host_session_create(test_stranger_connect("a"));
	struct pollfd p = {.fd = s->fd, .events = POLLRDHUP};
	struct fido_host_hello m = good_hello;
	struct fido_local_folder g;
	int fds[2] = {test_stranger_control(3, true), test_stranger_control(3, true)}, slot;

	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	slot = fido_local_slot_claim(&g, 3, "x", 77);
	assert_true(slot >= 0);
	assert_int_equal(fido_host_send(s, FIDO_HOST_HELLO, &m, sizeof(m), fds, 1, false), 0);
	TEST_WAIT(fido_domain_peer_count(a) == 1);
	if (memory_fd >= 0)
		assert_int_equal(dup2(memory_fd, fds[0]), fds[0]);
	assert_int_equal(fido_host_send(s, type, msg, len, fds, nfds, false), 0);
	assert_int_equal(poll(&p, 1, TEST_LIMIT_MS), 1); /* a disconnects it */
	usleep(5000);
	assert_int_equal(fido_domain_peer_count(a), 1); /* but its memory stays until it exits */
	fido_fork_close(slot);
	TEST_WAIT(fido_domain_peer_count(a) == 0);
	fido_local_slot_free(&g, 3);
	fido_host_session_destroy(s);
	close(fds[0]);
	close(fds[1]);
}

/* Two extents in one message, both of the same file. */
static void
map_two(uint64_t gaddr, uint64_t other, uint64_t len)
{
	struct fido_host_map m = {.epoch = 2, .count = 2};

	m.extents[0] = (struct fido_host_extent){gaddr, len, 0, 0};
	m.extents[1] = (struct fido_host_extent){other, len, 0, 0};
	after_hello(FIDO_HOST_MAP, &m,
		offsetof(struct fido_host_map, extents) + 2 * sizeof(m.extents[0]), 2);
}

static void
map(uint64_t gaddr, uint64_t len, uint64_t fd_offset, int nfds)
{
	struct fido_host_map m = {.epoch = 2, .count = 1};

	m.extents[0] = (struct fido_host_extent){gaddr, len, fd_offset, 0};
	after_hello(FIDO_HOST_MAP, &m,
		offsetof(struct fido_host_map, extents) + sizeof(m.extents[0]), nfds);
	assert_null(fido_map_ptr(fido_domain_map(a), gaddr,
		1)); /* after_hello() has waited for its end */
}

static void
bad_memory(void **state)
{
	const struct fido_layout layout = TEST_LAYOUT;
	const uint64_t slot3 = fido_layout_slot_base(&layout, 3),
		       size = UINT64_C(1) << TEST_SLOT_SHIFT;

	map(slot3 + 4 * SIZE, SIZE, 0, 0);     /* no descriptor */
	map(slot3 + 4 * SIZE, SIZE, 0, 2);     /* too many */
	map(slot3 + 4 * SIZE, 2 * SIZE, 0, 1); /* more than the file holds */
	map(slot3 + 4 * SIZE, SIZE, 4096, 1);
	map(slot3 + 4 * SIZE, SIZE, UINT64_MAX - 4096, 1);
	map(slot3 + 4 * SIZE, 0, 0, 1);
	map(slot3 - SIZE, SIZE, 0, 1); /* another domain's slot */
	map(slot3 + size, SIZE, 0, 1);
	map(slot3 + size - SIZE / 2, SIZE, 0, 1);
	map(slot3 + 4 * SIZE, UINT64_MAX - SIZE, 0, 1);
	map(0, SIZE, 0, 1);
	map(UINT64_MAX - SIZE + 1, SIZE, 0, 1);
	map(slot3 + 4 * SIZE + 1, 4096, 0, 1); /* not whole pages */
	map(slot3 + 4 * SIZE, 100, 0, 1);
	map(slot3, SIZE, 0, 1); /* over its control region, which is mapped */
	map(slot3 + SIZE / 2, SIZE, 0, 1);
	map_two(slot3 + 4 * SIZE, slot3 + 4 * SIZE + SIZE / 2, SIZE);
	after_hello(FIDO_HOST_UNMAP, &(struct fido_host_unmap){.gaddr = slot3 - SIZE, .len = SIZE},
		sizeof(struct fido_host_unmap), 0);
	after_hello(FIDO_HOST_UNMAP,
		&(struct fido_host_unmap){.gaddr = slot3 + 1, .len = UINT64_MAX},
		sizeof(struct fido_host_unmap), 0);
	after_hello(FIDO_HOST_BELLS, &(struct fido_host_bells){.nrx = 1, .ntx = 1},
		sizeof(struct fido_host_bells), 1);
	after_hello(FIDO_HOST_BELLS, &(struct fido_host_bells){.nrx = 1, .ntx = 1},
		sizeof(struct fido_host_bells), 2); /* a memory file is no doorbell */
	after_hello(FIDO_HOST_BELLS, &(struct fido_host_bells){.nrx = 33},
		sizeof(struct fido_host_bells), 2);
	after_hello(FIDO_HOST_HELLO, &(struct fido_host_hello){.name = "y"},
		sizeof(struct fido_host_hello), 1);
}

/* The kernel would map the whole huge page, over what lies behind. */
static void
part_of_a_huge_page(void **state)
{
	const struct fido_layout layout = TEST_LAYOUT;

	memory_fd = memfd_create("x", MFD_CLOEXEC | MFD_HUGETLB | 21u << 26);
	if (memory_fd < 0 || ftruncate(memory_fd, 2 << 20) != 0)
		skip(); /* the kernel has no huge pages of this size */
	map(fido_layout_slot_base(&layout, 3) + 4 * SIZE, 4096, 0, 1);
	close(memory_fd);
	memory_fd = -1;
}

/* Without the lock on its slot's file, no process is accepted as the slot's owner. */
static void
slot_of_nobody(void **state)
{
	hello(good_hello, true, 1, 3);
}

static int
set_up(void **state)
{
	a = test_join("a");
	return 0;
}

/* After all that the domain still works. */
static void
still_there(void **state)
{
	struct fido_domain *b = test_join("b");
	struct fido_link *ab = test_link(a, "b", NULL, 1, 1, 64),
			 *ba = test_link(b, "a", NULL, 1, 1, 64);

	test_wait_up(ab, ba);
	fido_link_destroy(ab);
	fido_link_destroy(ba);
	fido_domain_leave(b);
	fido_domain_leave(a);
	test_rundir_empty();
}

TEST_MAIN(cmocka_unit_test_setup(nonsense, set_up), cmocka_unit_test(bad_hello),
	cmocka_unit_test(nothing_but_descriptors), cmocka_unit_test(deaf),
	cmocka_unit_test(asks_twice), cmocka_unit_test(slot_of_nobody),
	cmocka_unit_test(bad_memory), cmocka_unit_test(part_of_a_huge_page),
	cmocka_unit_test(still_there))
