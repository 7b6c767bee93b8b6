/* SPDX-License-Identifier: BSD-3-Clause */
/* One queue of the backend, with stores that check their requests. */

#include "client.h"
#include "fuzz-blk.h"
#include "pool.h"
#include "queue.h"
#include "server_private.h"
#include "session.h"
#include "volume.h"
#include "worker.h"

#define REQUESTS 16
#define VOLUMES 2
#define BLOCK 512u
#define SIZE ((uint64_t)1 << 20)
#define PAGE 4096u

static struct blk_server server;
static struct back_volume volumes[VOLUMES];
static struct fido_blk_volume_shm volume_shm[VOLUMES];
static struct fido_blk_queue_shm queue_shm[BACK_QUEUES_SHOWN];
static struct back_client client;
static struct back_worker worker;
static struct back_queue *q;
static struct {
	struct blk_io *io;
	struct blk_channel *channel;
} waiting[REQUESTS];
static unsigned int waiting_count;
static unsigned int lent; /* pieces of the store that lends its own memory */

/* ---- the stores ---- */

static void
check_io(const struct blk_channel *channel, const struct blk_io *io)
{
	bool transfer = io->op == FIDO_BLK_READ || io->op == FIDO_BLK_WRITE;
	uint64_t sum = 0;

	FUZZ_CHECK(io->op >= FIDO_BLK_READ && io->op <= FIDO_BLK_WRITE_ZEROES);
	if (io->op == FIDO_BLK_FLUSH)
		return;
	FUZZ_CHECK(io->length != 0 && (io->offset | io->length) % BLOCK == 0 && io->offset < SIZE &&
		io->length <= SIZE - io->offset);
	FUZZ_CHECK(!transfer || io->length <= channel->store->info.max_transfer);
	for (uint32_t i = 0; i < io->iovcnt; i++) {
		const volatile char *p = io->iov[i].iov_base;

		for (size_t k = 0; io->op == FIDO_BLK_WRITE && k < io->iov[i].iov_len; k += BLOCK)
			(void)p[k];
		(void)p[io->iov[i].iov_len - 1];
		sum += io->iov[i].iov_len;
	}
	FUZZ_CHECK(io->iovcnt <= FIDO_BLK_SEGMENTS_MAX);
	FUZZ_CHECK(sum ==
		(io->op == FIDO_BLK_WRITE ||
					(io->op == FIDO_BLK_READ &&
						channel->store->ops->release == NULL)
				? io->length
				: 0));
}

static void
done(struct blk_io *io, struct blk_channel *channel, int error)
{
	if (error == 0 && io->op == FIDO_BLK_READ && channel->store->ops->release != NULL) {
		uint64_t at = io->offset, left = io->length;

		for (io->iovcnt = 0; left != 0; io->iovcnt++) {
			uint64_t n = PAGE - at % PAGE < left ? PAGE - at % PAGE : left;

			io->iov[io->iovcnt] = (struct iovec){(void *)(uintptr_t)(fb.ours +
								     FIDO_GRANULE_SIZE + at),
				n};
			io->lent[io->iovcnt] =
				(void *)(uintptr_t)(fb.ours + FIDO_GRANULE_SIZE + at);
			at += n;
			left -= n;
			lent++;
		}
	}
	blk_io_done(io, error);
}

static void
stub_submit(struct blk_channel *channel, struct blk_io *io)
{
	check_io(channel, io);
	FUZZ_CHECK(waiting_count < REQUESTS);
	waiting[waiting_count].io = io;
	waiting[waiting_count++].channel = channel;
}

static void
stub_finish(unsigned int n, int error)
{
	while (n-- > 0 && waiting_count != 0) {
		struct blk_io *io = waiting[0].io;
		struct blk_channel *channel = waiting[0].channel;

		memmove(waiting, waiting + 1, --waiting_count * sizeof(waiting[0]));
		done(io, channel, error);
	}
}

static int
stub_channel_open(struct blk_store *store, const struct blk_channel_config *config,
	struct blk_channel **out)
{
	(void)config;
	*out = malloc(sizeof(**out));
	FUZZ_CHECK(*out != NULL);
	(*out)->store = store;
	return 0;
}

static void
stub_channel_close(struct blk_channel *channel)
{
	free(channel);
}

static void
stub_release(struct blk_channel *channel, void *piece)
{
	(void)channel;
	FUZZ_CHECK((uintptr_t)piece - fb.ours - FIDO_GRANULE_SIZE < SIZE && lent != 0);
	lent--;
}

static const struct blk_store_ops reads_into = {.kind = "a",
	.submit = stub_submit,
	.channel_open = stub_channel_open,
	.channel_close = stub_channel_close};
static const struct blk_store_ops lends_itself = {.kind = "b",
	.submit = stub_submit,
	.channel_open = stub_channel_open,
	.channel_close = stub_channel_close,
	.release = stub_release};
static struct blk_store stores[VOLUMES];

/* ---- life ---- */

static void
start_server(uint8_t how)
{
	/*
	 * The first granule of the honest side: information, and memory for reads, so little that
	 * requests wait.
	 */
	struct blk_info_shm *info = (struct blk_info_shm *)(uintptr_t)fb.ours;

	memset(volume_shm, 0, sizeof(volume_shm));
	memset(queue_shm, 0, sizeof(queue_shm));
	server = (struct blk_server){.domain = &fb.domain,
		.volumes = volumes,
		.volume_count = VOLUMES,
		.volume_shm = volume_shm,
		.queue_shm = queue_shm,
		.workers = &worker,
		.config = {.workers = 1}};
	pthread_mutex_init(&server.lock, NULL);
	for (uint32_t i = 0; i < VOLUMES; i++) {
		stores[i] = (struct blk_store){.ops = i == 0 ? &reads_into : &lends_itself,
			.info = {.size = SIZE,
				.block_size = BLOCK,
				.max_transfer = 1 << 18,
				.max_segments = 32,
				.features = how & 2 ? 0x1f : how >> 2 & 0x1f}};
		volumes[i] = (struct back_volume){.name = {'v', (char)('0' + i)},
			.store = &stores[i],
			.index = i,
			.info = &info[i],
			.shm = &volume_shm[i]};
	}
	worker = (struct back_worker){.server = &server};
	FUZZ_CHECK(blk_buffers_over(&worker.pool.buffers,
			   (void *)(uintptr_t)(fb.ours + BLK_BUFFER_MAX), BLK_BUFFER_MAX) == 0);
	client = (struct back_client){.server = &server,
		.link = &fb.link,
		.peer = "x",
		.queue_count = 1};
	FUZZ_CHECK(back_queue_create(&client, 0, REQUESTS, &q) == 0);
	q->txq = &fb.txq;
	q->rxq = &fb.rxq;
	q->worker = &worker;
	q->pool = &worker.pool;
	waiting_count = 0;
	lent = 0;
}

/* Do what a worker does in one turn. */
static void
turn(void)
{
	back_queue_reap(q);
	back_queue_poll(q);
	back_queue_retry(q);
	back_close_if_down(q);
	FUZZ_CHECK(q->opening == NULL || back_open_retry(q) == &worker);
	if (worker.pool.dirty != NULL) {
		FUZZ_CHECK(worker.pool.dirty == q && q->dirty);
		back_queue_answer(q);
		worker.pool.dirty = !STAILQ_EMPTY(&q->done) ? q : NULL;
		q->dirty = worker.pool.dirty != NULL;
	}
}

static void
give_back(void **cookies, unsigned int n, uint64_t out)
{
	unsigned int pieces = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t at = (uintptr_t)cookies[i] - fb.ours;

		if (at >= BLK_BUFFER_MAX && at < 2 * BLK_BUFFER_MAX)
			blk_buffers_free(worker.pool.buffers, cookies[i]);
		else if (at >= FIDO_GRANULE_SIZE && at < 2 * FIDO_GRANULE_SIZE)
			stub_release(NULL, cookies[i]);
		else
			continue;
		pieces++;
	}
	FUZZ_CHECK(pieces == out);
}

/* The client is dead: no request of it remains, and all memory is back. */
static void
end_server(void)
{
	void *cookies[FB_RING];
	const struct back_request *r;
	uint64_t out = 0;

	client.leaving = 1;
	fb.txq.open = false;
	fb.rxq.count = 0;
	for (int i = 0; i < 4; i++) {
		if (q->opening != NULL && q->in_flight == 0) {
			back_request_done(q->opening, FIDO_STATUS_CLOSED);
			q->opening = NULL;
		}
		stub_finish(REQUESTS, 0);
		turn();
	}
	back_close(q);
	FUZZ_CHECK(back_queue_idle(q) && STAILQ_EMPTY(&q->starved) && waiting_count == 0 &&
		fb.our_r->held_count == 0);
	for (unsigned int i = 0; i < VOLUMES; i++) {
		out += volume_shm[i].closed.lent - volume_shm[i].closed.returned;
		FUZZ_CHECK(volume_shm[i].clients == 0 && volume_shm[i].exclusive == 0);
	}
	FUZZ_CHECK(q->buffered == blk_buffers_used(worker.pool.buffers));
	give_back(cookies, fb_recall(cookies), out);
	FUZZ_CHECK(blk_buffers_used(worker.pool.buffers) == 0 && lent == 0);
	STAILQ_FOREACH (r, &q->free, next)
		q->request_count--;
	FUZZ_CHECK(q->request_count == 0);
	for (struct back_pieces *p; (p = worker.pool.pieces) != NULL; free(p))
		worker.pool.pieces = p->next;
	for (struct back_channel *c; (c = worker.pool.channels) != NULL; free(c)) {
		worker.pool.channels = c->next;
		stub_channel_close(c->channel);
	}
	blk_buffers_destroy(worker.pool.buffers);
	back_queue_destroy(q);
	pthread_mutex_destroy(&server.lock);
}

/* ---- what the client sends ---- */

static void
say_open(uint8_t how)
{
	struct blk_open_shm *o = (struct blk_open_shm *)(uintptr_t)fb.base;

	*o = (struct blk_open_shm){.magic = BLK_MAGIC + (how == 255),
		.version = BLK_VERSION + (how == 254),
		.session = how >> 2 & 3,
		.flags = how >> 4 & 3,
		.volume = {'v', (char)('0' + (how & 1) + (how == 253))}};
	fb_put(fb.base + (how == 252), sizeof(*o) - (how == 251),
		BLK_OP_OPEN << FIDO_DESC_USER_SHIFT | (how == 250 ? FIDO_DESC_CHAINED : 0));
}

static void
say_command(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in), size = fuzz_u8(in);
	unsigned int op = how & 7, pieces = op == FIDO_BLK_WRITE || size > 250 ? 1 + (how >> 5) : 0;
	uint32_t len = size < 240
		? (1 + size % 64) * BLOCK * pieces + (pieces == 0 ? (1 + size % 64) * BLOCK : 0)
		: (uint32_t)fuzz_odd_number(in);
	uint64_t sector = size < 240 ? fuzz_u16(in) % (SIZE / BLOCK) : fuzz_odd_number(in);

	if (size == 239)
		pieces = 40; /* more than allowed */
	fb_put(sector, blk_op_in_sectors(op) ? len / BLOCK : len,
		(uint16_t)(blk_command_flags(op, how >> 3 & 1 ? BLK_FLAG_FUA : 0) |
			(pieces != 0 ? FIDO_DESC_CHAINED : 0)));
	for (unsigned int i = 0; i < pieces; i++)
		fb_put(how & 16 ? fb_address(in) : fb.base + i * 65536, len / pieces,
			i + 1 < pieces ? FIDO_DESC_CHAINED : 0);
}

static void
one_step(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in);

	switch (what & 15) {
	case 0:
		say_open(fuzz_u8(in));
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		say_command(in);
		break;
	case 5:
		fb_put(fb_address(in), fuzz_u16(in), fuzz_u16(in));
		break;
	case 6:
		fb_write_raw(in);
		break;
	case 7:
	case 8:
		fb_complete(fuzz_u8(in), what >> 4);
		break;
	case 9:
	case 10:
		stub_finish(1 + (what >> 4), what >> 7 ? -EIO : 0);
		break;
	case 11: /* the link goes down and up */
		client.downs++;
		fb.link.up = what >> 7;
		break;
	case 12:
		fb.txq.open = what >> 7 || what >> 6;
		break;
	default:
		fb_their_turn();
		turn();
		break;
	}
}

void
fuzz_blk_back(struct fuzz_in *in, uint8_t start)
{
	start_server(start);
	if (start & 128) {
		say_open(start >> 6 & 1);
		fb_their_turn();
		turn();
	}
	while (in->left != 0)
		one_step(in);
	end_server();
}
