/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Snapshots of libfido's counters and rings. The primary writes them into the queues' structures,
 * which lie in EAL's shared memory; a secondary process asks the primary to do so, by EAL's
 * multi-process messages.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <fido/atomic.h>
#include <fido/lock.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "mmnet_log.h"
#include "mmnet_port.h"
#include "mmnet_rxq.h"
#include "mmnet_txq.h"
#include "mmnet_view.h"

#define MESSAGE_NAME "mmnet_view"
#define ANSWER_TIMEOUT_S 5

/* Request and reply. */
struct message {
	uint16_t port_id;
	int32_t result;
};

/* ---- the primary ---- */

/* Copy 64-bit counters that another thread writes. */
static void
copy_counters(void *to, const void *from, size_t size)
{
	uint64_t *out = to;
	const uint64_t *in = from;

	for (size_t i = 0; i < size / sizeof(*out); i++)
		fido_store_relaxed(&out[i], fido_load_relaxed(&in[i]));
}

static void
update_rxq(struct mmnet_rxq *rxq)
{
	struct fido_rxq_fill fill;

	if (rxq == NULL || rxq->q == NULL)
		return;
	copy_counters(&rxq->now, rxq->q->stats, sizeof(rxq->now));
	fido_rxq_look(rxq->q, 0, &fill);
	fido_store_relaxed(&rxq->ring_size, fill.size);
}

static void
update_txq(struct mmnet_txq *txq)
{
	if (txq == NULL || txq->q == NULL)
		return;
	copy_counters(&txq->now, txq->q->stats, sizeof(txq->now));
	fido_store_relaxed(&txq->out, fido_txq_out(txq->q));
}

/* Also update queues that the application does not use now: a reset clears the counters of all. */
static void
update(struct mmnet_port *port)
{
	for (uint16_t i = 0; i < port->nrx_made; i++)
		update_rxq(port->rxq[i]);
	for (uint16_t i = 0; i < port->ntx_made; i++)
		update_txq(port->txq[i]);
}

static int
update_by_id(uint16_t port_id)
{
	int ret = -ENODEV;

	fido_lock_take(&mmnet_ports_lock);
	for (struct mmnet_port *port = mmnet_ports; port != NULL; port = port->next)
		if (port->port_id == port_id && port->dev != NULL) {
			update(port);
			ret = 0;
		}
	fido_lock_release(&mmnet_ports_lock);
	return ret;
}

static int
answer(const struct rte_mp_msg *msg, const void *peer)
{
	struct rte_mp_msg reply = {.name = MESSAGE_NAME, .len_param = sizeof(struct message)};
	struct message m;

	if (msg->len_param != sizeof(m))
		return -EINVAL;
	memcpy(&m, msg->param, sizeof(m));
	m.result = update_by_id(m.port_id);
	memcpy(reply.param, &m, sizeof(m));
	return rte_mp_reply(&reply, peer);
}

void
mmnet_view_serve(void)
{
	/*
	 * EEXIST: a further port. ENOTSUP: EAL's memory is not shared (--in-memory), there are no
	 * secondary processes.
	 */
	if (rte_mp_action_register(MESSAGE_NAME, answer) != 0 && rte_errno != EEXIST &&
		rte_errno != ENOTSUP)
		MMNET_LOG(WARNING,
			"secondary processes will see no statistics: cannot register for their "
			"messages: %s",
			rte_strerror(rte_errno));
}

/* ---- a secondary ---- */

static int
ask(uint16_t port_id)
{
	struct rte_mp_msg request = {.name = MESSAGE_NAME, .len_param = sizeof(struct message)};
	struct message m = {.port_id = port_id};
	struct timespec timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	struct rte_mp_reply reply;
	int ret = -EIO;

	memcpy(request.param, &m, sizeof(m));
	if (rte_mp_request_sync(&request, &reply, &timeout) != 0)
		return rte_errno != 0 ? -rte_errno : -EIO;
	if (reply.nb_received == 1 && reply.msgs[0].len_param == sizeof(m)) {
		memcpy(&m, reply.msgs[0].param, sizeof(m));
		ret = m.result;
	}
	free(reply.msgs);
	return ret;
}

int
mmnet_view_update(struct rte_eth_dev *dev)
{
	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return ask(dev->data->port_id);
	update(dev->data->dev_private);
	return 0;
}
