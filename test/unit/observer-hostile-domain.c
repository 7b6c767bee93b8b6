/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An observer that is sent nonsense, or memory that could shrink, shows no control block and
 * survives.
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "local_folder.h"
#include "host_session.h"

#define SIZE (2u << 20)

static int listener;

/* What the fake domain answers, once to each observer. */
struct answer {
	bool hello; /* otherwise zeros */
	bool with_fd;
	bool sealed;
	uint64_t claims; /* control_size */
	uint32_t magic;
	bool block; /* the memory contains a control block */
};

static int
control_memory(const struct answer *a)
{
	int fd = memfd_create("false", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct fido_control_shm *c;

	assert_int_equal(ftruncate(fd, SIZE), 0);
	c = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(c, MAP_FAILED);
	if (a->block) {
		memset(c, 0xff, FIDO_CONTROL_HEAP_OFFSET); /* every field is wrong */
		c->magic = FIDO_CONTROL_MAGIC;
		c->version = FIDO_LAYOUT_VERSION;
	}
	munmap(c, SIZE);
	if (a->sealed)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	return fd;
}

static void *
false_domain(void *arg)
{
	const struct answer *a = arg;
	int fd = accept(listener, NULL, NULL), memory = control_memory(a);
	struct fido_host_session *s = fido_host_session_create(fd);
	struct fido_host_hello hello = {.generation = 1, .control_size = a->claims};
	char bytes[256];

	recv(fd, bytes, sizeof(bytes), 0);
	if (!a->hello)
		send(fd, "nonsense", 8, MSG_NOSIGNAL);
	else if (a->magic == 0)
		fido_host_send(s, FIDO_HOST_HELLO, &hello, sizeof(hello), &memory, a->with_fd,
			true);
	close(memory);
	recv(fd, bytes, sizeof(bytes), 0); /* until the observer closes */
	fido_host_session_destroy(s);
	return NULL;
}

/* @return true when the observer accepted its control block */
static bool
observed(struct answer *a)
{
	struct fido_observer *o = NULL;
	pthread_t thread;
	bool found = false;

	assert_int_equal(pthread_create(&thread, NULL, false_domain, a), 0);
	assert_int_equal(fido_observer_open(&o, TEST_GROUP), 0);
	for (unsigned int i = 0; i < fido_observer_count(o); i++) {
		const struct fido_observation *d = fido_observer_domain(o, i);

		if (strcmp(d->name, "false") == 0 && d->control != NULL) {
			found = true;
			assert_null(fido_observation_ptr(d, 0, 1));
			assert_null(fido_observation_ptr(d, UINT64_MAX, 1));
		}
	}
	fido_observer_close(o);
	pthread_join(thread, NULL);
	return found;
}

static void
hostile(void **state)
{
	struct answer good = {true, true, true, SIZE, 0, true}, a;
	struct fido_domain *d = test_join("a");
	struct fido_local_folder g;
	struct sockaddr_un address;

	assert_int_equal(fido_local_folder_open(&g, TEST_GROUP, false), 0);
	fido_local_folder_address(&g, "false", &address);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_true(observed(&good));
	a = good, a.hello = false;
	assert_false(observed(&a));
	a = good, a.with_fd = false;
	assert_false(observed(&a));
	a = good, a.sealed = false; /* it could be truncated while it is read: SIGBUS */
	assert_false(observed(&a));
	a = good, a.block = false;
	assert_false(observed(&a));
	a = good, a.claims = 2 * SIZE; /* more than the file holds */
	assert_false(observed(&a));
	a = good, a.claims = 4096; /* less than a control block */
	assert_false(observed(&a));
	a = good, a.claims = UINT64_MAX;
	assert_false(observed(&a));
	a = good, a.magic = 1; /* answers nothing */
	assert_false(observed(&a));
	close(listener);
	unlink(address.sun_path);
	fido_domain_leave(d);
	test_rundir_empty();
}

TEST_MAIN_ONE(hostile)
