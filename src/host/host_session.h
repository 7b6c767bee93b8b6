/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_HOST_SESSION_H
#define FIDO_HOST_SESSION_H

/**
 * @file
 * Control messages of the host transport: one SOCK_SEQPACKET connection between each two domains, file
 * descriptors in SCM_RIGHTS. Sending never blocks: what the socket does not take is queued.
 *
 *   joiner                         earlier domain
 *     HELLO + control fd   ----->
 *                          <-----  HELLO + control fd | REFUSE
 *     MAP*                 <---->  MAP*                 memory, with its epoch
 *     BELLS, CHANGED, UNMAP <--->                       at any time after
 *     AGAIN                <---->                       descriptors that came were lost here: HELLO, MAP*, BELLS anew
 *     BYE                  ----->                       a clean end
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
	uint32_t epoch; /**< with this message all memory up to it has been sent */
	uint16_t count;
	uint16_t again; /**< 1: from here on all memory is sent again that AGAIN asked for */
	struct fido_host_extent extents[FIDO_HOST_EXTENTS_MAX];
};

struct fido_host_unmap {
	struct fido_host_header h;
	uint64_t gaddr;
	uint64_t len;
	uint64_t epoch; /**< with this message all withdrawals up to it have been sent ... */
	uint64_t sent;  /**< ... and all memory up to this */
};

struct fido_host_bells {
	struct fido_host_header h;
	uint16_t nrx;
	uint16_t ntx;
	uint32_t pad;
	char link[FIDO_NAME_MAX];
};

/** Why a domain does not speak to another. */
enum fido_host_reason {
	FIDO_HOST_REASON_PROTOCOL = 1, /**< another version, or a message that broke the protocol */
	FIDO_HOST_REASON_ACCESS,       /**< its user is not on the domain's list */
};

struct fido_host_refuse {
	struct fido_host_header h;
	uint64_t reason;
};

/** Descriptors that the receiver of this has sent could not be taken. */
struct fido_host_again {
	struct fido_host_header h;
	uint64_t epoch; /**< memory after this is needed */
	uint32_t hello; /**< 1: HELLO as well */
	uint32_t fds;   /**< so many descriptors in a message could be taken; at least 1 */
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
	bool lost; /**< some of its descriptors could not be taken: this process has too many */
};

struct fido_host_out;

struct fido_host_session {
	struct fido_host_session *next;
	int fd;
	struct fido_peer *peer; /**< NULL: HELLO has not come */
	bool accepted;          /**< the other side connected; its HELLO is answered */
	bool said_bye;
	bool clean;
	bool closed;            /**< the socket is gone; waiting to learn whether its domain is */
	struct fido_sent sent;  /**< our memory, to it */
	bool again;             /**< the next MAP says that all is sent again */
	bool hello_due;         /**< HELLO could not be sent ... */
	bool bells_due;         /**< ... some doorbells could not */
	unsigned int fds_max;   /**< extents that it can take in a message */
	bool hello_lost;        /**< its HELLO came without the control region */
	bool lost;              /**< descriptors of its were lost here: AGAIN is due */
	unsigned int fds_taken; /**< ... so many of a message were not */
	uint32_t slot; /**< of the domain at the other end, with its generation; 0: not known yet */
	uint64_t generation;
	int owner; /**< that slot's file: tells whether the domain lives; -1: not known yet */
	char name[FIDO_NAME_MAX]; /**< the domain that we connected to */
	uint64_t since_ns;  /**< when the other side connected, or was asked for its HELLO again */
	unsigned int tries; /**< connections that ended before this one, unanswered */
	bool observes;      /**< it has asked for our control region, and is no domain */
	bool needless;      /**< not to be made again when it ends unanswered */
	bool deaf; /**< it reads nothing, and too much is queued, or was lost: to be closed */
	bool changed_last;   /**< the last that is queued is a CHANGED */
	unsigned int queued; /**< messages */
	unsigned int queued_fds;
	struct fido_host_out *out; /**< what the socket did not take */
	struct fido_host_out **out_end;
};

/** Make a session of a connected socket, which it owns. @return NULL: no memory (fd is closed) */
struct fido_host_session *fido_host_session_create(int fd);
void fido_host_session_destroy(struct fido_host_session *s);
/**
 * Send a message. Fills in its header. Descriptors stay the caller's; read_only: the peer gets them opened
 * anew for reading only; where that cannot be done, only those whose seals forbid to write. Does not block.
 * @return 0 (sent or queued), -EPIPE: the peer is gone, -ENOBUFS: it reads nothing (session->deaf), -errno: a message without
 *         descriptors could not be queued (session->deaf), or one with descriptors was not sent: try again later
 */
int fido_host_send(struct fido_host_session *s, enum fido_host_type type, void *msg, size_t len,
	const int *fds, int nfds, bool read_only);
/** @return 0: peers can be given this file for reading only, -errno: they cannot, e.g. as there is no /proc */
int fido_host_can_share(int fd);
/** Send what is queued. @return true when nothing is queued any more */
bool fido_host_flush(struct fido_host_session *s);
/**
 * Receive one message, checked in length and type; descriptors are the caller's.
 * @return 1, 0 (none), -EPIPE (end of connection), -EPROTO (not a message of ours; *version is its version)
 */
int fido_host_receive(int fd, struct fido_host_message *m, unsigned int *version);
/** Close the descriptors of a message that are not taken (not -1). */
void fido_host_message_close(struct fido_host_message *m);

#endif
