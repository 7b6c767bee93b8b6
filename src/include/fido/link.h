/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LINK_H
#define FIDO_LINK_H

/**
 * @file
 * A link: a connection between two domains, with a number of queues in each direction.
 *
 *   this domain                          peer
 *   fido_txq 0 --- descriptors --------> fido_rxq 0
 *              <-- completions ---------
 *   fido_rxq 0 <-- descriptors --------- fido_txq 0
 *              --- completions -------->
 *
 * To use one: fido_link_create(), fido_link_configure(), fido_link_open(); then post and reap on
 * fido_link_txq() (txq.h), poll and complete on fido_link_rxq() (rxq.h).
 *
 * Either end may open first. Each end publishes what it offers in its control block; the control
 * threads bring the link up when both offers fit (state table in src/core/link.c, doc/protocol.md).
 * When the peer closes its end or dies, the link goes down; it comes up again by itself when the
 * peer is back. Each time it comes up it has new rings. The old rings are retired: they stay until
 * every ticket on them is back. The handles of queues live as long as the link, whatever the peer
 * does.
 *
 * Unless a function says otherwise, call it from the control path: it takes the domain's lock,
 * which the control thread also takes, and does not wait for peers.
 */

#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Most queues of a link in one direction. */
#define FIDO_LINK_QUEUES_MAX 32
/** Most links of a domain. */
#define FIDO_DOMAIN_LINKS_MAX 64

struct fido_link;
struct fido_rxq;
struct fido_txq;

/** What happened to a link. */
enum fido_link_event {
	FIDO_LINK_UP,  /**< this end may post */
	FIDO_LINK_DOWN /**< this end may not post: link down, or quiesced by the peer */
};

/** Called by the control thread, without locks held, when the link comes up or goes down. */
typedef void (*fido_link_event_fn)(void *arg, enum fido_link_event event);

/** How to create a link. */
struct fido_link_config {
	const char *peer;         /**< name of the domain at the other end */
	const char *name;         /**< tells several links to that peer apart; NULL: "0" */
	fido_link_event_fn event; /**< may be NULL */
	void *arg;                /**< for event */
};

/**
 * Create a link, closed and without queues. The peer need not exist.
 * @param config copied
 * @param out    receives the link, which the domain owns until fido_link_destroy()
 * @return
 *   - 0
 *   - -EINVAL: bad name, or the domain joined as an observer (fido_domain_config.observes)
 *   - -EEXIST: this domain has a link of this name to this peer
 *   - -ENOSPC: the domain has FIDO_DOMAIN_LINKS_MAX links
 *   - -ENOMEM
 * @see fido_link_destroy
 */
int fido_link_create(struct fido_domain *domain, const struct fido_link_config *config,
	struct fido_link **out);

/**
 * Set the number of queues and the size of the transmit rings. The link must be closed. Existing
 * queue handles stay valid, and their counters go on.
 * @param ntx       transmit queues, 0 to FIDO_LINK_QUEUES_MAX
 * @param nrx       receive queues, 0 to FIDO_LINK_QUEUES_MAX
 * @param ring_size descriptors: a power of two, FIDO_RING_MIN to FIDO_RING_MAX
 * @return
 *   - 0
 *   - -EINVAL: a parameter is out of range
 *   - -EBUSY: the link is open
 *   - -ENOSPC: control_size is too small
 *   - -ENOMEM, other -errno: no memory or no file descriptor for a doorbell
 */
int fido_link_configure(struct fido_link *link, uint16_t ntx, uint16_t nrx, uint32_t ring_size);

/**
 * Offer the link to the peer. It comes up whenever the peer's end is open too.
 * @return 0, -ENOSPC (control_size is too small for the rings), -ENOMEM
 * @see fido_link_close
 */
int fido_link_open(struct fido_link *link);

/**
 * Ask the peer to stop posting. What it has posted can still be polled. This end may still post,
 * and what it has sent comes back.
 * @see fido_link_resume
 */
void fido_link_quiesce(struct fido_link *link);

/** Undo fido_link_quiesce(). */
void fido_link_resume(struct fido_link *link);

/**
 * Close the link. Its rings are polled no more: descriptors that were not polled yet are completed
 * with FIDO_STATUS_CLOSED. What this end has sent stays with the peer until it gives it back, and
 * is still reaped with fido_txq_reap().
 * @see fido_link_open
 */
void fido_link_close(struct fido_link *link);

/**
 * Close and destroy a link. When this returns, its event function is not running and will not be
 * called again. The link's memory stays until the last ticket is back.
 * @param link NULL is legal
 * @see fido_link_create
 */
void fido_link_destroy(struct fido_link *link);

/** A link that a peer offers to this domain, and that does not exist here. */
struct fido_offer {
	char peer[FIDO_NAME_MAX]; /**< name of the peer */
	char name[FIDO_NAME_MAX]; /**< name of the link */
	uint16_t ntx;             /**< transmit queues of the peer's end */
	uint16_t nrx;             /**< receive queues of the peer's end */
	uint64_t generation;      /**< of the peer */
};

/**
 * List the links that peers offer to this domain and that it has not created: for a server, whose
 * clients choose the links. Any thread.
 * @param prefix list only links whose names begin with it
 * @param offers room for max; the contents are checked
 * @return number of offers written, at most max
 */
unsigned int fido_domain_offers(struct fido_domain *domain, const char *prefix,
	struct fido_offer *offers, unsigned int max);

/** @return true: the link is up, and this end may post. Any thread; does not block. */
bool fido_link_is_up(const struct fido_link *link);

/**
 * Ask why libfido closed a link that the application opened. It stays closed until the application
 * opens it again. Any thread; does not block.
 * @return 0: it did not; -EPROTO: the peer broke the rules of its rings; -ENOSPC, -ENOMEM: no room
 *         for the rings
 */
int fido_link_error(const struct fido_link *link);

/**
 * @return true: both ends are bound to each other (state CONNECTED). The link may still be
 *         quiesced. Any thread; does not block.
 */
bool fido_link_is_connected(const struct fido_link *link);
/**
 * @return true: the peer lives, and its end of the link is open. Takes the domain's lock: any
 *         thread but the data path's.
 */
bool fido_link_is_offered(const struct fido_link *link);
/** @return the domain that owns the link. Any thread; does not block. */
struct fido_domain *fido_link_domain(const struct fido_link *link);
/**
 * @return transmit queue i of fido_link_configure(), which lives as long as the link; NULL: i is
 *         out of range. Any thread; does not block.
 */
struct fido_txq *fido_link_txq(struct fido_link *link, uint16_t i);
/** @return receive queue i, as fido_link_txq(). */
struct fido_rxq *fido_link_rxq(struct fido_link *link, uint16_t i);

/**
 * @return tickets of all of the link's queues that are out with peers that are gone. Each comes
 *         back through fido_txq_reap() once no domain reads its memory. Any thread; does not block.
 */
uint32_t fido_link_stranded(const struct fido_link *link);
/**
 * Have the control thread check the link, because a data path found a broken ring. Any thread; does
 * not block.
 */
void fido_link_kick(struct fido_link *link);

/**
 * Arm a receive queue, and transmit queues of the same link that share its doorbell
 * (fido_txq_share_bell()): one sleep, and one fence, for all of them. The queues' thread; takes the
 * queues' locks itself. The first call for a queue may block for about a millisecond.
 * @param rxq  the receive queue
 * @param txqs n transmit queues
 * @return true: a descriptor or completion already waits; do not sleep
 * @see fido_rxq_disarm, fido_txq_disarm
 */
bool fido_link_arm(struct fido_rxq *rxq, struct fido_txq *const *txqs, unsigned int n);

#ifdef __cplusplus
}
#endif

#endif
