/* SPDX-License-Identifier: BSD-3-Clause */
/* Refusals. */

#include "refusal.h"

#include <string.h>

#include <fido/clock.h>
#include <fido/log.h>

#include "admit.h"
#include "server_private.h"

/* Offers are retried often: log a refusal only this often. */
#define TELL_AGAIN_MS 10000

static void
tell_of_refusal(struct blk_server *s, const struct fido_offer *offer, int error)
{
	uint64_t now = fido_now_ms();

	if (s->told_ms != 0 && now - s->told_ms < TELL_AGAIN_MS)
		return;
	s->told_ms = now;
	fido_log(FIDO_LOG_ERROR, "cannot serve link %s of %s: %s%s", offer->name, offer->peer,
		strerror(-error), blk_admit_advice(error));
}

static struct fido_blk_refusal_shm *
find_refusal(struct blk_server *s, uint64_t generation)
{
	for (unsigned int i = 0; i < FIDO_BLK_REFUSALS; i++)
		if (s->shm->refused[i].generation == generation)
			return &s->shm->refused[i];
	return NULL;
}

void
back_refuse(struct blk_server *s, const struct fido_offer *offer, int error)
{
	struct fido_blk_refusal_shm *r = find_refusal(s, offer->generation);

	if (r == NULL) {
		r = &s->shm->refused[s->next_refusal++ % FIDO_BLK_REFUSALS];
		fido_store_release(&r->generation, 0);
	}
	fido_store_release(&r->error, (uint64_t)-error);
	fido_store_release(&r->generation, offer->generation);
	tell_of_refusal(s, offer, error);
}

void
back_refusal_withdraw(struct blk_server *s, const struct fido_offer *offer)
{
	struct fido_blk_refusal_shm *r = find_refusal(s, offer->generation);

	if (r != NULL)
		fido_store_release(&r->generation, 0);
}
