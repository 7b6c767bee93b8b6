/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the fuzz targets: the input, and the domain under test. */

#include <dirent.h>
#include <ftw.h>
#include <pthread.h>

#include <fido/log.h>

#include "fuzz.h"

struct fuzz_domain fuzz_a;

static char rundir[64];

uint64_t
fuzz_number(struct fuzz_in *in, size_t bytes)
{
	uint64_t v = 0;

	if (bytes > in->left)
		bytes = in->left;
	memcpy(&v, in->p, bytes);
	in->p += bytes;
	in->left -= bytes;
	return v;
}

uint64_t
fuzz_odd_number(struct fuzz_in *in)
{
	uint8_t kind = fuzz_u8(in);
	uint64_t limit = UINT64_C(1) << (kind & 63);
	static const int8_t near_by[] = {0, 1, -1};

	if (kind >> 6 == 3)
		return fuzz_u64(in);
	return limit + (uint64_t)near_by[kind >> 6];
}

/* ---- start ---- */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_rundir(void)
{
	nftw(rundir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

static void
stop_thread(struct fido_domain *d)
{
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_mutex_unlock(&d->lock);
	fido_domain_kick(d);
	pthread_join(d->thread, NULL);
	d->thread_started = false;
	d->stop = false;
}

unsigned int
fuzz_open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	FUZZ_CHECK(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

void
fuzz_domain_start(void)
{
	struct fido_domain_config config = {.group = "f",
		.name = "a",
		.no_hugepages = true,
		.layout = {FUZZ_BASE, FUZZ_SLOT_SHIFT, FUZZ_SLOTS}};
	struct fido_link_config link = {.peer = "x"};

	strcpy(rundir, "/tmp/fido-fuzz-XXXXXX");
	FUZZ_CHECK(mkdtemp(rundir) != NULL && setenv("FIDO_RUNDIR", rundir, 1) == 0);
	atexit(remove_rundir);
	fido_log_set(silent);
	FUZZ_CHECK(fido_domain_join(&fuzz_a.d, &config) == 0);
	stop_thread(fuzz_a.d);
	FUZZ_CHECK(fido_arena_create(fuzz_a.d, 2u << 20, &fuzz_a.mem) == 0);
	FUZZ_CHECK(fido_link_create(fuzz_a.d, &link, &fuzz_a.link) == 0);
	FUZZ_CHECK(fido_link_configure(fuzz_a.link, FUZZ_QUEUES, FUZZ_QUEUES, FUZZ_RING) == 0);
	FUZZ_CHECK(fido_link_open(fuzz_a.link) == 0);
}

/* ---- turns ---- */

void
fuzz_turn(void)
{
	struct fido_domain *d = fuzz_a.d;

	pthread_mutex_lock(&d->lock);
	d->ops->process(d->transport);
	fido_domain_update(d);
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL)
			fido_link_collect(d->links[i]);
	fido_peers_collect(d);
	fido_recall_collect(d);
	pthread_mutex_unlock(&d->lock);
}

/* ---- the data path ---- */

/* All of it must be readable: the first byte, the last, and some between. */
static void
read_all(const struct fido_desc *d)
{
	const volatile uint8_t *p = d->data;

	FUZZ_CHECK(p != NULL);
	for (uint64_t i = 0; i < d->len; i += 65536)
		(void)p[i];
	(void)p[d->len - (d->len != 0)];
}

static void
poll_queue(uint16_t queue, unsigned int max)
{
	struct fido_rx rx[FUZZ_HELD];
	struct fido_rxq *q = fido_link_rxq(fuzz_a.link, queue);
	unsigned int n;

	if (max > FUZZ_HELD - fuzz_a.held_count)
		max = FUZZ_HELD - fuzz_a.held_count;
	n = fido_rxq_poll(q, rx, max);
	FUZZ_CHECK(n <= max);
	/* A message comes whole, or fills all the room. */
	FUZZ_CHECK(n == 0 || n == max || !(rx[n - 1].desc.flags & FIDO_DESC_CHAINED));
	for (unsigned int i = 0; i < n; i++) {
		read_all(&rx[i].desc);
		fuzz_a.held[fuzz_a.held_count] = rx[i];
		fuzz_a.held_by[fuzz_a.held_count++] = queue;
	}
}

static void
complete_held(unsigned int i, uint16_t status)
{
	struct fido_rxq *q = fido_link_rxq(fuzz_a.link, fuzz_a.held_by[i]);

	fido_rxq_complete(q, &fuzz_a.held[i], 1, status);
	fuzz_a.held_count--;
	fuzz_a.held[i] = fuzz_a.held[fuzz_a.held_count];
	fuzz_a.held_by[i] = fuzz_a.held_by[fuzz_a.held_count];
}

/* A cookie tells the queue that it was posted to. */
static void
post(uint16_t queue, unsigned int n)
{
	struct fido_buf b[4];

	for (unsigned int i = 0; i < n; i++)
		b[i] = (struct fido_buf){(const char *)fuzz_a.mem->va + i * 64, 64,
			i + 1 < n ? FIDO_DESC_CHAINED : 0, (void *)(uintptr_t)(queue + 1)};
	fido_txq_post(fido_link_txq(fuzz_a.link, queue), b, n);
}

static unsigned int
take(uint16_t queue)
{
	void *cookies[8];
	unsigned int n = fido_txq_reap(fido_link_txq(fuzz_a.link, queue), cookies, 8);

	for (unsigned int i = 0; i < n; i++)
		FUZZ_CHECK((uintptr_t)cookies[i] == queue + 1u);
	return n;
}

void
fuzz_data_path(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in);
	uint16_t queue = what >> 3 & 1;

	switch (what & 7) {
	case 0:
	case 1:
		poll_queue(queue, 1 + (what >> 4));
		break;
	case 2:
		if (fuzz_a.held_count != 0)
			complete_held((what >> 4) % fuzz_a.held_count, FIDO_STATUS_OK);
		break;
	case 3:
		post(queue, 1 + (what >> 4) % 4);
		break;
	case 4:
		take(queue);
		break;
	case 5:
		fido_rxq_arm(fido_link_rxq(fuzz_a.link, queue));
		fido_txq_arm(fido_link_txq(fuzz_a.link, queue));
		break;
	case 6:
		fido_rxq_disarm(fido_link_rxq(fuzz_a.link, queue), true);
		fido_txq_disarm(fido_link_txq(fuzz_a.link, queue), true);
		break;
	default:
		if (what >> 4 == 0)
			fido_link_close(fuzz_a.link);
		fido_link_open(fuzz_a.link);
		break;
	}
}

/* ---- the end of a life ---- */

static uint32_t
still_out(void)
{
	uint32_t out = 0;

	for (uint16_t i = 0; i < FUZZ_QUEUES; i++)
		out += fido_txq_out(fido_link_txq(fuzz_a.link, i));
	return out;
}

static unsigned int
old_ends(void)
{
	unsigned int n = 0;

	for (struct fido_tx_ring *e = fuzz_a.link->tx_rings; e != NULL; e = e->next)
		n += e->state != FIDO_RING_LIVE;
	for (struct fido_rx_ring *e = fuzz_a.link->rx_rings; e != NULL; e = e->next)
		n++;
	return n;
}

static bool
settled(void)
{
	return fuzz_a.d->peers == NULL && still_out() == 0 && old_ends() == 0 &&
		fuzz_a.d->dead == NULL;
}

/* Buffers that the peer had come back now that it is dead; what was held of it is released. */
void
fuzz_domain_settle(void)
{
	while (fuzz_a.held_count != 0)
		complete_held(0, FIDO_STATUS_OK);
	for (int i = 0; i < 2 || (i < 40 && !settled()); i++) {
		for (struct fido_peer *p = fuzz_a.d->peers; p != NULL; p = p->next)
			p->gone_ns = 0; /* do not wait for what others pass on */
		/* The application polls no more, so that what waits in the rings is returned. */
		fido_link_close(fuzz_a.link);
		fuzz_turn();
		for (uint16_t k = 0; k < FUZZ_QUEUES; k++)
			while (take(k) != 0)
				;
	}
	FUZZ_CHECK(settled());
	FUZZ_CHECK(fido_link_open(fuzz_a.link) == 0);
	FUZZ_CHECK(fuzz_open_fds() == fuzz_a.open_fds);
}
