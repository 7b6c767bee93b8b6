/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NOTE_H
#define FIDO_NOTE_H

/**
 * @file
 * Notes: a few bytes that the application at one end of a link publishes for the application at the
 * other end, such as what it can receive.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest note, in bytes. */
#define FIDO_NOTE_MAX 248

struct fido_link;
struct fido_txq;

/**
 * Set this end's note. The next fido_link_open() publishes the first note; later notes are visible
 * at once. Control path; takes the domain's lock.
 * @param data copied
 * @param len  bytes, at most FIDO_NOTE_MAX
 * @return 0, -EINVAL (too long), -ENOSPC (control_size is too small)
 * @see fido_txq_note
 */
int fido_link_set_note(struct fido_link *link, const void *data, uint32_t len);

/**
 * Copy the note of the peer's application. Its contents are unchecked. Sender, with the queue's
 * lock held; does not block.
 * @param data room for FIDO_NOTE_MAX bytes
 * @return bytes; 0: no note, or the link is not up; -EAGAIN: the peer is writing it
 * @see fido_link_set_note
 */
int fido_txq_note(const struct fido_txq *q, void *data);

/**
 * Ask whether the peer's note has changed. Sender, with the queue's lock held; does not block.
 * @return a number that changes with each note. After the link has been down, an equal number may
 *         stand for another note
 */
uint32_t fido_txq_note_seq(const struct fido_txq *q);

#ifdef __cplusplus
}
#endif

#endif
