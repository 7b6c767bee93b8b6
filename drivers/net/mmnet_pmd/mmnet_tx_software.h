/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_TX_SOFTWARE_H
#define MMNET_TX_SOFTWARE_H

/** @file Tx offloads in software. */

#include <stdint.h>

#include <rte_mbuf.h>

#include <fido/txq.h>

struct mmnet_txq;

/**
 * Do the offloads that a packet asks for, in place or in the arena, segment it if it asks for that,
 * and put it. The queue's lock is held.
 * @return 1: put; 0: no room now; -1: never, or its headers contradict its flags
 */
int mmnet_tx_software_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b);

/** Ask whether mmnet_tx_software_put() would ever put it. @return 0, -EINVAL: no */
int mmnet_tx_software_check(struct mmnet_txq *txq, const struct rte_mbuf *m);

#endif
