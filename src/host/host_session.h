/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_SESSION_H
#define FIDO_HOST_SESSION_H

/**
 * @file
 * Control messages of the host transport. Each pair of domains has one SOCK_SEQPACKET connection;
 * file descriptors travel in SCM_RIGHTS. Sending never blocks: messages that the socket does not
 * take are queued.
 *
 *   joiner                         earlier domain
 *     HELLO + control fd   ----->
 *                          <-----  HELLO + control fd | REFUSE
 *     MAP*                 <---->  MAP*                 memory, with its epoch
 *     BELLS, CHANGED, UNMAP <--->                       at any time after
 *     AGAIN                <---->                       descriptors lost: HELLO, MAP*, BELLS again
 *     BYE                  ----->                       the domain leaves
 *   observer: OBSERVE      ----->
 *                          <-----  HELLO + control fd
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include <fido/domain.h>

#include "domain_private.h"
#include "sent.h"

#define FIDO_HOST_FDS_MAX 64
#define FIDO_HOST_EXTENTS_MAX 32
#define FIDO_HOST_MESSAGE_MAX 2048

enum fido_host_type {
	FIDO_HOST_HELLO = 1,
	FIDO_HOST_REFUSE,
	FIDO_HOST_MAP,
	FIDO_HOST_UNMAP,
	FIDO_HOST_CHANGED,
	FIDO_HOST_BELLS,
	FIDO_HOST_BYE,
	FIDO_HOST_OBSERVE,
	FIDO_HOST_AGAIN,
};

struct fido_host_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
};

struct fido_host_hello {
	struct fido_host_header h;
	uint64_t layout_base;
	uint32_t slot_shift;
	uint32_t slots;
	uint64_t generation;
	uint64_t control_size;
	uint32_t slot;
	uint32_t pad;
	char name[FIDO_NAME_MAX];
};

struct fido_host_extent {
	uint64_t gaddr;
	uint64_t len;
	uint64_t fd_offset;
	uint64_t sealed;
};

struct fido_host_map {
	struct fido_host_header h;
	uint32_t epoch; /**< all memory up to it has been sent, this message included */
	uint16_t count;
	uint16_t again; /**< 1: the first message of those that AGAIN asked for */
	struct fido_host_extent extents[FIDO_HOST_EXTENTS_MAX];
};

struct fido_host_unmap {
	struct fido_host_header h;
	uint64_t gaddr;
	uint64_t len;
	uint64_t epoch; /**< all withdrawals up to it have been sent, this message included */
	uint64_t sent;  /**< all memory up to this epoch has been sent */
};

struct fido_host_bells {
	struct fido_host_header h;
	uint16_t nrx;
	uint16_t ntx;
	uint32_t pad;
	char link[FIDO_NAME_MAX];
};

/** Why a domain refuses a connection. */
enum fido_host_reason {
	FIDO_HOST_REASON_PROTOCOL = 1, /**< another version, or a message that broke the protocol */
	FIDO_HOST_REASON_ACCESS,       /**< its user is not on the domain's list */
};

struct fido_host_refuse {
	struct fido_host_header h;
	uint64_t reason;
};

/** Asks the receiver to send again: its sender was out of descriptors and lost some. */
struct fido_host_again {
	struct fido_host_header h;
	uint64_t epoch; /**< send the memory after this epoch */
	uint32_t hello; /**< 1: send HELLO as well */
	uint32_t fds;   /**< descriptors that could be taken from one message; at least 1 */
};

struct fido_host_bye {
	struct fido_host_header h;
	uint64_t clean;
};

/** A received message with its descriptors. */
struct fido_host_message {
	union {
		struct fido_host_header h;
		struct fido_host_hello hello;
		struct fido_host_map map;
		struct fido_host_unmap unmap;
		struct fido_host_bells bells;
		struct fido_host_refuse refuse;
		struct fido_host_again again;
		struct fido_host_bye bye;
		char bytes[FIDO_HOST_MESSAGE_MAX];
	};
	size_t len;
	int fds[FIDO_HOST_FDS_MAX];
	int nfds;
	bool lost; /**< some of its descriptors were lost: this process has too many open files */
};

struct fido_host_out;

struct fido_host_session {
	struct fido_host_session *next;
	int fd;
	struct fido_peer *peer; /**< NULL: no HELLO received yet */
	bool accepted;          /**< the other side connected; its HELLO is answered */
	bool said_bye;
	bool clean;
	bool closed;            /**< the socket is closed; the session waits for its domain's end */
	struct fido_sent sent;  /**< what it has been sent of our memory */
	bool again;             /**< the next MAP carries the flag `again` */
	bool hello_due;         /**< HELLO could not be sent yet */
	bool bells_due;         /**< some doorbells could not be sent yet */
	unsigned int fds_max;   /**< extents that it can take in a message */
	bool hello_lost;        /**< its HELLO came without the control region */
	bool lost;              /**< we lost descriptors that it sent: AGAIN is due */
	unsigned int fds_taken; /**< descriptors of that message that we did not lose */
	uint32_t slot;          /**< of the domain at the other end */
	uint64_t generation;    /**< of that domain; 0: not known yet */
	int owner; /**< that slot's file: tells whether the domain lives; -1: not known yet */
	char name[FIDO_NAME_MAX]; /**< the domain that we connected to */
	uint64_t since_ns;   /**< when the other side connected, or we asked for its HELLO again */
	unsigned int tries;  /**< earlier connections that ended without an answer */
	bool observes;       /**< an observer: it asked for our control region */
	bool needless;       /**< do not connect again when it ends without an answer */
	bool deaf;           /**< it does not read its messages, or we lost one: close it */
	bool changed_last;   /**< the last message queued is a CHANGED */
	unsigned int queued; /**< messages */
	unsigned int queued_fds;
	struct fido_host_out *out; /**< messages that the socket did not take */
	struct fido_host_out **out_end;
};

/** Create a session that owns a connected socket. @return NULL: no memory (fd is closed) */
struct fido_host_session *fido_host_session_create(int fd);
void fido_host_session_destroy(struct fido_host_session *s);
/**
 * Send a message. Fills in its header. Does not block.
 * @param fds       stay the caller's
 * @param read_only reopen the descriptors read-only for the peer; where that is impossible, send
 *                  only those whose seals forbid writing
 * @return
 *  - 0: sent or queued
 *  - -EPIPE: the peer is gone
 *  - -ENOBUFS: it does not read its messages (session->deaf)
 *  - -errno: a message without descriptors could not be queued (session->deaf), or one with
 *    descriptors was not sent: try again later
 */
int fido_host_send(struct fido_host_session *s, enum fido_host_type type, void *msg, size_t len,
	const int *fds, int nfds, bool read_only);
/** @return 0: peers can be given this file read-only, -errno: they cannot, e.g. without /proc */
int fido_host_can_share(int fd);
/** Send what is queued. @return true: the queue is empty */
bool fido_host_flush(struct fido_host_session *s);
/**
 * Receive one message and check its length and type. Its descriptors become the caller's.
 * @return 1, 0 (none), -EPIPE (end of connection), -EPROTO (invalid; *version is its version)
 */
int fido_host_receive(int fd, struct fido_host_message *m, unsigned int *version);
/** Close the descriptors of a message that are not -1: a handler sets those that it keeps to -1. */
void fido_host_message_close(struct fido_host_message *m);

#endif
