/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_RECALL_H
#define FIDO_RECALL_H

/**
 * @file
 * Recall: take back buffers that were out with a peer when it died. The head of recall.c states the
 * rule, and why it is safe and never gets stuck.
 *
 * The domain's lock is held throughout.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fido/sender.h>

struct fido_dead;
struct fido_domain;
struct fido_peer;

/** What living domains still hold by way of one dead peer. */
struct fido_recall {
	uint64_t newest; /**< no message that was posted later is held */
	bool listed;     /**< gaddr[] is complete */
	size_t count;    /**< of gaddr[] */
	uint64_t *gaddr; /**< addresses of the messages held, sorted */
};

/**
 * Allocate the record of a peer's death in advance, so that recording it cannot fail.
 * @return the record, to be freed with free() or given to fido_recall_note_death(); NULL: no memory
 */
struct fido_dead *fido_recall_prepare(void);
/** Record that a peer has ended, and from which domains it was receiving. Takes peer->death. */
void fido_recall_note_death(struct fido_domain *d, struct fido_peer *peer);
/** Drop the records of deaths if no message is held by way of any. @return true: some remain */
bool fido_recall_collect(struct fido_domain *d);
/** Free all records of deaths. */
void fido_recall_forget(struct fido_domain *d);
/**
 * Gather what is held by way of a peer that is gone.
 * @param q filled in
 * @return true: known, so tickets may come back; end with fido_recall_answered(). false: not known
 *         yet
 */
bool fido_recall_ask(struct fido_domain *d, const struct fido_peer *peer, struct fido_recall *q);
/** @return true: no domain can be reading the memory of this ticket any more. */
bool fido_recall_allows(const struct fido_recall *q, const struct fido_posted *posted);
/** Free what fido_recall_ask() gathered. */
void fido_recall_answered(struct fido_recall *q);

#endif
