/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RSS: spread received packets over queues. No device does it: a ring leads to one receive queue,
 * so the sender chooses the ring, by the receiver's key and table. The receiver publishes them, and
 * what it accepts, in its note.
 */

#include <errno.h>
#include <string.h>

#include <ethdev_driver.h>
#include <rte_common.h>
#include <rte_malloc.h>

#include <fido/link.h>
#include <fido/note.h>

#include "mmnet_hash.h"
#include "mmnet_log.h"
#include "mmnet_meta.h"
#include "mmnet_port.h"
#include "mmnet_rss.h"
#include "mmnet_rx_config.h"

/* The key of most drivers, from Microsoft's description of RSS. */
static const uint8_t default_key[MMNET_KEY_SIZE] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30,
	0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
	0x01, 0xfa};

static const struct {
	uint64_t rte;
	uint32_t type;
} types[] = {
	{RTE_ETH_RSS_IPV4, MMNET_HASH_IP},
	{RTE_ETH_RSS_FRAG_IPV4, MMNET_HASH_FRAG},
	{RTE_ETH_RSS_NONFRAG_IPV4_OTHER, MMNET_HASH_OTHER},
	{RTE_ETH_RSS_NONFRAG_IPV4_TCP, MMNET_HASH_TCP},
	{RTE_ETH_RSS_NONFRAG_IPV4_UDP, MMNET_HASH_UDP},
	{RTE_ETH_RSS_IPV6, MMNET_HASH_IP << MMNET_HASH_IPV6_SHIFT},
	{RTE_ETH_RSS_FRAG_IPV6, MMNET_HASH_FRAG << MMNET_HASH_IPV6_SHIFT},
	{RTE_ETH_RSS_NONFRAG_IPV6_OTHER, MMNET_HASH_OTHER << MMNET_HASH_IPV6_SHIFT},
	{RTE_ETH_RSS_NONFRAG_IPV6_TCP, MMNET_HASH_TCP << MMNET_HASH_IPV6_SHIFT},
	{RTE_ETH_RSS_NONFRAG_IPV6_UDP, MMNET_HASH_UDP << MMNET_HASH_IPV6_SHIFT},
};

static uint32_t
from_rte(uint64_t hf)
{
	uint32_t set = 0;

	for (size_t i = 0; i < RTE_DIM(types); i++)
		set |= (hf & types[i].rte) != 0 ? types[i].type : 0;
	return set;
}

static uint64_t
to_rte(uint32_t set)
{
	uint64_t hf = 0;

	for (size_t i = 0; i < RTE_DIM(types); i++)
		hf |= (set & types[i].type) != 0 ? types[i].rte : 0;
	return hf;
}

uint64_t
mmnet_rss_types(void)
{
	return to_rte(MMNET_HASH_ALL);
}

/* ---- the note ---- */

bool
mmnet_note_valid(const struct mmnet_note *note)
{
	if (note->magic != MMNET_NOTE_MAGIC || note->nrx > FIDO_LINK_QUEUES_MAX)
		return false;
	for (unsigned int i = 0; note->hash_types != 0 && i < MMNET_RETA_SIZE; i++)
		if (note->reta[i] >= note->nrx)
			return false;
	return true;
}

int
mmnet_note_publish(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	port->note.magic = MMNET_NOTE_MAGIC;
	port->note.accepts = mmnet_rx_accepts(dev);
	port->note.nrx = dev->data->nb_rx_queues;
	return fido_link_set_note(port->link, &port->note, sizeof(port->note));
}

/* A burst that is under way may use the old or the new tables. */
static int
make_tables(struct rte_eth_dev *dev)
{
	struct mmnet_port *port = mmnet_port_of(dev);

	if ((dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_RSS_HASH) == 0)
		return 0;
	if (port->hash == NULL)
		port->hash = rte_zmalloc("mmnet_hash", sizeof(*port->hash), RTE_CACHE_LINE_SIZE);
	if (port->hash == NULL)
		return -ENOMEM;
	mmnet_hash_init(port->hash, port->note.key, port->note.hash_types);
	return 0;
}

/* ---- configuration ---- */

static int
take_conf(struct rte_eth_dev *dev, const struct rte_eth_rss_conf *conf)
{
	struct mmnet_note *note = &mmnet_port_of(dev)->note;

	if (conf->rss_key != NULL && conf->rss_key_len != MMNET_KEY_SIZE) {
		MMNET_LOG(ERR, "port %u: an RSS key of %u bytes: use one of %u",
			mmnet_port_of(dev)->port_id, conf->rss_key_len, MMNET_KEY_SIZE);
		return -EINVAL;
	}
	if (conf->rss_key != NULL)
		memcpy(note->key, conf->rss_key, MMNET_KEY_SIZE);
	note->hash_types = from_rte(conf->rss_hf);
	return make_tables(dev);
}

int
mmnet_rss_configure(struct rte_eth_dev *dev)
{
	const struct rte_eth_conf *conf = &dev->data->dev_conf;
	struct rte_eth_rss_conf rss = conf->rx_adv_conf.rss_conf;
	struct mmnet_note *note = &mmnet_port_of(dev)->note;

	memcpy(note->key, default_key, sizeof(note->key));
	for (unsigned int i = 0; i < MMNET_RETA_SIZE; i++)
		note->reta[i] =
			(uint8_t)(dev->data->nb_rx_queues != 0 ? i % dev->data->nb_rx_queues : 0);
	if ((conf->rxmode.mq_mode & RTE_ETH_MQ_RX_RSS_FLAG) == 0)
		rss.rss_hf = 0;
	if (dev->data->nb_rx_queues == 0)
		rss.rss_hf = 0;
	return take_conf(dev, &rss);
}

int
mmnet_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	int ret = take_conf(dev, conf);

	return ret != 0 ? ret : mmnet_note_publish(dev);
}

int
mmnet_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	const struct mmnet_note *note = &mmnet_port_of(dev)->note;

	if (conf->rss_key != NULL && conf->rss_key_len >= MMNET_KEY_SIZE)
		memcpy(conf->rss_key, note->key, MMNET_KEY_SIZE);
	conf->rss_key_len = MMNET_KEY_SIZE;
	conf->rss_hf = to_rte(note->hash_types);
	return 0;
}

int
mmnet_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	struct mmnet_note *note = &mmnet_port_of(dev)->note;

	if (size != MMNET_RETA_SIZE)
		return -EINVAL;
	for (unsigned int i = 0; i < size; i++)
		if ((reta[i / 64].mask >> i % 64 & 1) != 0 &&
			reta[i / 64].reta[i % 64] >= dev->data->nb_rx_queues)
			return -EINVAL;
	for (unsigned int i = 0; i < size; i++)
		if ((reta[i / 64].mask >> i % 64 & 1) != 0)
			note->reta[i] = (uint8_t)reta[i / 64].reta[i % 64];
	return mmnet_note_publish(dev);
}

int
mmnet_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size)
{
	const struct mmnet_note *note = &mmnet_port_of(dev)->note;

	if (size != MMNET_RETA_SIZE)
		return -EINVAL;
	for (unsigned int i = 0; i < size; i++)
		if ((reta[i / 64].mask >> i % 64 & 1) != 0)
			reta[i / 64].reta[i % 64] = note->reta[i];
	return 0;
}
