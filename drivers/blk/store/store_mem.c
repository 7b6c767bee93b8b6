/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * mem:SIZE (K, M, G, T): a volume in this domain's memory; its contents are lost when it exits.
 *
 * The volume is an arena of page-sized frames, with a few more frames than pages. A read lends the
 * frames themselves. Lent memory does not change: a write to a page that somebody reads goes to a
 * free frame, which replaces the page's frame; the last reader's release frees the old one.
 *
 *   page_frame[page] -> frame: state = readers | CLAIMED: being written | ORPHAN: replaced
 *
 * A reader counts itself in the frame's state, then checks that the page still has that frame. A
 * writer claims a frame without readers. So whole pages are read and written atomically, also with
 * several threads.
 */

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fido/atomic.h>
#include <fido/log.h>
#include <fido/region.h>

#include "size.h"
#include "store.h"

#define PAGE_SHIFT 12
#define PAGE ((uint64_t)1 << PAGE_SHIFT)
#define CLAIMED 0x80000000u
#define ORPHAN 0x40000000u
#define READERS 0x3fffffffu
/* Additional frames: one for 8 pages, and SPARE_MIN. */
#define SPARE_SHARE 8
#define SPARE_MIN 256
/* Unaligned, it covers one page more: FIDO_BLK_LENT_MAX frames. */
#define MAX_TRANSFER ((FIDO_BLK_LENT_MAX - 1) * PAGE)

struct mem_store {
	struct blk_store store;
	struct fido_region *arena;
	char *base;
	uint64_t pages;
	uint64_t frames;
	uint32_t *page_frame;
	uint32_t *state;      /* by frame */
	pthread_mutex_t lock; /* guards the free frames */
	uint32_t *free_frames;
	uint32_t free_count;
};

struct mem_channel {
	struct blk_channel channel;
	STAILQ_HEAD(mem_waiting, blk_io)
	waiting; /* writes that need a free frame: readers hold all */
};

/* ---- frames ---- */

static char *
frame_ptr(const struct mem_store *m, uint32_t frame)
{
	return m->base + ((uint64_t)frame << PAGE_SHIFT);
}

static void
frame_put(struct mem_store *m, uint32_t frame)
{
	pthread_mutex_lock(&m->lock);
	m->free_frames[m->free_count++] = frame;
	pthread_mutex_unlock(&m->lock);
}

/* @return a free frame, claimed, or UINT32_MAX */
static uint32_t
frame_get(struct mem_store *m)
{
	uint32_t frame = UINT32_MAX;

	pthread_mutex_lock(&m->lock);
	if (m->free_count != 0)
		frame = m->free_frames[--m->free_count];
	pthread_mutex_unlock(&m->lock);
	/*
	 * Not a plain store: a reader that saw the frame in its previous place may be counting
	 * itself in and out. The lock orders this after the last reader.
	 */
	if (frame != UINT32_MAX)
		__atomic_fetch_or(&m->state[frame], CLAIMED, __ATOMIC_RELAXED);
	return frame;
}

static void
frame_unclaim(struct mem_store *m, uint32_t frame)
{
	/* R21: pairs with A21. The data is there before others read the frame or write to it. */
	__atomic_fetch_and(&m->state[frame], ~CLAIMED, __ATOMIC_RELEASE);
}

/* Free a frame that has neither page nor reader. Several threads may try; one succeeds. */
static void
frame_collect(struct mem_store *m, uint32_t frame)
{
	uint32_t state = ORPHAN;

	/* A20 */
	if (__atomic_compare_exchange_n(&m->state[frame], &state, 0, false, __ATOMIC_ACQUIRE,
		    __ATOMIC_RELAXED))
		frame_put(m, frame);
}

static void
frame_release(struct mem_store *m, uint32_t frame)
{
	/* R20: pairs with A20. Our reads precede a writer's claim, or its taking the free frame. */
	if (__atomic_sub_fetch(&m->state[frame], 1, __ATOMIC_RELEASE) == ORPHAN)
		frame_collect(m, frame);
}

/* Count a reader of the page's frame. @return the frame */
static uint32_t
frame_read(struct mem_store *m, uint64_t page)
{
	for (;;) {
		uint32_t frame = fido_load_relaxed(&m->page_frame[page]);
		/* A21: pairs with R21. A new frame is unclaimed before it is put in place. */
		uint32_t state = __atomic_fetch_add(&m->state[frame], 1, __ATOMIC_ACQUIRE);

		if (!(state & (CLAIMED | ORPHAN)) &&
			fido_load_relaxed(&m->page_frame[page]) == frame)
			return frame;
		frame_release(m, frame);
		fido_pause();
	}
}

/* ---- reading ---- */

/* The frames of one descriptor: first [31:0], count [63:32]; count is not 0. */
static void *
lent_token(uint32_t first, uint32_t count)
{
	return (void *)(uintptr_t)((uint64_t)count << 32 | first);
}

static void
mem_release(struct blk_channel *channel, void *lent)
{
	struct mem_store *m = (struct mem_store *)channel->store;
	uint32_t first = (uint32_t)(uintptr_t)lent, count = (uint32_t)((uintptr_t)lent >> 32);

	for (uint32_t i = 0; i < count; i++)
		frame_release(m, first + i);
}

/* Adjacent frames form one piece. */
static void
read_pages(struct mem_store *m, struct blk_io *io)
{
	uint64_t first = io->offset >> PAGE_SHIFT,
		 last = (io->offset + io->length - 1) >> PAGE_SHIFT;
	uint64_t at = io->offset & (PAGE - 1), left = io->length;
	uint32_t start = 0, count = 0;

	io->iovcnt = 0;
	for (uint64_t page = first; page <= last; page++) {
		uint32_t frame = frame_read(m, page);
		uint64_t len = PAGE - at < left ? PAGE - at : left;

		if (count != 0 && frame == start + count) {
			io->iov[io->iovcnt - 1].iov_len += len;
			count++;
		} else {
			start = frame;
			count = 1;
			io->iov[io->iovcnt++] = (struct iovec){frame_ptr(m, frame) + at, len};
		}
		io->lent[io->iovcnt - 1] = lent_token(start, count);
		left -= len;
		at = 0;
	}
}

/* ---- writing ---- */

/* Position in the data of a write. */
struct source {
	const struct iovec *iov; /* NULL: zeros */
	size_t done;             /* bytes of the first piece */
};

static void
copy_from(struct source *s, char *to, uint64_t len)
{
	if (s->iov == NULL) {
		memset(to, 0, len);
		return;
	}
	while (len != 0) {
		size_t room = s->iov->iov_len - s->done, n = room < len ? room : len;

		memcpy(to, (const char *)s->iov->iov_base + s->done, n);
		to += n;
		len -= n;
		s->done += n;
		if (s->done == s->iov->iov_len) {
			s->iov++;
			s->done = 0;
		}
	}
}

/* @return 1: written, 0: it has readers, -1: another thread writes it, retry */
static int
write_in_place(struct mem_store *m, uint64_t page, uint64_t at, uint64_t len, struct source *s)
{
	uint32_t frame = fido_load_relaxed(&m->page_frame[page]), state = 0;

	/* A20: pairs with R20; also A21. */
	if (!__atomic_compare_exchange_n(&m->state[frame], &state, CLAIMED, false, __ATOMIC_ACQUIRE,
		    __ATOMIC_RELAXED))
		return state & (CLAIMED | ORPHAN) ? -1 : 0;
	if (fido_load_relaxed(&m->page_frame[page]) != frame) {
		frame_unclaim(m, frame);
		return -1;
	}
	copy_from(s, frame_ptr(m, frame) + at, len);
	frame_unclaim(m, frame);
	return 1;
}

/*
 * Write to a free frame, then put it in place of the page's. Count as a reader of the old frame
 * meanwhile: a concurrent write to it would be lost.
 * @return 1: written, 0: no frame is free, -1: another thread replaced the frame, retry
 */
static int
write_beside(struct mem_store *m, uint64_t page, uint64_t at, uint64_t len, struct source *s)
{
	uint32_t old = frame_read(m, page), expected = old, frame = frame_get(m);
	struct source from = *s;
	bool done;

	if (frame == UINT32_MAX) {
		frame_release(m, old);
		return 0;
	}
	if (len != PAGE)
		memcpy(frame_ptr(m, frame), frame_ptr(m, old), PAGE);
	copy_from(&from, frame_ptr(m, frame) + at, len);
	frame_unclaim(m, frame);
	/* Release: whoever finds the frame here finds it unclaimed. R21 and A21 do the rest. */
	done = __atomic_compare_exchange_n(&m->page_frame[page], &expected, frame, false,
		__ATOMIC_RELEASE, __ATOMIC_RELAXED);
	if (done) {
		*s = from;
		/* No order is needed: our own frame_release() follows. */
		__atomic_fetch_or(&m->state[old], ORPHAN, __ATOMIC_RELAXED);
	} else {
		frame_put(m, frame);
	}
	frame_release(m, old);
	return done ? 1 : -1;
}

/* @return false: the frame has readers, and no frame is free */
static bool
write_page(struct mem_store *m, uint64_t page, uint64_t at, uint64_t len, struct source *s)
{
	int ret;

	for (;;) {
		ret = write_in_place(m, page, at, len, s);
		if (ret == 0)
			ret = write_beside(m, page, at, len, s);
		if (ret >= 0)
			return ret == 1;
		fido_pause();
	}
}

/* Continue a write after io->store_u64 bytes. @return false: it must wait for a free frame */
static bool
write_pages(struct mem_store *m, struct blk_io *io, bool zeros)
{
	struct source s = {.iov = zeros ? NULL : io->iov};

	/* Skip what is written already. */
	for (uint64_t skip = io->store_u64; s.iov != NULL && skip != 0;) {
		uint64_t n = s.iov->iov_len - s.done < skip ? s.iov->iov_len - s.done : skip;

		skip -= n;
		s.done += n;
		if (s.done == s.iov->iov_len) {
			s.iov++;
			s.done = 0;
		}
	}
	while (io->store_u64 < io->length) {
		uint64_t offset = io->offset + io->store_u64, at = offset & (PAGE - 1);
		uint64_t left = io->length - io->store_u64,
			 len = PAGE - at < left ? PAGE - at : left;

		if (!write_page(m, offset >> PAGE_SHIFT, at, len, &s))
			return false;
		io->store_u64 += len;
	}
	return true;
}

/* ---- the ops ---- */

static bool
run(struct mem_store *m, struct blk_io *io)
{
	switch (io->op) {
	case FIDO_BLK_READ:
		read_pages(m, io);
		return true;
	case FIDO_BLK_WRITE:
		return write_pages(m, io, false);
	case FIDO_BLK_DISCARD:
	case FIDO_BLK_WRITE_ZEROES:
		return write_pages(m, io, true);
	default:
		return true;
	}
}

static void
mem_submit(struct blk_channel *channel, struct blk_io *io)
{
	struct mem_channel *c = (struct mem_channel *)channel;

	io->store_u64 = 0;
	if (run((struct mem_store *)channel->store, io)) {
		blk_io_done(io, 0);
		return;
	}
	STAILQ_INSERT_TAIL(&c->waiting, io, store_next);
}

static unsigned int
mem_poll(struct blk_channel *channel)
{
	struct mem_channel *c = (struct mem_channel *)channel;
	unsigned int n = 0;
	struct blk_io *io;

	while ((io = STAILQ_FIRST(&c->waiting)) != NULL &&
		(io->abandoned || run((struct mem_store *)channel->store, io))) {
		int error = io->abandoned ? -ECANCELED : 0;

		STAILQ_REMOVE_HEAD(&c->waiting, store_next);
		blk_io_done(io, error);
		n++;
	}
	return n;
}

static bool
mem_arm(struct blk_channel *channel, int *fd, short *events)
{
	(void)events;
	*fd = -1;
	/* Do not sleep: lent memory may return by another thread's queue, without a wake-up. */
	return !STAILQ_EMPTY(&((struct mem_channel *)channel)->waiting);
}

static int
mem_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out)
{
	struct mem_channel *c = calloc(1, sizeof(*c));

	(void)config;
	if (c == NULL)
		return -ENOMEM;
	c->channel.store = store;
	STAILQ_INIT(&c->waiting);
	*out = &c->channel;
	return 0;
}

static void
mem_channel_close(struct blk_channel *channel)
{
	free(channel);
}

static void
mem_close(struct blk_store *store)
{
	struct mem_store *m = (struct mem_store *)store;

	fido_region_destroy(m->arena);
	pthread_mutex_destroy(&m->lock);
	free(m->page_frame);
	free(m->state);
	free(m->free_frames);
	free(m);
}

static int
create_frames(struct mem_store *m, struct fido_domain *domain)
{
	int ret;

	m->frames = m->pages + m->pages / SPARE_SHARE + SPARE_MIN;
	if (m->frames > UINT32_MAX)
		return -EFBIG;
	m->page_frame = malloc(m->pages * sizeof(*m->page_frame));
	m->state = calloc(m->frames, sizeof(*m->state));
	m->free_frames = malloc(m->frames * sizeof(*m->free_frames));
	if (m->page_frame == NULL || m->state == NULL || m->free_frames == NULL)
		return -ENOMEM;
	ret = fido_arena_create(domain, m->frames << PAGE_SHIFT, &m->arena);
	if (ret != 0)
		return ret;
	m->base = (char *)(uintptr_t)m->arena->gaddr;
	for (uint64_t i = 0; i < m->pages; i++)
		m->page_frame[i] = (uint32_t)i;
	for (uint64_t i = m->frames; i-- > m->pages;)
		m->free_frames[m->free_count++] = (uint32_t)i;
	return 0;
}

static int
mem_open(struct blk_store **out, const struct blk_store_config *config)
{
	struct mem_store *m = calloc(1, sizeof(*m));
	uint64_t size = blk_size_parse(config->arg);
	struct timespec now;
	int ret = size == 0 || size % PAGE != 0 ? -EINVAL : 0;

	if (m == NULL)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	m->pages = size >> PAGE_SHIFT;
	if (ret == 0)
		ret = create_frames(m, config->domain);
	if (ret != 0) {
		fido_log(FIDO_LOG_ERROR, "volume %s: mem:%s: %s", config->volume, config->arg,
			ret == -EINVAL ? "give a size that is a multiple of 4 KiB, as in 64M or 1G"
				       : strerror(-ret));
		mem_close(&m->store);
		return ret;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	m->store.ops = &blk_store_mem;
	m->store.info = (struct fido_blk_info){
		.size = size,
		/* Each start has new contents. */
		.identity = (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec,
		.block_size = 512,
		.max_transfer = MAX_TRANSFER,
		.max_segments = FIDO_BLK_SEGMENTS_MAX,
		.features = FIDO_BLK_CAN_WRITE | FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_FUA |
			FIDO_BLK_CAN_DISCARD | FIDO_BLK_CAN_WRITE_ZEROES,
	};
	*out = &m->store;
	return 0;
}

const struct blk_store_ops blk_store_mem = {
	.kind = "mem",
	.open = mem_open,
	.close = mem_close,
	.channel_open = mem_channel_open,
	.channel_close = mem_channel_close,
	.submit = mem_submit,
	.poll = mem_poll,
	.arm = mem_arm,
	.release = mem_release,
};
