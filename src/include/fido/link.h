/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LINK_H
#define FIDO_LINK_H

/**
 * @file
 * A link: a connection between two domains, a number of queues in each direction.
 *
 * Either end may come first. Each end publishes what it offers in its control block; the control
 * threads bring the link up when both fit (state table in src/core/link.c, doc/protocol.md). Each time a link
 * comes up it has new rings; the rings of before stay until every ticket is back.
 *
 * The application's handles are fido_txq (txq.h) and fido_rxq (rxq.h): they live as long as the link, whatever the peer
 * does.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FIDO_LINK_QUEUES_MAX 32
#define FIDO_DOMAIN_LINKS_MAX 64

struct fido_link;
struct fido_rxq;
struct fido_txq;

enum fido_link_event {
	FIDO_LINK_UP,
	FIDO_LINK_DOWN
};

/** Called by the control thread, without locks held, when the link comes up or goes down. */
typedef void (*fido_link_event_fn)(void *arg, enum fido_link_event event);

struct fido_link_config {
	const char *peer;         /**< name of the domain at the other end */
	const char *name;         /**< which link to that peer; NULL: "0" */
	fido_link_event_fn event; /**< may be NULL */
	void *arg;
};

/**
 * Create a link. Nothing is offered to the peer yet. The peer need not exist.
 * @return 0, -EINVAL (bad name, or the domain only watches), -EEXIST (that link exists already), -ENOSPC, -ENOMEM
 * @see fido_link_destroy
 */
int fido_link_create(struct fido_domain *domain, const struct fido_link_config *config,
	struct fido_link **out);

/**
 * Set the number of queues and the transmit rings' size. The link is closed. Queue handles of before stay
 * valid; counters go on.
 * @param ring_size descriptors, power of two, FIDO_RING_MIN to FIDO_RING_MAX
 * @return 0, -EINVAL, -EBUSY (the link is open), -ENOSPC (control_size is too small), -ENOMEM
 */
int fido_link_configure(struct fido_link *link, uint16_t ntx, uint16_t nrx, uint32_t ring_size);

/** Offer the link to the peer. It comes up by itself whenever the peer's end is open. @return 0, -errno */
int fido_link_open(struct fido_link *link);

/**
 * Ask the peer to post no more. What is in the rings can still be polled; we may still post, and what was
 * sent comes back.
 */
void fido_link_quiesce(struct fido_link *link);

/** Undo fido_link_quiesce(). */
void fido_link_resume(struct fido_link *link);

/**
 * Close: no more polling of this link's rings. What was not polled yet is completed as closed; what was
 * sent stays with the peer until it gives it back, and is still reaped by fido_txq_reap(). Does not block.
 */
void fido_link_close(struct fido_link *link);

/** Destroy a closed link. NULL is legal. The memory stays until the last ticket is back. */
void fido_link_destroy(struct fido_link *link);

/** A link that a peer offers, and that has no end here. */
struct fido_offer {
	char peer[FIDO_NAME_MAX];
	char name[FIDO_NAME_MAX];
	uint16_t ntx; /**< queues of the peer's end */
	uint16_t nrx;
	uint64_t generation; /**< the peer's */
};

/**
 * Look which links peers offer to this domain that it has not made: for a server, whose clients choose. Any thread; does not
 * block.
 * @param prefix what their names begin with
 * @return number of offers written, at most max
 */
unsigned int fido_domain_offers(struct fido_domain *domain, const char *prefix,
	struct fido_offer *offers, unsigned int max);

/** @return true: up, this end may post. */
bool fido_link_is_up(const struct fido_link *link);

/**
 * Ask whether the link is closed although the application opened it, and stays so until it is opened again. Any thread.
 * @return 0: no; -EPROTO: the peer broke the rules of its rings; -ENOSPC, -ENOMEM: no room for rings
 */
int fido_link_error(const struct fido_link *link);

/** @return true: both ends have attached to each other's rings, which is state CONNECTED; posting may still be held back (quiesced). */
bool fido_link_is_connected(const struct fido_link *link);
/** @return true: the peer lives, and its end of the link is open. Any thread but the data path's; does not block. */
bool fido_link_is_offered(const struct fido_link *link);
/** @return the domain that the link belongs to. */
struct fido_domain *fido_link_domain(const struct fido_link *link);
/** @return the queue, or NULL when i is out of range. */
struct fido_txq *fido_link_txq(struct fido_link *link, uint16_t i);

struct fido_rxq *fido_link_rxq(struct fido_link *link, uint16_t i);

/** @return tickets of all of the link's queues that are out with peers that are gone; they come back by reaping. */
uint32_t fido_link_stranded(const struct fido_link *link);
/** Have the control thread look at the link: a data path found a broken ring. Any thread; does not block. */
void fido_link_kick(struct fido_link *link);

/**
 * Arm a receive queue and transmit queues of the same link that share its doorbell: one sleep for all, and one
 * fence, which with many sleepers costs more than all the rest. The locks are not held.
 * @return true when something waits already on any of them: do not sleep.
 * @see fido_rxq_unarm, fido_txq_unarm
 */
bool fido_link_arm(struct fido_rxq *rxq, struct fido_txq *const *txqs, unsigned int n);

#ifdef __cplusplus
}
#endif

#endif
