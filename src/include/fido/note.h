/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NOTE_H
#define FIDO_NOTE_H

/** @file Notes: what the applications at the two ends of a link should know of each other to send well. */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest note that the applications at the two ends of a link have for each other. */
#define FIDO_NOTE_MAX 248

struct fido_link;
struct fido_txq;

/**
 * Tell the application at the other end something: what it should know to send well. The first note is published by the
 * next fido_link_open(), later ones at once. Any thread; does not block for long.
 * @param len bytes, at most FIDO_NOTE_MAX
 * @return 0, -EINVAL (too long), -ENOSPC (control_size is too small)
 * @see fido_txq_note
 */
int fido_link_set_note(struct fido_link *link, const void *data, uint32_t len);

/**
 * Copy what the peer's application says of the link. Nothing of it has been checked. Sender, with the queue's lock held;
 * does not block.
 * @param data room for FIDO_NOTE_MAX bytes
 * @return bytes; 0: it says nothing, or the link is not up; -EAGAIN: it is being written
 */
int fido_txq_note(const struct fido_txq *q, void *data);

/**
 * Ask which note fido_txq_note() would copy: another number, another note (the same number after the link has been down
 * may be another's). Sender, with the queue's lock held.
 */
uint32_t fido_txq_note_seq(const struct fido_txq *q);

#ifdef __cplusplus
}
#endif

#endif
