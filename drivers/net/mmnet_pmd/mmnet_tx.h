/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_TX_H
#define MMNET_TX_H

/** @file Transmit: the burst function, and its parts for the others. */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include <fido/txq.h>

struct mmnet_txq;

uint16_t mmnet_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n);

/** Reap completions and free their buffers. @return number of buffers */
unsigned int mmnet_tx_reap(struct mmnet_txq *txq);

/** Reap the queues that this lcore sends on. */
void mmnet_tx_reap_lcore(unsigned int lcore);

int mmnet_tx_done_cleanup(void *queue, uint32_t free_cnt);

/* For other burst functions; the queue's lock is held. */

/** Put a packet as it is. @return 1: put, 0: no room now, -1: it can never be sent */
int mmnet_tx_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b);

/** Reap up to max completions and free their buffers. @return number of buffers */
unsigned int mmnet_tx_reap_max(struct mmnet_txq *txq, unsigned int max);

/** Begin a burst of n. @return true when it may post */
bool mmnet_tx_ready(struct mmnet_txq *txq, uint16_t n);

/** End a burst of n: publish what was put, reap as many completions, prefetch the next one. */
void mmnet_tx_publish(struct mmnet_txq *txq, uint16_t n, const struct fido_tx_burst *b);

#endif
