/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer that scribbles over all its memory neither crashes a domain nor harms another peer's
 * traffic.
 */
/*
 *   b (hostile) ====== a (honest) ------ c (honest)
 *                                 ---->  messages with a pattern
 *                                <----   their copies
 *
 * b lives several times: it joins, is honest for a while, attacks (scribbler.c), is killed, and
 * joins again. In between a opens again what it closed. FIDO_HOSTILE_ITEMS is the number of items
 * that b writes in all.
 */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "link_private.h"
#include "scribbler.h"

#define ITEMS 60000
#define ITEMS_A_LIFE_MAX 200000
#define LIVES 3
#define QUEUES 2
#define BUFS 64
#define LEN 256
#define HELD 32

static struct fido_domain *a;
static struct fido_region *mem;
static struct fido_link *ab, *ac;
static struct scribble_shared *shared;
static uint64_t seed = 1;

/* ---- c: echoes a copy of each message ---- */

static bool
echo_one(struct fido_txq *tx, struct fido_rxq *rxq, struct fido_region *region, uint32_t *next)
{
	struct fido_rx rx;
	struct fido_buf buf = {.data = test_buf(region, *next % BUFS), .len = LEN, .cookie = &seed};
	void *cookie;

	while (fido_txq_reap(tx, &cookie, 1) == 1)
		;
	/* Completions come in order here: half of the buffers are back at any time. */
	if (fido_txq_out(tx) > BUFS / 2 || fido_rxq_poll(rxq, &rx, 1) != 1)
		return false;
	if (rx.desc.len != LEN)
		exit(2);
	memcpy(test_buf(region, *next % BUFS), rx.desc.data, LEN);
	fido_rxq_complete(rxq, &rx, 1, FIDO_STATUS_OK);
	(*next)++;
	while (fido_txq_post(tx, &buf, 1) != 1)
		if (getppid() == 1)
			exit(3);
	return true;
}

static void
echo_run(int stop_fd)
{
	struct fido_domain *c = test_join("c");
	struct fido_region *region = test_arena(c, 2u << 20);
	struct fido_link *ca = test_link(c, "a", NULL, 1, 1, 64);
	uint32_t next = 0;
	char byte;

	while (recv(stop_fd, &byte, 1, MSG_DONTWAIT) != 0)
		if (!echo_one(fido_link_txq(ca, 0), fido_link_rxq(ca, 0), region, &next))
			usleep(100);
	fido_link_destroy(ca);
	fido_domain_leave(c);
	exit(0);
}

/* ---- processes ---- */

static pid_t
start(const char *what, int fd)
{
	char number[16];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(number, sizeof(number), "%d", fd);
	fcntl(fd, F_SETFD, 0);
	execl("/proc/self/exe", "hostile", what, number, (char *)NULL);
	_exit(127);
}

static struct scribble_shared *
shared_map(int fd)
{
	void *p = mmap(NULL, sizeof(struct scribble_shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		0);

	if (p == MAP_FAILED)
		exit(4);
	return p;
}

/* ---- a and c ---- */

static struct {
	uint32_t sent;
	uint32_t echoed;
	uint32_t out; /* not completed by c */
	uint64_t last_ms;
	bool ending; /* send no more */
} c_traffic;

static void
serve_c(void)
{
	struct fido_txq *tx = fido_link_txq(ac, 0);
	struct fido_rxq *rxq = fido_link_rxq(ac, 0);
	struct fido_rx rx;
	void *cookies[BUFS];

	c_traffic.out -= fido_txq_reap(tx, cookies, BUFS);
	/*
	 * Reuse a buffer when its copy is back: c has then finished with it. Its cookie may come
	 * later.
	 */
	while (!c_traffic.ending && c_traffic.sent - c_traffic.echoed < BUFS / 2 &&
		c_traffic.out < BUFS / 2) {
		struct fido_buf buf = {test_buf(mem, c_traffic.sent % BUFS), LEN, 0, &c_traffic};

		test_fill(test_buf(mem, c_traffic.sent % BUFS), LEN, c_traffic.sent);
		if (fido_txq_post(tx, &buf, 1) != 1)
			break;
		c_traffic.sent++;
		c_traffic.out++;
	}
	while (fido_rxq_poll(rxq, &rx, 1) == 1) {
		assert_int_equal(rx.desc.len, LEN);
		assert_true(test_filled(rx.desc.data, LEN, c_traffic.echoed));
		fido_rxq_complete(rxq, &rx, 1, FIDO_STATUS_OK);
		c_traffic.echoed++;
		c_traffic.last_ms = test_now_ms();
	}
	if (test_now_ms() - c_traffic.last_ms > (uint64_t)TEST_LIMIT_MS)
		fail_msg("nothing came from c for %d ms", TEST_LIMIT_MS);
	assert_true(fido_link_is_up(ac));
}

/* ---- a and b ---- */

static struct {
	struct fido_rx held[HELD];
	struct fido_rxq *by[HELD];
	unsigned int count;
	uint64_t got;
	uint64_t posted;
	uint64_t taken;
	unsigned int reopened;
} b_traffic;

static void
complete_one(unsigned int k)
{
	fido_rxq_complete(b_traffic.by[k], &b_traffic.held[k], 1, FIDO_STATUS_OK);
	b_traffic.count--;
	b_traffic.held[k] = b_traffic.held[b_traffic.count];
	b_traffic.by[k] = b_traffic.by[b_traffic.count];
}

/* Every page of an accepted message can be read for as long as it is held. */
static void
read_all(const struct fido_desc *d)
{
	const volatile uint8_t *p = d->data;

	for (uint64_t i = 0; i < d->len && i < 1u << 20; i += 4096)
		(void)p[i];
	(void)p[d->len - (d->len != 0)];
}

static void
receive(struct fido_rxq *q)
{
	struct fido_rx rx[8];
	unsigned int n = fido_rxq_poll(q, rx, 8);

	for (unsigned int i = 0; i < n; i++) {
		read_all(&rx[i].desc);
		if (b_traffic.count == HELD)
			complete_one((unsigned int)(test_random(&seed) % HELD));
		b_traffic.held[b_traffic.count] = rx[i];
		b_traffic.by[b_traffic.count++] = q;
	}
	b_traffic.got += n;
	while (b_traffic.count != 0 && test_random(&seed) % 4) {
		unsigned int k = (unsigned int)(test_random(&seed) % b_traffic.count);

		read_all(&b_traffic.held[k].desc);
		complete_one(k);
	}
}

static void
take_b(struct fido_txq *q)
{
	void *cookies[64];
	unsigned int n = fido_txq_reap(q, cookies, 64);

	for (unsigned int i = 0; i < n; i++)
		assert_ptr_equal(cookies[i], q);
	b_traffic.taken += n;
	assert_true(b_traffic.taken <= b_traffic.posted);
}

static void
open_again(void)
{
	bool closed;

	pthread_mutex_lock(&a->lock);
	closed = !ab->want_open;
	pthread_mutex_unlock(&a->lock);
	if (!closed)
		return;
	b_traffic.reopened++;
	fido_link_open(ab);
}

static void
serve_b(void)
{
	for (uint16_t i = 0; i < QUEUES; i++) {
		struct fido_txq *q = fido_link_txq(ab, i);
		struct fido_buf buf = {test_buf(mem, BUFS + i), LEN, 0, q};

		receive(fido_link_rxq(ab, i));
		take_b(q);
		if (fido_txq_post(q, &buf, 1) == 1)
			b_traffic.posted++;
	}
	open_again();
}

static void
serve(void)
{
	serve_b();
	serve_c();
}

/* Let go of the dead b: all that was out with it comes back, its memory is unmapped. */
static void
bury(pid_t pid)
{
	uint64_t until = test_now_ms() + 3 * TEST_LIMIT_MS;
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (b_traffic.count != 0)
		complete_one(0);
	while (b_traffic.taken != b_traffic.posted || fido_domain_peer_count(a) != 1) {
		if (test_now_ms() > until)
			fail_msg("%lu buffers are lost, %u peers left",
				b_traffic.posted - b_traffic.taken, fido_domain_peer_count(a));
		for (uint16_t i = 0; i < QUEUES; i++) {
			struct fido_rx rx[8];

			take_b(fido_link_txq(ab, i));
			fido_rxq_complete(fido_link_rxq(ab, i), rx,
				fido_rxq_poll(fido_link_rxq(ab, i), rx, 8), FIDO_STATUS_OK);
		}
		open_again();
		serve_c();
	}
}

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

static void
life(uint64_t want, int fd)
{
	uint32_t echoed = c_traffic.echoed;
	pid_t pid;
	int status;

	shared->want = want;
	shared->seed = test_random(&seed);
	shared->total = 0;
	shared->done = 0;
	pid = start("--scribbler", fd);
	while (!fido_load_acquire(&shared->done)) {
		for (int i = 0; i < 20; i++)
			serve();
		/* It may have crashed over its own scribbling. */
		if (waitpid(pid, &status, WNOHANG) == pid)
			fail_msg("the hostile process exited by itself: %x", status);
	}
	for (uint64_t i = test_random(&seed) % 50; i > 0; i--)
		serve(); /* b dies in the middle of its attack */
	bury(pid);
	assert_true(c_traffic.echoed > echoed);
}

static uint64_t
counter(size_t offset)
{
	uint64_t sum = 0;

	for (uint16_t i = 0; i < QUEUES; i++)
		sum += *(uint64_t *)(void *)((char *)fido_link_rxq(ab, i)->stats + offset);
	return sum;
}

static void
print_counts(void)
{
	uint64_t all = 0;

	for (int i = 0; i < SCRIBBLE_KINDS; i++) {
		print_message("%12lu %s\n", shared->items[i], scribble_names[i]);
		all += shared->items[i];
	}
	print_message("%12lu in all\n", all);
	print_message("a: %lu bad descriptors counted, %lu good ones; link closed as broken %u "
		      "times, up %u times\n",
		counter(offsetof(struct fido_rx_stats_shm, bad)), b_traffic.got, b_traffic.reopened,
		shared->links);
	print_message("c: %u messages there and back, none damaged or lost\n", c_traffic.echoed);
}

static void
lives(int fd)
{
	const char *env = getenv("FIDO_HOSTILE_ITEMS");
	uint64_t want = env != NULL ? strtoull(env, NULL, 0) : ITEMS, done = 0;
	uint64_t each = want / LIVES < ITEMS_A_LIFE_MAX ? want / LIVES : ITEMS_A_LIFE_MAX;
	unsigned int n = 0;

	while (n < LIVES || done < want) {
		life(each, fd);
		done += shared->total;
		assert_true(++n < 100 * (want / each)); /* it does get to write */
	}
}

static void
end_c(pid_t pid, int fd)
{
	int status;

	TEST_WAIT((serve_c(), c_traffic.echoed > 100));
	c_traffic.ending = true;
	while (c_traffic.echoed != c_traffic.sent || c_traffic.out != 0)
		serve_c();
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
scribbling(void **state)
{
	int fd = memfd_create("shared", 0), stop[2];
	pid_t c;

	assert_int_equal(ftruncate(fd, sizeof(*shared)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, stop), 0);
	shared = shared_map(fd);
	fido_log_set(silent);
	a = test_join("a");
	mem = test_arena(a, 2u << 20);
	ab = test_link(a, "b", NULL, QUEUES, QUEUES, 64);
	ac = test_link(a, "c", NULL, 1, 1, 64);
	c = start("--echo", stop[1]);
	close(stop[1]);
	TEST_WAIT(fido_link_is_up(ac));
	c_traffic.last_ms = test_now_ms();
	lives(fd);
	print_counts();
	assert_true(
		counter(offsetof(struct fido_rx_stats_shm, bad)) > 1000 && b_traffic.reopened > 3);
	end_c(c, stop[0]);
	fido_link_destroy(ab);
	fido_link_destroy(ac);
	fido_domain_leave(a);
	close(fd);
	test_rundir_empty();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scribbling)};

	if (argc == 3 && strcmp(argv[1], "--scribbler") == 0)
		scribbler_run(shared_map(atoi(argv[2])));
	if (argc == 3 && strcmp(argv[1], "--echo") == 0)
		echo_run(atoi(argv[2]));
	test_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
