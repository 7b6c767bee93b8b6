/* SPDX-License-Identifier: BSD-3-Clause */
/* The hostile peer of the fuzz targets. */

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "fork_guard.h"
#include "local_folder.h"
#include "local_slot.h"

struct fuzz_peer fuzz_x = {.socket = -1, .slot = -1, .control_fd = -1};

/* ---- descriptors to send ---- */

#define FD_KINDS 16

static int fds_of_kind[FD_KINDS];

static int
memory(size_t size, int seals)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(ftruncate(fd, (off_t)size) == 0);
	if (seals != 0)
		FUZZ_CHECK(fcntl(fd, F_ADD_SEALS, seals) == 0);
	return fd;
}

static void
make_fds(void)
{
	int pipes[2], broken[2], pair[2];
	int seals = F_SEAL_SHRINK | F_SEAL_GROW;

	FUZZ_CHECK(pipe2(pipes, O_CLOEXEC) == 0 && pipe2(broken, O_CLOEXEC) == 0 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	close(broken[0]); /* whoever writes to this one gets SIGPIPE */
	close(pair[0]);
	fds_of_kind[0] = eventfd(0, EFD_CLOEXEC);
	fds_of_kind[1] = memory(FUZZ_PEER_CONTROL, seals);
	fds_of_kind[2] = memory(FUZZ_PEER_CONTROL, 0);
	fds_of_kind[3] = memory(4096, seals);
	fds_of_kind[4] = memory(0, seals);
	fds_of_kind[5] = memory(5000, seals);
	fds_of_kind[6] = memory(64u << 20, seals);
	fds_of_kind[7] = memory(FUZZ_PEER_CONTROL, seals | F_SEAL_WRITE);
	fds_of_kind[8] = pipes[0];
	fds_of_kind[9] = pipes[1];
	fds_of_kind[10] = broken[1];
	fds_of_kind[11] = pair[1];
	fds_of_kind[12] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fds_of_kind[13] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds_of_kind[14] = epoll_create1(EPOLL_CLOEXEC);
	fds_of_kind[15] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_write(fds_of_kind[15], UINT64_MAX - 1);
}

int
fuzz_peer_fd(uint8_t which)
{
	return fds_of_kind[which % FD_KINDS];
}

/* ---- its memory ---- */

struct fido_sender_shm *
fuzz_peer_sender(unsigned int i)
{
	return (void *)((char *)fuzz_x.c + FIDO_CONTROL_HEAP_OFFSET + (size_t)i * 4096);
}

struct fido_receiver_shm *
fuzz_peer_receiver(unsigned int i)
{
	return (void *)((char *)fuzz_x.c + FIDO_CONTROL_HEAP_OFFSET +
		(size_t)(FUZZ_QUEUES + i) * 4096);
}

static uint64_t
gaddr_of(const void *p)
{
	return FUZZ_BASE + ((uint64_t)FUZZ_PEER_SLOT << FUZZ_SLOT_SHIFT) +
		(uint64_t)((const char *)p - (const char *)fuzz_x.c);
}

static void
make_control(void)
{
	if (fuzz_x.c == NULL) {
		fuzz_x.control_fd = memory(FUZZ_PEER_CONTROL, F_SEAL_SHRINK | F_SEAL_GROW);
		fuzz_x.c = mmap(NULL, FUZZ_PEER_CONTROL, PROT_READ | PROT_WRITE, MAP_SHARED,
			fuzz_x.control_fd, 0);
		FUZZ_CHECK(fuzz_x.c != MAP_FAILED);
	}
	memset(fuzz_x.c, 0, FIDO_CONTROL_HEAP_OFFSET + 2 * FUZZ_QUEUES * 4096);
	fuzz_x.c->magic = FIDO_CONTROL_MAGIC;
	fuzz_x.c->version = FIDO_LAYOUT_VERSION;
	fuzz_x.c->generation = fuzz_x.generation;
	fuzz_x.c->layout_base = FUZZ_BASE;
	fuzz_x.c->slot_shift = FUZZ_SLOT_SHIFT;
	fuzz_x.c->slots = FUZZ_SLOTS;
	fuzz_x.c->slot = FUZZ_PEER_SLOT;
	fuzz_x.c->epoch = 1;
	fuzz_x.c->mapped[FUZZ_PEER_SLOT].generation = fuzz_x.generation;
	fuzz_x.c->mapped[FUZZ_PEER_SLOT].epoch = 1;
	fuzz_x.c->mapped[fuzz_a.d->slot].generation = fuzz_a.d->generation;
	fuzz_x.c->mapped[fuzz_a.d->slot].epoch = fuzz_a.d->control->epoch;
	strcpy(fuzz_x.c->name, "x");
}

void
fuzz_peer_record(enum fido_link_state state)
{
	struct fido_link_shm *rec = &fuzz_x.c->links[0];

	*rec = (struct fido_link_shm){.seq = (rec->seq + 2) & ~1u,
		.state = state,
		.peer = "a",
		.name = "0",
		.incarnation = fuzz_x.incarnation,
		.ntx = FUZZ_QUEUES,
		.nrx = FUZZ_QUEUES,
		.peer_generation = fuzz_a.d->generation,
		.peer_incarnation = fuzz_a.link->incarnation};
	for (unsigned int i = 0; i < FUZZ_QUEUES; i++) {
		struct fido_sender_shm *s = fuzz_peer_sender(i);
		struct fido_receiver_shm *r = fuzz_peer_receiver(i);

		rec->tx[i] = (struct fido_queue_ref_shm){gaddr_of(s), FUZZ_RING, 0};
		rec->rx[i] = (struct fido_queue_ref_shm){gaddr_of(r), FUZZ_RING, 0};
		s->queue_id = fido_queue_id(fuzz_x.incarnation, (uint16_t)i);
		s->size = r->size = FUZZ_RING;
		s->attached = 1;
		s->armed = r->armed = 1; /* so that its doorbells are rung */
		r->queue_id = fido_queue_id(fuzz_a.link->incarnation, (uint16_t)i);
	}
}

/* ---- its life ---- */

void
fuzz_peer_start(void)
{
	struct fido_local_folder g;
	struct sockaddr_un address;

	if (fds_of_kind[0] == 0)
		make_fds();
	fuzz_x.generation++;
	fuzz_x.incarnation++;
	make_control();
	fuzz_a.open_fds = fuzz_open_fds();
	FUZZ_CHECK(fido_local_folder_open(&g, "f", false) == 0);
	fuzz_x.slot = fido_local_slot_claim(&g, FUZZ_PEER_SLOT, "x", fuzz_x.generation);
	FUZZ_CHECK(fuzz_x.slot >= 0);
	fuzz_x.socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	fido_local_folder_address(&g, "a", &address);
	FUZZ_CHECK(connect(fuzz_x.socket, (struct sockaddr *)&address, sizeof(address)) == 0);
	fuzz_turn();
}

void
fuzz_peer_end(void)
{
	struct fido_local_folder g;

	close(fuzz_x.socket);
	fido_fork_close(fuzz_x.slot);
	FUZZ_CHECK(fido_local_folder_open(&g, "f", false) == 0);
	fido_local_slot_free(&g, FUZZ_PEER_SLOT);
	fuzz_domain_settle();
}

void
fuzz_peer_send(const void *msg, size_t len, const int *fds, unsigned int nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * FIDO_HOST_FDS_MAX)];
	} control = {0};
	struct iovec iov = {(void *)(uintptr_t)msg, len};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};

	if (nfds != 0) {
		struct cmsghdr *c;

		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	/* It may have been disconnected already. */
	if (sendmsg(fuzz_x.socket, &mh, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		fuzz_turn();
}

void
fuzz_peer_say(enum fido_host_type type, void *msg, size_t len, const int *fds, unsigned int nfds)
{
	*(struct fido_host_header *)msg =
		(struct fido_host_header){FIDO_CONTROL_MAGIC, FIDO_LAYOUT_VERSION, (uint16_t)type};
	fuzz_peer_send(msg, len, fds, nfds);
}

void
fuzz_peer_hello(void)
{
	struct fido_host_hello m = {.layout_base = FUZZ_BASE,
		.slot_shift = FUZZ_SLOT_SHIFT,
		.slots = FUZZ_SLOTS,
		.generation = fuzz_x.generation,
		.control_size = FUZZ_PEER_CONTROL,
		.slot = FUZZ_PEER_SLOT,
		.name = "x"};

	fuzz_peer_say(FIDO_HOST_HELLO, &m, sizeof(m), &fuzz_x.control_fd, 1);
}

void
fuzz_peer_connect(void)
{
	struct fido_host_map none = {.epoch = 1};
	struct fido_host_bells bells = {.nrx = FUZZ_QUEUES, .ntx = FUZZ_QUEUES, .link = "0"};
	struct fido_host_header changed;
	int fds[2 * FUZZ_QUEUES];

	for (int i = 0; i < 2 * FUZZ_QUEUES; i++)
		fds[i] = fds_of_kind[0];
	fuzz_peer_hello();
	fuzz_peer_say(FIDO_HOST_MAP, &none, offsetof(struct fido_host_map, extents), NULL, 0);
	fuzz_peer_say(FIDO_HOST_BELLS, &bells, sizeof(bells), fds, 2 * FUZZ_QUEUES);
	fuzz_peer_record(FIDO_LINK_OFFERED);
	fuzz_peer_say(FIDO_HOST_CHANGED, &changed, sizeof(changed), NULL, 0);
	fuzz_peer_record(FIDO_LINK_BOUND);
	fuzz_peer_say(FIDO_HOST_CHANGED, &changed, sizeof(changed), NULL, 0);
	FUZZ_CHECK(fuzz_a.link->state == FIDO_LINK_CONNECTED);
}
