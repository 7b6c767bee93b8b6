/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_SESSION_H
#define FIDO_XEN_SESSION_H

/**
 * @file
 * A session with one other domain of a group on Xen, from its appearance in xenstore to its death.
 *
 *   lower slot                                   higher slot
 *     domain/<slot> in xenstore    <----->         domain/<slot>          each sees the other's
 *     makes a root, a port         ------>         to/ with root and port
 *                                  <------         binds it, makes a root: to/ with root
 *     maps the other's root        <----->         maps the other's root
 *     grants its memory: epoch, then an event on the port, in both directions, at any time
 *     left = ..., an event         <----->         the domain leaves
 *
 * Two events prove a death. When a process ends, its kernel clears `alive` in the process's roots
 * (xen_table.h). When a Xen domain ends, xenstored removes the nodes that it wrote (xen_store.h).
 *
 * Callers hold the domain's lock.
 */

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>

#include <fido/observer.h>

#include "domain_private.h"
#include "local_folder.h"
#include "sent.h"
#include "transport.h"
#include "xen_grant.h"
#include "xen_store.h"
#include "xen_table.h"

#define FIDO_XEN_NO_PORT UINT32_MAX

struct fido_xen_session {
	struct fido_xen_session *next;
	struct fido_xen_member other;
	bool listed;           /* xenstore still names this generation */
	bool local;            /* it lives in this process */
	bool observes;         /* an observer without links: it gets our control region only */
	bool granted;          /* our memory is in the table */
	struct fido_sent sent; /* what it has been granted of our memory */
	bool refused;          /* protocol error, or a resource was short: wait for its end only */
	uint32_t port;
	struct fido_xen_table *table; /* ours, for it */
	struct fido_xen_view *view;   /* of its table for us */
	struct fido_peer *peer;
	uint32_t epoch; /* its memory up to this epoch is mapped here */
	uint64_t clock;
};

/* The transport of one domain. */
struct fido_xen {
	struct fido_domain *domain;
	struct fido_xen_store *store;
	struct fido_xen_grants *grants;
	xenevtchn_handle *events; /* the sessions' ports */
	int epoll_fd;
	struct fido_local_folder local; /* slots that processes of this Xen domain have */
	int slot_fd;
	struct fido_xen_session *sessions;
	bool started;
	bool look;                      /* read xenstore again */
	char maps[FIDO_SLOTS_MAX * 24]; /* last value of our maps/<slot> in xenstore */
};

/** Have the other domain check our control block and tables. */
void fido_xen_session_notify(struct fido_xen *x, struct fido_xen_session *s);
/** Grant the other domain the memory that it lacks. */
void fido_xen_session_export(struct fido_xen *x, struct fido_xen_session *s);
/** Retry to grant our memory to the other domain and to map its memory, where that failed. */
void fido_xen_session_retry(struct fido_xen *x, struct fido_xen_session *s);
/** Withdraw memory from the other domain: remove its pieces and end their grants. */
void fido_xen_session_withdraw(struct fido_xen *x, struct fido_xen_session *s, uint64_t gaddr,
	uint64_t len, uint32_t epoch);
/** Advance the session as far as possible now. @return true: call again soon */
bool fido_xen_session_step(struct fido_xen *x, struct fido_xen_session *s);
/** @return true: that generation is certainly dead. */
bool fido_xen_session_ended(const struct fido_xen_session *s);
/** Report the other domain's end, and free the session. */
void fido_xen_session_end(struct fido_xen *x, struct fido_xen_session *s);
/** Tell the other domain that we leave. */
void fido_xen_session_leave(struct fido_xen *x, struct fido_xen_session *s, bool clean);
/** Free the session. The other domain's memory stays mapped. */
void fido_xen_session_free(struct fido_xen *x, struct fido_xen_session *s);

/* ---- xen_observe.c ---- */

/** fido_transport_ops.observe */
int fido_xen_observe_all(const char *group, int (*fn)(void *arg, struct fido_observation *o),
	void *arg);

#endif
