/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUZZ_H
#define FIDO_FUZZ_H

/**
 * @file
 * Shared by the fuzz targets: reading an input as choices, and a domain "a" with a hostile peer
 * "x".
 *
 * The domain is real and joined through the host transport, except that its control thread is
 * stopped: the target runs its turns (fuzz_turn), so that an input always has the same effect. The
 * peer is no domain: a socket, a slot that it claims, and a control region into which it writes
 * anything.
 */

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/control_shm.h>
#include <fido/queue_shm.h>
#include <fido/rxq.h>

#include "domain_private.h"
#include "host_session.h"
#include "link_private.h"
#include "recall.h"

/** Crash if a promise is broken, even with NDEBUG. */
#define FUZZ_CHECK(cond)                                                                   \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                           \
		}                                                                          \
	} while (0)

/* ---- the input ---- */

struct fuzz_in {
	const uint8_t *p;
	size_t left;
};

/** @return the next bytes of the input as a number; zeros after its end */
uint64_t fuzz_number(struct fuzz_in *in, size_t bytes);
#define fuzz_u8(in) ((uint8_t)fuzz_number(in, 1))
#define fuzz_u16(in) ((uint16_t)fuzz_number(in, 2))
#define fuzz_u32(in) ((uint32_t)fuzz_number(in, 4))
#define fuzz_u64(in) fuzz_number(in, 8)
/** @return a number near one of the usual limits, or any */
uint64_t fuzz_odd_number(struct fuzz_in *in);

/* ---- the domain ---- */

#define FUZZ_BASE FIDO_DEFAULT_BASE
#define FUZZ_SLOT_SHIFT 32
#define FUZZ_SLOTS 16
#define FUZZ_QUEUES 2
#define FUZZ_RING 16
#define FUZZ_HELD 64

struct fuzz_domain {
	struct fido_domain *d;
	struct fido_region *mem;
	struct fido_link *link; /**< to "x" */
	struct fido_rx held[FUZZ_HELD];
	uint16_t held_by[FUZZ_HELD];
	unsigned int held_count;
	unsigned int open_fds; /**< before the peer's life, and after it */
};

extern struct fuzz_domain fuzz_a;

/** Join, once for the program. */
void fuzz_domain_start(void);
/** @return number of descriptors that this process has open */
unsigned int fuzz_open_fds(void);
/** Do what the control thread does when it wakes. */
void fuzz_turn(void);
/** Do one step, of many kinds, as an application does with its queues. */
void fuzz_data_path(struct fuzz_in *in);
/**
 * After the peer has gone: fail unless all that was out is back and all that it sent is released.
 */
void fuzz_domain_settle(void);

/* ---- the peer ---- */

#define FUZZ_PEER_SLOT 3
#define FUZZ_PEER_CONTROL (2u << 20)

struct fuzz_peer {
	int socket;
	int slot; /**< the lock on its slot's file */
	int control_fd;
	uint64_t generation;
	uint64_t incarnation;
	struct fido_control_shm *c; /**< its control region, writable */
};

extern struct fuzz_peer fuzz_x;

/** Begin a life: claim the slot, write a valid control block, connect. Send nothing yet. */
void fuzz_peer_start(void);
/** End it, and settle. */
void fuzz_peer_end(void);
/** Send a valid HELLO. */
void fuzz_peer_hello(void);
/** Send any message; then run a turn of the domain. */
void fuzz_peer_send(const void *msg, size_t len, const int *fds, unsigned int nfds);
/** The same with a header of this type. */
void fuzz_peer_say(enum fido_host_type type, void *msg, size_t len, const int *fds,
	unsigned int nfds);
/** Publish a valid record of the link in this state. */
void fuzz_peer_record(enum fido_link_state state);
/**
 * Go all the way: HELLO, doorbells, records, until the domain reports that the link is connected.
 */
void fuzz_peer_connect(void);
/** @return the peer's i-th descriptor ring and completion ring */
struct fido_sender_shm *fuzz_peer_sender(unsigned int i);
struct fido_receiver_shm *fuzz_peer_receiver(unsigned int i);
/** @return a descriptor, one of many kinds; the callee keeps it */
int fuzz_peer_fd(uint8_t which);

#endif
