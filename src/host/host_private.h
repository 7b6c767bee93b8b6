/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_PRIVATE_H
#define FIDO_HOST_PRIVATE_H

/** @file A domain on the host transport: internals. The domain's lock guards all of it. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "host_access.h"
#include "host_claim.h"
#include "local_folder.h"
#include "host_session.h"

struct fido_domain;
struct fido_host_greeting;
struct fido_link;

/** Limits the rate of log messages, and counts those that it suppressed. */
struct fido_host_seldom {
	uint64_t until_ns;
	unsigned int left_out;
};

struct host {
	struct fido_domain *domain;
	struct fido_local_folder group;
	struct fido_host_access access;
	struct fido_host_claim claim;
	int listen_fd; /**< -1: we have no socket in the folder */
	int epoll_fd;
	int timer_fd;
	int watch_fd; /**< inotify on the group's folder; -1: the folder is polled */
	struct fido_host_session *sessions;
	struct fido_host_greeting *greetings; /**< domains to connect to */
	bool cannot_share;                    /**< logged: some memory cannot be exported */
	bool mute;                            /**< logged: HELLO cannot be sent */
	uint64_t greet_all_ns; /**< when to search for domains again; 0: all were seen */

	/* Incoming connections: host_door.c */
	unsigned int strangers_max; /**< connections that have not sent HELLO */
	unsigned int observers_max;
	uint64_t accept_at_ns; /**< when to accept again; 0: we accept now */
	struct fido_host_seldom seldom;

	/* Our files in the folder: host_folder.c */
	dev_t socket_dev;
	ino_t socket_ino;
	uint64_t look_at_ns;  /**< when to check that they exist; 0: when the watch fires */
	bool put_back;        /**< logged: they were restored */
	bool lost;            /**< logged: they cannot be restored */
	uint64_t put_back_ns; /**< do not restore them before, however often they are removed */
};

/* ---- transport_host.c ---- */

/** Create a session for a connected socket and watch it. @return NULL: no memory (fd is closed) */
struct fido_host_session *fido_host_add_session(struct host *h, int fd);
/** Close the connection. sweep() frees the session once its domain is dead. */
void fido_host_session_close(struct host *h, struct fido_host_session *s);
/** fido_transport_ops.unmapped */
void fido_host_unmapped(void *transport, uint32_t slot);

/* ---- host_send.c ---- */

/** @return true: it has our HELLO, or receives it before anything sent from now on */
bool fido_host_is_ready(const struct fido_host_session *s);
/** @return 0, -errno */
int fido_host_send_hello(struct host *h, struct fido_host_session *s);
/** Like fido_host_send_hello(), but retry when out of descriptors or memory. @return 0, -EPIPE */
int fido_host_say_hello(struct host *h, struct fido_host_session *s);
void fido_host_refuse(struct fido_host_session *s, enum fido_host_reason reason);
/** Send a peer the memory that it lacks. The next call sends what the socket does not take now. */
void fido_host_send_memory(struct host *h, struct fido_host_session *s);
/* Ops of fido_transport_ops. */
int fido_host_offer_doorbells(void *transport, struct fido_link *link);
int fido_host_can_export(void *transport, const void *va, struct fido_extent *e);
void fido_host_export(void *transport);
void fido_host_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch);
void fido_host_notify(void *transport);
void fido_host_retry(void *transport);

/* ---- host_receive.c ---- */

/** Handle the messages that a session has received. */
void fido_host_session_read(struct host *h, struct fido_host_session *s);
/** @return true: the session's domain has certainly ended */
bool fido_host_has_ended(const struct fido_host_session *s);

/* ---- host_door.c ---- */

void fido_host_door_init(struct host *h);
/** Accept the pending connections. */
void fido_host_accept(struct host *h);
/**
 * Close connections that sent no HELLO in time, or are too many.
 * @return when to call again, 0: never
 */
uint64_t fido_host_door_step(struct host *h, uint64_t now);
/** @return false: the process at the other end may not see our memory (logged) */
bool fido_host_check_access(struct host *h, int fd);
/** @return true: log the message; false: one was logged recently, this one is counted */
bool fido_host_may_say(struct host *h);

/* ---- host_greet.c ---- */

/** Queue a greeting for every living domain of the folder that we have no connection to. */
void fido_host_greet_all(struct host *h);
/** Connect to the domains queued, without blocking. @return when to call again, 0: never */
uint64_t fido_host_greet_step(struct host *h, uint64_t now);
/** A connection that we made ended without an answer: queue the greeting again. */
void fido_host_greet_again(struct host *h, const struct fido_host_session *s);
/** @return the connection that we made to a domain and that it has not answered yet, or NULL. */
struct fido_host_session *fido_host_greeted(struct host *h, uint32_t slot, uint64_t generation);
/** Drop all greetings. */
void fido_host_greet_none(struct host *h);

/* ---- host_folder.c ---- */

/** Claim name and slot in the folder. May block. @return 0, -errno (message written) */
int fido_host_enter(struct host *h);
/** Create our socket and watch the folder. @return 0, -errno (message written) */
int fido_host_appear(struct host *h);
/** Handle the events of the folder's watch. */
void fido_host_watch_read(struct host *h);
/** Restore our files if they were removed. @return when to call again, 0: when the watch fires */
uint64_t fido_host_folder_step(struct host *h, uint64_t now);
/** Remove our socket. */
void fido_host_disappear(struct host *h);

#endif
