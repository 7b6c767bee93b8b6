/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_XEN_SESSION_H
#define FIDO_XEN_SESSION_H

/**
 * @file
 * One other domain of a group on Xen, from when it is seen in xenstore until it has ended.
 *
 *   lower slot                                   higher slot
 *     domain/<slot> in xenstore    <----->         domain/<slot>          each sees the other's
 *     makes a root, a port         ------>         to/ with root and port
 *                                  <------         binds it, makes a root: to/ with root
 *     maps the other's root        <----->         maps the other's root
 *     grants its memory to it: epoch, then an event on the port, in both directions, at any time
 *     left = ..., an event         <----->         a clean end
 *
 * Certain knowledge of death: a process's kernel clears `alive` in its roots when the process ends (xen_table.h); a Xen
 * domain's end is xenstored's word: it takes what the domain wrote away (xen_store.h).
 *
 * The domain's lock is held throughout.
 */

#include <stdbool.h>
#include <stdint.h>

#include <xenevtchn.h>

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
	bool watches;          /* it has no links, and gets our control region only */
	bool granted;          /* our memory is in the table */
	struct fido_sent sent; /* our memory, to it */
	bool refused; /* it broke the protocol, or we lack something: only its end is waited for */
	uint32_t port;
	struct fido_xen_table *table; /* ours, for it */
	struct fido_xen_view *view;   /* its, for us */
	struct fido_peer *peer;
	uint32_t epoch; /* of its, that is mapped here */
	uint64_t clock;
};

/* The transport of one domain. */
struct fido_xen {
	struct fido_domain *domain;
	struct fido_xen_store *store;
	struct fido_xen_grants *grants;
	xenevtchn_handle *events; /* the sessions' ports */
	int epoll_fd;
	struct fido_local_folder local; /* processes of this Xen domain: who has which slot */
	int slot_fd;
	struct fido_xen_session *sessions;
	bool started;
	bool look; /* read xenstore again */
	char maps[FIDO_SLOTS_MAX * 24];
};

/** Have it look at our control block and tables. */
void fido_xen_session_notify(struct fido_xen *x, struct fido_xen_session *s);
/** Grant it the memory that it has not got. */
void fido_xen_session_export(struct fido_xen *x, struct fido_xen_session *s);
/** Try again what could not be granted to it, and to map what could not be mapped of it. */
void fido_xen_session_retry(struct fido_xen *x, struct fido_xen_session *s);
void fido_xen_session_withdraw(struct fido_xen *x, struct fido_xen_session *s, uint64_t gaddr,
	uint64_t len, uint32_t epoch);
/** Go on as far as it is possible now. @return true: something waits, look again soon */
bool fido_xen_session_step(struct fido_xen *x, struct fido_xen_session *s);
/** @return true: that generation has certainly ended. */
bool fido_xen_session_ended(const struct fido_xen_session *s);
/** It has ended: report it, and free the session. */
void fido_xen_session_end(struct fido_xen *x, struct fido_xen_session *s);
/** We leave: tell it. */
void fido_xen_session_leave(struct fido_xen *x, struct fido_xen_session *s, bool clean);
/** Free it; what is mapped of its memory stays. */
void fido_xen_session_free(struct fido_xen *x, struct fido_xen_session *s);

#endif
