/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUZZ_H
#define FIDO_FUZZ_H

/**
 * @file
 * What the fuzz targets share: reading an input as choices, and a domain "a" that a hostile peer "x" talks to.
 *
 * The domain is a real one, joined through the host transport; only its control thread is stopped, and its turns
 * are taken by hand (fuzz_turn), so that an input always does the same. The peer is no domain: a socket, a slot
 * that it claims, a control region that it writes what it likes into.
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

/** A broken promise is a crash, whatever NDEBUG says. */
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

/** @return the next bytes of the input as a number; zeros when it has ended. */
uint64_t fuzz_number(struct fuzz_in *in, size_t bytes);
#define fuzz_u8(in) ((uint8_t)fuzz_number(in, 1))
#define fuzz_u16(in) ((uint16_t)fuzz_number(in, 2))
#define fuzz_u32(in) ((uint32_t)fuzz_number(in, 4))
#define fuzz_u64(in) fuzz_number(in, 8)
/** @return a number near one of the usual limits, or any. */
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
/** @return the number of descriptors that this process has open. */
unsigned int fuzz_open_fds(void);
/** What the control thread does when it is woken. */
void fuzz_turn(void);
/** What an application does with its queues: one step, of many kinds. */
void fuzz_data_path(struct fuzz_in *in);
/** After the peer has gone: fails unless all that was out is back, and all that it gave us let go. */
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

/** Begin a life: claim the slot, write a control block as it should be, connect. Nothing is said yet. */
void fuzz_peer_start(void);
/** End it, and settle. */
void fuzz_peer_end(void);
/** Say HELLO as it should be. */
void fuzz_peer_hello(void);
/** Send a message, whatever it is; then a turn of the domain. */
void fuzz_peer_send(const void *msg, size_t len, const int *fds, unsigned int nfds);
/** The same with a header of this type. */
void fuzz_peer_say(enum fido_host_type type, void *msg, size_t len, const int *fds,
	unsigned int nfds);
/** Publish a record of the link as it should be in this state. */
void fuzz_peer_record(enum fido_link_state state);
/** All the way: HELLO, doorbells, records, until the domain says that the link is connected. */
void fuzz_peer_connect(void);
/** @return the peer's i-th descriptor ring and completion ring. */
struct fido_sender_shm *fuzz_peer_sender(unsigned int i);
struct fido_receiver_shm *fuzz_peer_receiver(unsigned int i);
/** @return one of a number of descriptors of all kinds; it stays ours. */
int fuzz_peer_fd(uint8_t which);

#endif
