/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notes: what the applications at the two ends of a link tell each other beside the messages. A
 * note lies in its writer's control region. The senders at the other end read it whenever it
 * changes.
 */

#include <errno.h>
#include <string.h>

#include <fido/control_shm.h>

#include "link_private.h"
#include "seqlock.h"

static void
write_note(struct fido_note_shm *shm, const void *data, uint32_t len)
{
	uint64_t words[FIDO_NOTE_MAX / 8] = {0};
	uint32_t seq;

	memcpy(words, data, len);
	seq = fido_seq_write_begin(&shm->seq);
	fido_store_relaxed(&shm->len, len);
	for (size_t i = 0; i < FIDO_NOTE_MAX / 8; i++)
		fido_store_relaxed(&shm->data[i], words[i]);
	fido_seq_write_end(&shm->seq, seq);
}

int
fido_link_set_note(struct fido_link *link, const void *data, uint32_t len)
{
	struct fido_domain *d = link->domain;

	if (len > FIDO_NOTE_MAX)
		return -EINVAL;
	pthread_mutex_lock(&d->lock);
	if (link->note == NULL)
		link->note = fido_domain_heap_alloc(d, sizeof(*link->note));
	if (link->note != NULL)
		write_note(link->note, data, len);
	pthread_mutex_unlock(&d->lock);
	return link->note != NULL ? 0 : -ENOSPC;
}

void
fido_link_free_note(struct fido_link *link)
{
	fido_domain_heap_free(link->domain, link->note, sizeof(*link->note));
	link->note = NULL;
}

const struct fido_note_shm *
fido_link_peer_note(const struct fido_link *link, const struct fido_peer *peer, uint32_t offset)
{
	if (offset % 64 != 0 || offset < FIDO_CONTROL_HEAP_OFFSET || offset > peer->control_size ||
		peer->control_size - offset < sizeof(struct fido_note_shm))
		return NULL;
	return fido_map_ptr(&link->domain->map, (uintptr_t)peer->control + offset,
		sizeof(struct fido_note_shm));
}

uint32_t
fido_txq_note_seq(const struct fido_txq *q)
{
	return q->note != NULL ? fido_load_relaxed(&q->note->seq) : 0;
}

int
fido_txq_note(const struct fido_txq *q, void *data)
{
	uint64_t words[FIDO_NOTE_MAX / 8];
	uint32_t seq, len;

	if (q->note == NULL)
		return 0;
	seq = fido_seq_read_begin(&q->note->seq);
	len = fido_load_relaxed(&q->note->len);
	for (size_t i = 0; i < FIDO_NOTE_MAX / 8; i++)
		words[i] = fido_load_relaxed(&q->note->data[i]);
	if (!fido_seq_read_whole(&q->note->seq, seq))
		return -EAGAIN;
	if (len > FIDO_NOTE_MAX)
		return 0;
	memcpy(data, words, FIDO_NOTE_MAX);
	return (int)len;
}
