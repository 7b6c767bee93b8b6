/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MMNET_H
#define MMNET_H

/**
 * @file
 * The mmnet poll-mode driver from the inside.
 *
 *   mmnet_ethdev.c  probe, remove, the ethdev operations
 *   mmnet_start.c   start, stop, reset
 *   mmnet_close.c   close, and what lingers until all buffers are back
 *   mmnet_args.c    device arguments
 *   mmnet_domain.c  the process's one domain, shared by its ports
 *   mmnet_mem.c     exports EAL's heap, page by page, as it grows and shrinks
 *   mmnet_arena.c   mempools in an arena
 *   mmnet_pool.c    header mbufs: what points into a peer's memory, and gives tickets back when freed
 *   mmnet_rx.c      a burst function for each Rx mode
 *   mmnet_rx_copy.h    how bytes are copied for them
 *   mmnet_rx_offload.c  what an application has asked for of received packets: tags, hashes, times...
 *   mmnet_bytes.h   a packet's bytes and their sum, however it is cut into segments
 *   mmnet_csum.c    checksums and packet types, if asked for
 *   mmnet_tx.c      the Tx burst, freeing what came back
 *   mmnet_chain.c   sends what takes more than one descriptor, or is copied: first planned, then put
 *   mmnet_bounce.h  the buffers that it is copied into
 *   mmnet_tx_offload.c the Tx burst that leaves work to the peer, spreads, keeps to an MTU
 *   mmnet_tx_software.c  does the work that cannot be left to the peer
 *   mmnet_meta.h, mmnet_meta.c  what goes with a packet, and what the ends tell each other first
 *   mmnet_hash.c    Toeplitz
 *   mmnet_rss.c     the key, the table, and what else this end tells the peer
 *   mmnet_mtu.c     how long a packet may be
 *   mmnet_queue.c   one queue: start, stop, what is in its ring, where the next packet shows
 *   mmnet_stats.c   counters
 *   mmnet_telemetry.c  the same and more by DPDK's telemetry
 *   mmnet_secondary.c  secondary processes: what they are told of a port
 *   mmnet_compat.h  what differs between the releases of DPDK
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <ethdev_driver.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <fido/counters_shm.h>
#include <fido/link.h>
#include <fido/note.h>
#include <fido/queue_shm.h>
#include <fido/receiver.h>
#include <fido/rxq.h>
#include <fido/txq.h>

#include "mmnet_compat.h"
#include "mmnet_hash.h"
#include "mmnet_meta.h"

#define MMNET_DRIVER_NAME net_mmnet
#define MMNET_DEFAULT_DESC 1024
#define MMNET_MIN_DESC 64
#define MMNET_MAX_DESC FIDO_RING_MAX
#define MMNET_MAX_FRAME 65535u
/* Addresses a port may have; all that the peer sends is received, whatever they are. */
#define MMNET_MAX_MACS 16
/* How long stop waits for the peer to take what was sent. */
#define MMNET_STOP_WAIT_MS 500
/** A message that waits for mbufs keeps the other rings of its queue waiting for so long, then lets them go on for as long. */
#define MMNET_WAIT_TURN_MS 20
/* Header mode: this much is copied into the writable first segment... */
#define MMNET_HEADER_COPY 128
/* ... of packets longer than this; shorter ones are copied whole. */
#define MMNET_HEADER_THRESHOLD 256
/* What a frame has beside the MTU: addresses, type, a tag. */
#define MMNET_FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 4u)
/* No buffer of the arena has this index: the cookie of a descriptor that has no memory at all. */
#define MMNET_NO_BUFFER UINT16_MAX
/* Size of the arena's buffers, for what cannot be sent by pointer. */
#define MMNET_BOUNCE_SIZE 2048
#define MMNET_ARENA_DEFAULT (4u << 20)
/* Descriptors read ahead of filling mbufs. */
#define MMNET_RX_CHUNK 32

/* Tx offloads that take more than putting packets into rings. */
#define MMNET_TX_LEFT                                                         \
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |     \
		RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM | \
		RTE_ETH_TX_OFFLOAD_TCP_TSO)

/* Tickets out before completions are looked for: old enough to fill their cache line. */
#define MMNET_TX_LAG 64u
/* Tickets out, of a ring that has as many, from which on all that came back is taken at once. */
#define MMNET_TX_MANY 384u

extern int mmnet_logtype;
#define MMNET_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, mmnet_logtype, "mmnet: " fmt "\n", ##__VA_ARGS__)

enum mmnet_rx_mode {
	MMNET_RX_AUTO,
	MMNET_RX_COPY,
	MMNET_RX_HEADER,
	MMNET_RX_ZERO
};

/** Device arguments. */
struct mmnet_args {
	char group[FIDO_NAME_MAX + 16];
	char domain[FIDO_NAME_MAX];
	char peer[FIDO_NAME_MAX];
	char link[FIDO_NAME_MAX];
	char allow[256]; /**< list of users */
	bool has_allow;
	enum mmnet_rx_mode rx;
	bool no_hugepages;
	bool no_heap;     /**< do not export EAL's memory */
	bool arena_pools; /**< mbuf pools lie in arenas unless their maker says otherwise */
	bool has_mac;     /**< mac is the user's; else random */
	uint16_t spread;  /**< rings of each transmit queue */
	struct rte_ether_addr mac;
	uint64_t arena;
	struct fido_layout layout;
};

/* Headers that the polling lcore has freed and that wait for its next poll. */
#define MMNET_FREED_MAX 512
/* No thread is this lcore, not even one that is none (LCORE_ID_ANY). */
#define MMNET_NO_LCORE (LCORE_ID_ANY - 1)

/** Header mbufs of one Rx queue: free ones on a stack. Guarded by the queue's lock (fido_rxq). */
struct mmnet_headers {
	struct rte_mempool *pool;
	struct fido_rxq *q; /**< NULL while the pool is being filled */
	struct rte_mbuf **stack;
	uint32_t count; /**< free headers on the stack */
	uint32_t size;  /**< headers there are */
	unsigned int
		lcore; /**< the lcore that polls; MMNET_NO_LCORE: none, or a thread that is no lcore */
	unsigned int freed_count;
	void *freed[MMNET_FREED_MAX]; /**< by that lcore, in order; tickets not given back yet */
};

/** What a header mbuf carries in its private area. */
struct mmnet_header_priv {
	struct fido_receiver *receiver; /**< NULL: free */
	uint16_t ticket;
};

struct mmnet_port;
struct rte_vdev_device;

struct mmnet_rxq {
	struct fido_rxq *q;                     /**< NULL until the port has started once */
	struct mmnet_headers *headers;          /**< NULL: copy mode */
	struct rte_mempool *mp;                 /**< the application's */
	struct rte_mbuf *fresh[MMNET_RX_CHUNK]; /**< allocated ahead from mp */
	uint16_t fresh_count;
	uint16_t last_chunk; /**< descriptors that the last read found */
	uint16_t port_id;
	uint16_t room;        /**< bytes an mbuf of mp takes */
	uint16_t whole;       /**< packets up to this length go into one mbuf */
	uint32_t max_frame;   /**< longer packets are dropped */
	uint64_t fresh_flags; /**< offload flags of a fresh mbuf of mp */
	uint16_t idle;        /**< empty polls since the last reap of our transmit queues */
	bool scatter;
	bool csum;        /**< check checksums */
	bool l4_csum;     /**< check those of UDP and TCP too */
	bool strip;       /**< take VLAN tags out */
	bool hash;        /**< packets get their hash */
	bool timestamp;   /**< and when they were received */
	uint16_t accepts; /**< MMNET_META_* */
	struct mmnet_meta meta;
	/* In one byte, as each burst asks for both. Changed with the queue's lock held. */
	bool dropping : 1;  /**< the rest of the message that is being read is dropped */
	bool stopped : 1;   /**< what is in the rings waits */
	bool expecting : 1; /**< meta is that of the message that comes next */
	bool waiting : 1;   /**< a message waits for mbufs, and its ring is read first */
	uint64_t rearm;     /**< first mbuf fields of a received packet */
	uint64_t header_rearm;
	struct rte_mbuf *head; /**< message that is being read */
	struct rte_mbuf *tail;
	uint64_t partial_id;    /**< queue_id of the ring it comes by, or waits in */
	struct rte_mbuf *spare; /**< reserved for it, beside those in fresh; linked by next */
	uint32_t spare_count;
	struct mmnet_port *port;
	struct fido_rx_stats_shm base; /**< at the last reset */
	struct fido_rx_stats_shm now;  /**< at the last mmnet_view_update() */
	uint32_t ring_size;            /**< of all rings it reads, then; 0: none */
	uint16_t nb_desc;              /**< as the application set it up */
	uint64_t wait_turn;            /**< ticks of the TSC for which `waiting` is set or not */
	struct rte_eth_rxconf conf;
};

struct mmnet_txq {
	struct fido_txq *q; /**< NULL until the port has started once */
	uint32_t lag;       /**< tickets out from which on some are taken back */
	uint32_t many;      /**< tickets out from which on all are */
	unsigned int lcore; /**< the lcore that sent last */
	bool fast_free;
	const struct fido_region *bounce_arena;
	char *bounce; /**< this queue's part of the arena */
	uint16_t *bounce_free;
	uint32_t bounce_count;
	uint32_t bounce_total;
	uint64_t *
		places; /**< where the segments of the packet are that is being put (mmnet_chain.c) */
	uint32_t places_max;
	uint16_t index;   /**< of its ring, of all that the port has */
	uint16_t nb_desc; /**< as the application set it up; all rings of a port have one size */
	struct mmnet_tx_peer *peer; /**< NULL: the port's burst function does not need it */
	struct mmnet_port *port;
	struct fido_tx_stats_shm base;
	struct fido_tx_stats_shm now; /**< at the last mmnet_view_update() */
	uint32_t out;                 /**< tickets out, then */
	struct rte_eth_txconf conf;
};

/** What a transmit queue knows of the peer's note. */
struct mmnet_tx_peer {
	uint64_t queue_id; /**< with seq: which note that was */
	uint32_t seq;
	uint16_t accepts; /**< MMNET_META_* */
	uint8_t lane[MMNET_RETA_SIZE];
	struct mmnet_hash hash; /**< without types: one lane takes all */
};

/**
 * A port. It and its queues lie in EAL's shared memory, so that a secondary process can read them; what they point to of
 * libfido's (link, arena, q) is the primary's alone.
 */
struct mmnet_port {
	struct mmnet_port *next; /**< in the list of all ports */
	struct rte_eth_dev *dev; /**< NULL: closed, waits for its buffers */
	struct fido_link *link;
	struct fido_region *arena;
	struct fido_region *more[FIDO_LINK_QUEUES_MAX]; /**< arenas of queues that came later */
	uint16_t more_count;
	struct mmnet_args args;
	struct rte_ether_addr macs[MMNET_MAX_MACS];
	enum mmnet_rx_mode mode; /**< what rx= came to when the port was started */
	uint16_t port_id;
	uint16_t nrx;
	uint16_t
		nrx_made; /**< queues there are; the application may still have packets of those over nrx */
	uint16_t ntx;      /**< rings: `spread` for each transmit queue */
	uint16_t ntx_made; /**< rings there are; those over ntx may still have buffers out */
	uint16_t spread;
	uint32_t ring_size;      /**< of all transmit rings, since the last start */
	uint32_t max_frame;      /**< longer packets are neither sent nor delivered */
	struct mmnet_note note;  /**< what this end says */
	struct mmnet_hash *hash; /**< for received packets; NULL: none are hashed */
	bool started;
	bool admin_down; /**< rte_eth_dev_set_link_down() */
	struct mmnet_rxq *rxq[FIDO_LINK_QUEUES_MAX];
	struct mmnet_txq
		*txq[FIDO_LINK_QUEUES_MAX]; /**< by ring; queue i has those from i * spread on */
};

/* mmnet_queue.c */
/** @return the size that the transmit rings have, if the port is started now: the largest that its queues were set up with */
uint32_t mmnet_tx_ring_size(const struct rte_eth_dev *dev);

/* mmnet_args.c */
/** Parse the device arguments. @return 0, -EINVAL (message written) */
int mmnet_args_parse(struct mmnet_args *args, const char *name, const char *text);
const char *const *mmnet_args_keys(void);

/* mmnet_domain.c */
/** The process's domain; joins the group for the first port. @return 0, -errno (message written) */
int mmnet_domain_get(const struct mmnet_args *args, struct fido_domain **out);
/** Have the process stay a domain until mmnet_domain_put(). @return NULL: it is none */
struct fido_domain *mmnet_domain_hold(void);
/** Undo one mmnet_domain_get() or mmnet_domain_hold(); the last one leaves. */
void mmnet_domain_put(void);
/** Leave now, whoever uses it; the process ends. */
void mmnet_domain_abandon(void);

/* mmnet_mem.c */
/**
 * Export EAL's heap to the domain's group, now and as it changes. What cannot be exported is copied when it is sent:
 * that is no failure.
 * @return 0, -errno
 */
int mmnet_mem_export(struct fido_domain *domain);
void mmnet_mem_unexport(void);

/* mmnet_pool.c */
/** Make n header mbufs. @return NULL: no memory (rte_errno) */
struct mmnet_headers *mmnet_headers_create(const char *name, uint32_t n, int socket);
/** All headers are home. NULL is legal. */
void mmnet_headers_free(struct mmnet_headers *h);
/** Before a poll: give back the tickets of what the polling lcore has freed. The queue's lock is held. */
void mmnet_headers_harvest(struct mmnet_headers *h, struct fido_rxq *q);
/** Give a header back that the application never saw. The queue's lock is held. */
void mmnet_header_return(struct mmnet_headers *h, struct rte_mbuf *m, uint16_t status);
/** Give back lingering tickets, and until the next poll what is freed at once. Any thread. */
void mmnet_rx_settle(struct mmnet_rxq *rxq);
/** The same for all queues that this lcore polls, before it sleeps. */
void mmnet_rx_settle_lcore(unsigned int lcore);

/* mmnet_rx.c */
/** @param full with metadata, and all that mmnet_rx_offload_apply() does */
eth_rx_burst_t mmnet_rx_function(enum mmnet_rx_mode mode, bool full);
/** Drop what was read of an unfinished message, free what was allocated ahead. Port stopped. */
void mmnet_rx_reset(struct mmnet_rxq *rxq);
/** Free what was allocated ahead. Port stopped, or the queue's lock is held. */
void mmnet_rx_free_fresh(struct mmnet_rxq *rxq);
/** Take one of what was allocated ahead. The queue's lock is held. @return NULL: there is none */
struct rte_mbuf *mmnet_rx_take(struct mmnet_rxq *rxq);

/* mmnet_meta.c */
/** Give a packet what came with it. @return false: it does not fit; the packet is marked bad as far as it has a mark */
bool mmnet_meta_apply(const struct mmnet_meta *meta, struct rte_mbuf *m);

/* mmnet_rx_offload.c */
/** Learn what the application asks of received packets. The port is stopped, or goes on with burst functions that can. */
void mmnet_rx_offload_configure(struct rte_eth_dev *dev);
/** @return true when the application asks for what only the full burst functions do */
bool mmnet_rx_offload_wanted(const struct rte_eth_dev *dev);
/** @return what a peer may leave to this end: MMNET_META_* */
uint16_t mmnet_rx_offload_accepts(const struct rte_eth_dev *dev);
/** Take the VLAN tag out of a received packet that has one. The queue's lock is held. @return the packet */
struct rte_mbuf *mmnet_rx_strip(struct mmnet_rxq *rxq, struct rte_mbuf *m);
/** Do to received packets the rest of what the application has asked for. Without the queue's lock. @return n */
uint16_t mmnet_rx_offload_apply(struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n);
int mmnet_vlan_offload_set(struct rte_eth_dev *dev, int mask);
int mmnet_read_clock(struct rte_eth_dev *dev, uint64_t *now);

/* mmnet_csum.c */
/**
 * Set the packets' types, their RX_IP_CKSUM flags, and those of L4 if the queue is to, as far as they have none; not known
 * (0) of what is not IPv4, and not UDP or TCP in one piece.
 */
void mmnet_csum_check(const struct mmnet_rxq *rxq, struct rte_mbuf **pkts, uint16_t n);
/** The types that mmnet_csum_check() tells apart, *n of them, and after them RTE_PTYPE_UNKNOWN. */
const uint32_t *mmnet_csum_types(size_t *n);

/* mmnet_tx.c */
uint16_t mmnet_tx_burst(void *queue, struct rte_mbuf **pkts, uint16_t n);
/** Take back and free what has been completed. @return number of buffers */
unsigned int mmnet_tx_reap(struct mmnet_txq *txq);
/** Reap the queues that this lcore sends on. */
void mmnet_tx_reap_lcore(unsigned int lcore);
int mmnet_tx_done_cleanup(void *queue, uint32_t free_cnt);
/* For mmnet_tx_offload.c; the queue's lock is held. */
/** Put a packet as it is. @return 1: put, 0: no room now, -1: it can never be sent */
int mmnet_tx_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b);
/** Take back and free up to max of what has been completed. @return number of buffers */
unsigned int mmnet_tx_reap_max(struct mmnet_txq *txq, unsigned int max);
/** Begin a burst of n. @return true when it may post */
bool mmnet_tx_ready(struct mmnet_txq *txq, uint16_t n);
/** End a burst of n, whatever was put: make it visible, take back about as many buffers, fetch the completion to be read next. */
void mmnet_tx_publish(struct mmnet_txq *txq, uint16_t n, const struct fido_tx_burst *b);

/* mmnet_chain.c */
/**
 * Put a packet of any number of segments, copying those that the peer cannot read. The queue's lock is held.
 * @param meta what goes with it; NULL: nothing
 * @return 1: put, 0: no room now, -1: it can never be sent (so)
 */
int mmnet_chain_put(struct mmnet_txq *txq, struct rte_mbuf *m, const struct mmnet_meta *meta,
	struct fido_tx_burst *b);
/** Have memory to plan packets for rings of that size. Port stopped. @return 0, -ENOMEM */
int mmnet_chain_start(struct mmnet_txq *txq, uint32_t ring_size);

/* mmnet_tx_offload.c */
uint16_t mmnet_tx_burst_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);
/** As mmnet_tx_burst(), but packets longer than the port's MTU allows are freed and counted. */
uint16_t mmnet_tx_burst_mtu(void *queue, struct rte_mbuf **pkts, uint16_t n);
/** Say which packets these would drop: the first one that is not counted (rte_errno says why). */
uint16_t mmnet_tx_prepare_offload(void *queue, struct rte_mbuf **pkts, uint16_t n);
uint16_t mmnet_tx_prepare_mtu(void *queue, struct rte_mbuf **pkts, uint16_t n);

/* mmnet_tx_software.c */
/**
 * Do what a packet asks for, where it lies or in the arena, cut it if it is to be, and put it. The queue's lock is held.
 * @return 1: put; 0: no room now; -1: never, or its headers are not what its flags say
 */
int mmnet_tx_software_put(struct mmnet_txq *txq, struct rte_mbuf *m, struct fido_tx_burst *b);
/** Ask whether mmnet_tx_software_put() would ever put it. @return 0, -EINVAL: no */
int mmnet_tx_software_check(struct mmnet_txq *txq, const struct rte_mbuf *m);
/** @return true when an IP header of l3_len bytes, at least the least that it has, is that of a fragment */
bool mmnet_tx_software_is_fragment(const uint8_t *ip, bool ipv6, uint32_t l3_len);

/* mmnet_rss.c */
/** Take over what the application has configured. @return 0, -EINVAL (message written) */
int mmnet_rss_configure(struct rte_eth_dev *dev);
/** Tell the peer what this end wants. @return 0, -errno */
int mmnet_note_publish(struct rte_eth_dev *dev);
/** @return true when nothing in a note would lead astray */
bool mmnet_note_valid(const struct mmnet_note *note);
/** The kinds of packets that can be hashed, in ethdev's terms. */
uint64_t mmnet_rss_types(void);
int mmnet_rss_hash_update(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int mmnet_rss_hash_conf_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf);
int mmnet_reta_update(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta,
	uint16_t size);
int mmnet_reta_query(struct rte_eth_dev *dev, struct rte_eth_rss_reta_entry64 *reta, uint16_t size);

/* mmnet_mtu.c */
/** Take over the MTU that the application has configured, if it is not the one that nobody asks for. */
void mmnet_mtu_configure(struct rte_eth_dev *dev);
/** @return true when some packets are too long to be sent */
bool mmnet_mtu_limits(const struct mmnet_port *port);
/** Have a receive queue keep to the MTU of its port. */
void mmnet_rx_limit(struct mmnet_rxq *rxq);
int mmnet_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);

/* mmnet_ethdev.c */
/** All ports, closed ones that wait for their buffers too. The lock guards the list, not the ports. */
extern struct mmnet_port *mmnet_ports;
extern struct fido_lock mmnet_ports_lock;

/** Ports that the application has not closed. */
extern unsigned int mmnet_open_ports;

int mmnet_infos_get(struct rte_eth_dev *dev, struct rte_eth_dev_info *info);
int mmnet_link_update(struct rte_eth_dev *dev, int wait);

/* mmnet_start.c */
int mmnet_start(struct rte_eth_dev *dev);
int mmnet_stop(struct rte_eth_dev *dev);
/** Have a port be as it was after probing; what it sent, and delivered, comes back as after a stop. */
int mmnet_reset(struct rte_eth_dev *dev);
/** What a new port is like, as far as it is not all zeroes. */
void mmnet_initial(struct rte_eth_dev *dev);
/** @return true: the process has a port that is a device. Memory of a peer has no bus address: no device may be given any */
bool mmnet_has_pci_port(void);
/** Take back what the port's queues sent. @return true when no buffer is out any more */
bool mmnet_port_reap(struct mmnet_port *port);
/** Wait until no buffer of the port is out, but no longer than so. */
void mmnet_port_drain(struct mmnet_port *port, unsigned int ms);
/** The same for one queue. */
void mmnet_txq_drain(struct mmnet_txq *txq, unsigned int ms);

/* mmnet_close.c */
int mmnet_close(struct rte_eth_dev *dev);
/** Free a port that no buffer is out of. */
void mmnet_port_free(struct mmnet_port *port);

/* mmnet_queue.c */
int mmnet_rx_queue_start(struct rte_eth_dev *dev, uint16_t i);
int mmnet_rx_queue_stop(struct rte_eth_dev *dev, uint16_t i);
int mmnet_tx_queue_start(struct rte_eth_dev *dev, uint16_t i);
int mmnet_tx_queue_stop(struct rte_eth_dev *dev, uint16_t i);
void mmnet_rxq_info_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_rxq_info *info);
void mmnet_txq_info_get(struct rte_eth_dev *dev, uint16_t i, struct rte_eth_txq_info *info);
MMNET_QUEUE_COUNT mmnet_rx_queue_count(void *queue);
int mmnet_rx_descriptor_status(void *queue, uint16_t offset);
int mmnet_tx_descriptor_status(void *queue, uint16_t offset);
int mmnet_get_monitor_addr(void *queue, struct rte_power_monitor_cond *pmc);

/* mmnet_telemetry.c */
/** @return the name of an Rx mode, as rx= takes it. */
const char *mmnet_mode_name(enum mmnet_rx_mode mode);
/** Print the port's state for people. Primary or secondary process. */
int mmnet_priv_dump(struct rte_eth_dev *dev, FILE *file);

/* mmnet_secondary.c */
/** Answer secondary processes from now on. Primary process. */
void mmnet_secondary_serve(void);
/** Attach to the primary's port. Secondary process. @return 0, -errno (message written) */
int mmnet_secondary_probe(struct rte_vdev_device *vdev);
/** Bring what the queues say of their rings (now, ring_size, out) up to date. Either process. @return 0, -errno */
int mmnet_view_update(struct rte_eth_dev *dev);

/* mmnet_stats.c */
int mmnet_stats_reset(struct rte_eth_dev *dev);
int mmnet_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int mmnet_xstats_get_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names,
	unsigned int n);

/* ---- inline ---- */

static inline struct mmnet_header_priv *
mmnet_header_priv(struct rte_mbuf *m)
{
	return (struct mmnet_header_priv *)(m + 1);
}

/** @return tickets out of a ring of that size from which on some are taken back */
static inline uint32_t
mmnet_tx_lag(uint32_t ring_size)
{
	return RTE_MIN(ring_size / 4, MMNET_TX_LAG);
}

#endif
