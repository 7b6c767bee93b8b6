/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_RECALL_H
#define FIDO_RECALL_H

/**
 * @file
 * When a dead peer's buffers come back. The rule, and why it is safe and never stuck, heads recall.c.
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

/** What is known of what can still be read by way of one dead peer. */
struct fido_recall {
	uint64_t newest; /**< nothing that was posted later is read by anybody */
	bool listed;     /**< gaddr[] has everything that is held */
	size_t count;
	uint64_t *gaddr; /**< sorted */
};

/** Make room for the note of a peer's death, as it must not fail later. @return NULL: no memory. free() undoes it */
struct fido_dead *fido_recall_prepare(void);
/** A peer has ended: note by which ways buffers may have gone on through it. Takes peer->death. */
void fido_recall_note_death(struct fido_domain *d, struct fido_peer *peer);
/** See what all that live still hold by way of those that died. @return true: something, look again */
bool fido_recall_collect(struct fido_domain *d);
/** Forget all deaths. */
void fido_recall_forget(struct fido_domain *d);
/**
 * Ask what we had out with a peer that is gone may come back.
 * @return true: some may; q is to be ended with fido_recall_answered()
 */
bool fido_recall_ask(struct fido_domain *d, const struct fido_peer *peer, struct fido_recall *q);
/** @return true when nobody can be reading any more what was posted. */
bool fido_recall_allows(const struct fido_recall *q, const struct fido_posted *posted);
void fido_recall_answered(struct fido_recall *q);

#endif
