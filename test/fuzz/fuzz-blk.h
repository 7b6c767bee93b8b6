/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FUZZ_BLK_H
#define FIDO_FUZZ_BLK_H

/** @file The two rings between an honest queue and the input, shared by both sides of fuzz-blk. */

#include <fido/region.h>

#include "fuzz.h"

#define FB_RING 64

struct fuzz_blk {
	uint64_t base; /**< of all the memory */
	uint64_t ours; /**< of the honest side's: two granules */
	struct fido_map map;
	struct fido_region region;
	struct fido_region *regions[FIDO_REGIONS_MAX];
	struct fido_peer_view view;
	struct fido_domain domain;
	struct fido_link link;
	/* The honest ends. */
	struct fido_sender_shm *our_sender_shm;
	struct fido_receiver_shm *our_receiver_shm;
	struct fido_sender *our_s;
	struct fido_receiver *our_r;
	struct fido_txq txq;
	struct fido_rxq rxq;
	struct fido_tx_stats_shm tx_stats;
	struct fido_rx_stats_shm rx_stats;
	/* The hostile ends. */
	struct fido_sender_shm *their_sender_shm;
	struct fido_receiver_shm *their_receiver_shm;
	struct fido_sender *their_s;
	struct fido_receiver *their_r;
	uint16_t their_ticket[FB_RING]; /**< that they hold */
	unsigned int their_tickets;
};

extern struct fuzz_blk fb;

/** @return an address that is good, nearly good, or random */
uint64_t fb_address(struct fuzz_in *in);
/** The hostile side puts a descriptor by the ring's rules. */
void fb_put(uint64_t address, uint32_t len, uint16_t flags);
/** It publishes, reaps and polls. */
void fb_their_turn(void);
/** It completes one of the tickets that it holds. */
void fb_complete(uint8_t which, uint16_t status);
/** It writes anything into its ring, at the place that is read next. */
void fb_write_raw(struct fuzz_in *in);
/** It is dead: recall all that is out. @return number */
unsigned int fb_recall(void **cookies);

/** The two sides: the backend (fuzz-blk-back.c) and the front-end (fuzz-blk-front.c). */
void fuzz_blk_back(struct fuzz_in *in, uint8_t start);
void fuzz_blk_front(struct fuzz_in *in, uint8_t start);

#endif
