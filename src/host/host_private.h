/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_PRIVATE_H
#define FIDO_HOST_PRIVATE_H

/** @file A domain on the host transport, from the inside. All of it belongs to the domain's lock. */

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

/** At most one message in a while, with the number of those that were left out. */
struct fido_host_seldom {
	uint64_t until_ns;
	unsigned int left_out;
};

struct host {
	struct fido_domain *domain;
	struct fido_local_folder group;
	struct fido_host_access access;
	struct fido_host_claim claim;
	int listen_fd; /**< also tells that the socket's file is ours */
	int epoll_fd;
	int timer_fd;
	int watch_fd; /**< inotify: the group's folder; -1: it is looked at now and then */
	struct fido_host_session *sessions;
	struct fido_host_greeting *greetings; /**< domains to connect to */
	bool cannot_share; /**< it is in the log that some memory cannot be exported */
	bool mute;         /**< ... that HELLO cannot be sent */
	uint64_t
		greet_all_ns; /**< when to look for domains again, as some could not be seen; 0: all were */

	/* Who comes in: host_door.c */
	unsigned int strangers_max; /**< connections that have not said who they are */
	unsigned int observers_max;
	uint64_t accept_at_ns; /**< no connection is taken before; 0: they are */
	struct fido_host_seldom seldom;

	/* Our files in the folder: host_folder.c */
	dev_t socket_dev;
	ino_t socket_ino;
	uint64_t look_at_ns;  /**< when to look whether they are there; 0: when the watch says so */
	bool put_back;        /**< has been said */
	bool lost;            /**< they cannot be put back; has been said */
	uint64_t put_back_ns; /**< not before, however often they are removed */
};

/* ---- transport_host.c ---- */

/** Make a session of a connected socket and watch it. @return NULL: no memory (fd is closed) */
struct fido_host_session *fido_host_add_session(struct host *h, int fd);
/** The connection ends; the session goes when its domain has (sweep). */
void fido_host_session_close(struct host *h, struct fido_host_session *s);
/** fido_transport_ops.unmapped */
void fido_host_unmapped(void *transport, uint32_t slot);

/* ---- host_send.c ---- */

/** @return true: it has our HELLO, or will have it before what is sent now */
bool fido_host_is_ready(const struct fido_host_session *s);
/** @return 0, -errno */
int fido_host_send_hello(struct host *h, struct fido_host_session *s);
/** Like fido_host_send_hello(); what fails for want of descriptors or memory is tried again. @return 0, -EPIPE */
int fido_host_say_hello(struct host *h, struct fido_host_session *s);
void fido_host_refuse(struct fido_host_session *s, enum fido_host_reason reason);
/** Send a peer what it has not got of our memory; what the socket does not take now waits for the next call. */
void fido_host_send_memory(struct host *h, struct fido_host_session *s);
/* What fido_transport_ops has these for. */
int fido_host_offer_doorbells(void *transport, struct fido_link *link);
int fido_host_can_export(void *transport, int fd);
void fido_host_export(void *transport);
void fido_host_withdraw(void *transport, uint64_t gaddr, uint64_t len, uint32_t epoch);
void fido_host_notify(void *transport);
void fido_host_retry(void *transport);

/* ---- host_receive.c ---- */

/** Read what a session has sent. */
void fido_host_session_read(struct host *h, struct fido_host_session *s);
/** @return true when certain: what a session's domain is, has ended */
bool fido_host_has_ended(const struct fido_host_session *s);

/* ---- host_door.c ---- */

void fido_host_door_init(struct host *h);
/** Take the connections that wait. */
void fido_host_accept(struct host *h);
/** End connections of strangers whose time is over or that are too many. @return when to call again, 0: never */
uint64_t fido_host_door_step(struct host *h, uint64_t now);
/** @return false: the process at the other end may not see our memory; told here */
bool fido_host_check_access(struct host *h, int fd);
/** @return true: write the message; false: there was one a moment ago, this one is counted */
bool fido_host_may_say(struct host *h);

/* ---- host_greet.c ---- */

/** Note every living domain of the folder that we have no connection with, to connect to it. */
void fido_host_greet_all(struct host *h);
/** Connect to those that are noted, without blocking. @return when to call again, 0: never */
uint64_t fido_host_greet_step(struct host *h, uint64_t now);
/** A connection that we made ended before it was answered: note it again. */
void fido_host_greet_again(struct host *h, const struct fido_host_session *s);
/** @return the connection that we made to a domain and that it has not answered yet, or NULL. */
struct fido_host_session *fido_host_greeted(struct host *h, uint32_t slot, uint64_t generation);
void fido_host_greet_none(struct host *h);

/* ---- host_folder.c ---- */

/** Claim name and slot in the folder. May block. @return 0, -errno (message written) */
int fido_host_enter(struct host *h);
/** Make our socket and watch the folder. @return 0, -errno (message written) */
int fido_host_appear(struct host *h);
/** The watch has something. */
void fido_host_watch_read(struct host *h);
/** Put back what somebody has removed. @return when to call again, 0: when the watch says so */
uint64_t fido_host_folder_step(struct host *h, uint64_t now);
/** Take our socket away. */
void fido_host_disappear(struct host *h);

#endif
