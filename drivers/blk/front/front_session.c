/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: connect to the backend, and reconnect when it comes back.
 *
 * Each queue detects new rings of its link (fido_sender.queue_id) by itself. It then processes what
 * the retired rings have delivered, queues unanswered requests again, and sends OPEN. The requests
 * follow when OPEN is answered.
 */

#include <errno.h>
#include <string.h>

#include <fido/log.h>

#include "front.h"

/* Limits the processing of retired rings: a backend that never stops posting must not block us. */
#define LAST_LOOKS 128

/* Queue SENT requests again, in any order: all were in flight together. */
static void
wait_again(struct fido_blk_queue *q)
{
	for (uint32_t i = 0; i < q->depth; i++)
		if (q->requests[i].state == REQUEST_SENT)
			blk_front_wait_again(q, &q->requests[i]);
	blk_front_give_back(q);
}

uint64_t
blk_front_ring_id(struct fido_blk_queue *q)
{
	uint64_t id = 0;

	fido_lock_take(&q->txq->lock);
	if (q->txq->sender != NULL && q->txq->open)
		id = q->txq->sender->queue_id;
	fido_lock_release(&q->txq->lock);
	return id;
}

/* Fail the waiting requests; sent ones still get their answers. */
static void
refuse(struct fido_blk_queue *q, int error)
{
	struct request *r;

	q->state = SESSION_REFUSED;
	q->refusal = error;
	while ((r = STAILQ_FIRST(&q->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->waiting, next);
		r->state = REQUEST_SENT;
		blk_front_finish(q, r, error);
	}
}

/* The link is closed for good: fail all requests. */
static void
link_lost(struct fido_blk_queue *q, int error)
{
	if (q->state == SESSION_REFUSED && q->refusal == error)
		return;
	fido_log(FIDO_LOG_ERROR,
		"volume %s of %s: the link is closed: %s: all requests fail: close the volume and "
		"open it again",
		q->blk->volume, q->blk->backend,
		error == -EPROTO ? "the backend violated the ring protocol" : strerror(-error));
	for (uint32_t i = 0; i < q->depth; i++)
		if (q->requests[i].state == REQUEST_SENT)
			blk_front_finish(q, &q->requests[i], error);
	refuse(q, error);
	blk_front_give_back(q);
}

void
blk_front_session_check(struct fido_blk_queue *q)
{
	int error = fido_link_error(q->blk->link);
	uint64_t id = blk_front_ring_id(q);

	if (error != 0)
		link_lost(q, error);
	if (error != 0 || id == 0 || id == q->session)
		return;
	/*
	 * New rings exist only after the backend has left the retired ones, which therefore deliver
	 * nothing new. Process what they hold while by_ticket still refers to them.
	 */
	for (int i = 0; i < LAST_LOOKS && blk_front_take_answers(q); i++)
		;
	q->session = id;
	q->session_tag++;
	memset(q->by_ticket, 0, sizeof(q->by_ticket));
	wait_again(q);
	q->state = SESSION_NONE;
	if (blk_front_send_open(q))
		q->state = SESSION_OPENING;
	else
		q->session = 0; /* Retry at the next check. */
}

static bool
same_volume(const struct fido_blk_info *a, const struct fido_blk_info *b)
{
	/* Features may differ; limits that requests were checked against must still hold. */
	return a->size == b->size && a->identity == b->identity && a->block_size == b->block_size &&
		b->max_transfer >= a->max_transfer && b->max_segments >= a->max_segments;
}

static bool
valid_info(const struct fido_blk_info *info)
{
	return info->size != 0 && info->block_size >= BLK_SECTOR &&
		(info->block_size & (info->block_size - 1)) == 0 &&
		info->size % info->block_size == 0 && info->max_transfer >= info->block_size &&
		info->max_segments != 0 && info->size / BLK_SECTOR <= FIDO_GADDR_MASK;
}

/* @return 0, -EPROTO, -ESTALE */
static int
take_info(struct fido_blk *blk, const struct blk_info_shm *shm)
{
	struct fido_blk_info info = {.size = fido_load_relaxed(&shm->size),
		.identity = fido_load_relaxed(&shm->identity),
		.block_size = fido_load_relaxed(&shm->block_size),
		.max_transfer = fido_load_relaxed(&shm->max_transfer),
		.max_segments = fido_load_relaxed(&shm->max_segments),
		.features = fido_load_relaxed(&shm->features)};
	int ret = 0;

	if (fido_load_relaxed(&shm->magic) != BLK_MAGIC ||
		fido_load_relaxed(&shm->version) != BLK_VERSION || !valid_info(&info))
		return -EPROTO;
	if (info.max_segments > FIDO_BLK_SEGMENTS_MAX)
		info.max_segments = FIDO_BLK_SEGMENTS_MAX;
	if (info.max_transfer > BLK_BUFFER_MAX)
		info.max_transfer = BLK_BUFFER_MAX;
	if (blk->config.read_only)
		info.features &= ~FIDO_BLK_CAN_WRITE;
	pthread_mutex_lock(&blk->lock);
	if (!blk->info_known)
		blk->info = info;
	else if (!same_volume(&blk->info, &info))
		ret = -ESTALE;
	blk->info_known = true;
	pthread_mutex_unlock(&blk->lock);
	return ret;
}

void
blk_front_session_info(struct fido_blk_queue *q, const struct fido_rx *rx)
{
	int ret = -EPROTO;

	q->by_ticket[q->open_ticket] = 0;
	if (q->state != SESSION_OPENING)
		return;
	if (rx->desc.len >= sizeof(struct blk_info_shm) && rx->desc.gaddr % 8 == 0)
		ret = take_info(q->blk, rx->desc.data);
	if (ret == 0) {
		q->state = SESSION_OPEN;
		q->stats.sessions++;
		return;
	}
	fido_log(FIDO_LOG_ERROR, "volume %s of %s: all requests fail: %s", q->blk->volume,
		q->blk->backend,
		ret == -ESTALE
			? "this is another volume, or it has lost its contents: close it and open "
			  "it again"
			: "invalid answer to OPEN: use the same version of Fido for both");
	refuse(q, ret);
}

void
blk_front_session_status(struct fido_blk_queue *q, uint16_t status)
{
	int error;

	if (status != FIDO_STATUS_OK)
		q->by_ticket[q->open_ticket] = 0;
	if (status == FIDO_STATUS_OK || q->state != SESSION_OPENING)
		return;
	if (status < FIDO_STATUS_USER) {
		/* OPEN was not processed: retry in this session or the next. */
		q->session = 0;
		q->state = SESSION_NONE;
		return;
	}
	error = blk_front_status_error(status);
	fido_log(FIDO_LOG_ERROR, "cannot open volume %s of %s: %s%s", q->blk->volume,
		q->blk->backend, strerror(-error),
		error == -ENOENT ? ": fido-ctl blk lists the volumes"
			: error == -EBUSY
			? ": somebody has it open, and one of you asked for exclusive use"
			: error == -EROFS  ? ": the volume is read-only: open it read-only"
			: error == -EPROTO ? ": the backend is another version of Fido"
					   : "");
	refuse(q, error);
}
