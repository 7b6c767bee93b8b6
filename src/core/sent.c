/* SPDX-License-Identifier: BSD-3-Clause */
/* Keep how much of our memory each reader has been sent. */

#include "sent.h"

#include <string.h>

#include <fido/log.h>

#include "peer.h"

bool
fido_unsent(const struct fido_domain *d, const struct fido_sent *sent)
{
	return sent->epoch != (uint32_t)d->control->epoch || sent->gaddr != UINT64_MAX;
}

static bool
comes_after(const struct fido_extents_item *i, uint32_t epoch, uint64_t gaddr)
{
	return i->tag != epoch ? i->tag > epoch : i->extent.gaddr > gaddr;
}

size_t
fido_unsent_next(const struct fido_domain *d, const struct fido_sent *sent, struct fido_extent *out,
	size_t max, struct fido_sent *after)
{
	const struct fido_extents_item *next[FIDO_UNSENT_MAX];
	bool more = false;
	size_t n = 0;

	/* Find the first max extents in that order, by insertion. */
	for (size_t k = 0; k < d->extents.count; k++) {
		const struct fido_extents_item *item = &d->extents.items[k];
		size_t at = n;

		if (!comes_after(item, sent->epoch, sent->gaddr))
			continue;
		while (at > 0 && comes_after(next[at - 1], item->tag, item->extent.gaddr))
			at--;
		more |= n == max;
		if (at == max)
			continue;
		n += n < max;
		memmove(&next[at + 1], &next[at], (n - 1 - at) * sizeof(next[0]));
		next[at] = item;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = next[i]->extent;
	*after = *sent;
	after->error = 0;
	after->epoch = more ? next[n - 1]->tag : (uint32_t)d->control->epoch;
	after->gaddr = more ? next[n - 1]->extent.gaddr : UINT64_MAX;
	return n;
}

uint32_t
fido_sent_epoch(const struct fido_sent *sent)
{
	/* More extents of the last one's epoch may follow. */
	return sent->gaddr == UINT64_MAX || sent->epoch == 0 ? sent->epoch : sent->epoch - 1;
}

void
fido_sent_withdrawal(struct fido_sent *sent, uint32_t epoch)
{
	if (sent->gaddr == UINT64_MAX && sent->epoch == epoch - 1)
		sent->epoch = epoch;
}

void
fido_sent_failed(struct fido_domain *d, struct fido_sent *sent, const char *reader, int error)
{
	if (!sent->told)
		fido_log(FIDO_LOG_ERROR,
			"group %s: %s cannot give some of its memory to %s: %s: until it can, "
			"packets in that memory are copied, or the link waits: %s",
			d->group, d->name, reader, strerror(-error), fido_memory_advice(d, error));
	sent->error = error;
	sent->told = true;
	fido_domain_retry_later(d);
}

void
fido_sent_all(struct fido_domain *d, struct fido_sent *sent, const char *reader)
{
	if (sent->told)
		fido_log(FIDO_LOG_INFO, "group %s: %s has given all of its memory to %s", d->group,
			d->name, reader);
	sent->error = 0;
	sent->told = false;
}
