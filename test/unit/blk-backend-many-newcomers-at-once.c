/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A backend that many clients open at once serves as many as it has room for and refuses the rest.
 *
 * Each refused client learns of the refusal. Offers that do not come from front-ends hide no real
 * client.
 */
#include "blk_test.h"

#include <poll.h>
#include <stdlib.h>

#include <fido/control_shm.h>
#include <fido/link.h>

#include "domain_private.h"
#include "peer.h"

#define AT_ONCE 16u
#define QUEUES 8u
#define STRANGE 40u
#define LEN 4096u
#define REFUSED_MS 6000

/* A backend with few descriptors. */
static int
small_backend(const char *what)
{
	return blk_test_small_backend((unsigned int)atoi(what), 64 << 20);
}

struct opener {
	pthread_t thread;
	struct fido_domain *vm;
	struct fido_blk *blk;
	uint16_t queues;
	int ret;
};

static void *
open_one(void *arg)
{
	struct opener *o = arg;

	o->ret = fido_blk_open(o->vm,
		&(struct fido_blk_config){.backend = "disk",
			.volume = "v0",
			.bounce_size = 256 << 10,
			.queues = o->queues,
			.timeout_ms = REFUSED_MS},
		&o->blk);
	return NULL;
}

static struct fido_domain *
join(const char *name)
{
	struct fido_domain_config config = test_config(name);
	struct fido_blk_shm said;
	struct fido_domain *d;

	config.control_size = 32 << 20;
	assert_int_equal(fido_domain_join(&d, &config), 0);
	TEST_WAIT(fido_domain_peer_table(d, "disk", FIDO_BLK_SHM_MAGIC, &said, sizeof(said)) == 0);
	return d;
}

static unsigned int
offered(const struct fido_domain *d)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		n += fido_load_acquire(&d->control->links[i].state) >= FIDO_LINK_OFFERED;
	return n;
}

/* @return links to d that the backend has created; the caller holds d's lock */
static unsigned int
taken(struct fido_domain *d)
{
	const struct fido_peer *p = fido_domain_find_peer(d, "disk");
	unsigned int n = 0;

	for (unsigned int i = 0; p != NULL && i < FIDO_DOMAIN_LINKS_MAX; i++)
		n += fido_load_acquire(&p->control->links[i].state) >= FIDO_LINK_OFFERED;
	return n;
}

/*
 * Make all openers offer their links at the same time, so that the backend finds all offers in one
 * pass.
 * @param some the backend has room for some of them
 * @return number of the first domain's links that the backend has accepted by then
 */
static unsigned int
open_all(struct blk_test_process *backend, struct opener *o, unsigned int n, bool some)
{
	unsigned int all, links;

	assert_int_equal(kill(backend->pid, SIGSTOP), 0);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(pthread_create(&o[i].thread, NULL, open_one, &o[i]), 0);
	for (unsigned int i = 0; i < n; i++) {
		all = 0;
		for (unsigned int j = 0; j < n; j++)
			all += o[j].vm == o[i].vm;
		TEST_WAIT(offered(o[i].vm) >= all);
	}
	/*
	 * Until the lock is released, an accepted link gets no further than the backend's creating
	 * its end.
	 */
	pthread_mutex_lock(&o[0].vm->lock);
	assert_int_equal(kill(backend->pid, SIGCONT), 0);
	if (some)
		TEST_WAIT(taken(o[0].vm) != 0);
	usleep(300000);
	links = taken(o[0].vm);
	pthread_mutex_unlock(&o[0].vm->lock);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(o[i].thread, NULL);
	return links;
}

/* Write, then sleep until the answer rings: backend and client hold each other's doorbell. */
static void
write_asleep(struct fido_blk_queue *q, char *from, uint64_t offset)
{
	struct iovec iov = {from, LEN};
	struct fido_blk_request request = {.op = FIDO_BLK_WRITE,
		.offset = offset,
		.length = LEN,
		.iov = &iov,
		.iovcnt = 1};
	struct pollfd fd = {.fd = fido_blk_fd(q), .events = POLLIN};
	struct fido_blk_completion done;

	usleep(2000); /* by now the backend sleeps */
	assert_int_equal(fido_blk_submit(q, &request, 1), 1);
	while (fido_blk_poll(q, &done, 1) == 0) {
		if (!fido_blk_arm(q))
			assert_int_equal(poll(&fd, 1, TEST_LIMIT_MS), 1);
		fido_blk_disarm(q);
	}
	assert_int_equal(done.error, 0);
}

static void
some_are_served(void **state)
{
	struct opener o[AT_ONCE] = {0};
	struct blk_test_process backend;
	struct fido_region *mem;
	unsigned int links, served = 0;

	blk_test_spawn(&backend, "--front", "200");
	o[0].vm = join("vm");
	mem = test_arena(o[0].vm, 2 << 20);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		o[i].vm = o[0].vm;
		o[i].queues = QUEUES;
	}
	links = open_all(&backend, o, AT_ONCE, true);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		if (o[i].ret != 0) {
			assert_int_equal(o[i].ret, -ENOSPC);
			continue;
		}
		served++;
		for (uint16_t q = 0; q < QUEUES; q++)
			write_asleep(fido_blk_queue(o[i].blk, q), (char *)mem->va, i * LEN);
	}
	print_message("%u of %u are served, %u of them were accepted at once\n", served, AT_ONCE,
		links);
	assert_true(served >= links && served < AT_ONCE);
	for (unsigned int i = 0; i < AT_ONCE; i++)
		if (o[i].ret == 0)
			assert_int_equal(fido_blk_close(o[i].blk), 0);
	fido_region_destroy(mem);
	fido_domain_leave(o[0].vm);
	blk_test_kill(&backend);
}

/* A backend without any room. */
static void
each_is_told(void **state)
{
	struct opener o[3] = {0};
	struct blk_test_process backend;

	blk_test_spawn(&backend, "--front", "50");
	for (unsigned int i = 0; i < 3; i++)
		o[i].vm = join((const char *const[]){"vm0", "vm1", "vm2"}[i]);
	open_all(&backend, o, 3, false);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(o[i].ret, -ENOSPC);
		fido_domain_leave(o[i].vm);
	}
	blk_test_kill(&backend);
}

static void
strange_offers(void **state)
{
	struct fido_link *link[STRANGE];
	struct blk_test_process backend;
	struct opener o = {0};
	char name[16];

	blk_test_spawn(&backend, "--front", "1000");
	o.vm = join("vm");
	for (unsigned int i = 0; i < STRANGE; i++) {
		snprintf(name, sizeof(name), BLK_LINK_PREFIX "-odd%u", i);
		assert_int_equal(fido_link_create(o.vm,
					 &(struct fido_link_config){.peer = "disk", .name = name},
					 &link[i]),
			0);
		assert_int_equal(fido_link_configure(link[i], 1, 2, 64), 0);
		assert_int_equal(fido_link_open(link[i]), 0);
	}
	TEST_WAIT(offered(o.vm) == STRANGE);
	open_one(&o);
	assert_int_equal(o.ret, 0);
	assert_int_equal(fido_blk_close(o.blk), 0);
	for (unsigned int i = 0; i < STRANGE; i++) {
		fido_link_close(link[i]);
		fido_link_destroy(link[i]);
	}
	fido_domain_leave(o.vm);
	blk_test_kill(&backend);
}

BLK_TEST_MAIN(small_backend, cmocka_unit_test(some_are_served), cmocka_unit_test(each_is_told),
	cmocka_unit_test(strange_offers))
