/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lying metadata does not crash an application with mmnet ports, nor reach it as impossible
 * lengths.
 *
 * No packet has headers that end beyond it, or asks for an impossible segmentation. The peer's
 * honest packets arrive.
 *
 *   bad (libfido alone) ====== victim (DPDK, one port for each Rx mode)
 *
 * First its messages are complete, so that the links stay up: whatever a message contains, the next
 * one is read. Then they end in the middle, which closes a link until its port is restarted.
 *
 * FIDO_TEST_ROUNDS is the number of its messages for each port.
 */
#include "test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>

#include "mmnet_meta.h"

#define PORTS 4
#define MESSAGES 40000u
#define ENOUGH_MS 5000
#define TRUNCATED 10
#define RING 256
#define ARENA (2u << 20)
#define HONEST_LEN 64
/* The last part of the arena is for honest packets: more than can be under way. */
#define HONEST_SLOTS 1024u
#define HOSTILE_PART (ARENA - HONEST_SLOTS * HONEST_LEN)
#define HONEST_TYPE 0x88b5
#define MAGIC UINT64_C(0x7473656e6f482121)

/* Shared by both processes. */
static struct shared {
	_Atomic uint32_t messages[PORTS];  /* hostile ones sent */
	_Atomic uint32_t honest[PORTS];    /* sent */
	_Atomic uint32_t cut_asked[PORTS]; /* truncated messages that the victim requests */
	_Atomic uint32_t cut[PORTS];
	_Atomic bool quiet[PORTS]; /* request: send nothing */
	_Atomic bool idle[PORTS];  /* answer: it sends nothing */
	_Atomic bool stop;
} * shared;

/* ---- bad ---- */

struct lane {
	struct fido_txq *q;
	uint32_t number;
	uint32_t honest;
	bool ended; /* the ring of this number holds a message without end; nothing may follow */
	uint64_t ended_id;
};

static uint64_t seed = 1;
static struct fido_region *arena;
static uint8_t *bytes;

static uint32_t
below(uint32_t n)
{
	return (uint32_t)(test_random(&seed) >> 16) % n;
}

static bool
one_in(uint32_t n)
{
	return below(n) == 0;
}

/* Write bytes that resemble headers, now and then with an end that does not fit. */
static void
scribble(uint8_t *p)
{
	static const uint8_t protos[] = {6, 6, 17, 1, 44};
	uint32_t at = 12, v6 = below(2);

	for (uint32_t i = 0; i < 128; i++)
		p[i] = (uint8_t)below(256);
	for (uint32_t tags = below(3); tags != 0; tags--, at += 4) {
		p[at] = 0x81;
		p[at + 1] = 0;
	}
	p[at++] = v6 ? 0x86 : 0x08;
	p[at++] = v6 ? 0xdd : 0x00;
	p[at] = v6 ? 0x60 : one_in(3) ? (uint8_t)below(256) : 0x45;
	p[at + (v6 ? 6 : 9)] = protos[below(sizeof(protos))];
	/* The length of TCP's header, if this is TCP. */
	p[at + (v6 ? 40 : 20) + 12] = one_in(2) ? 0x50 : (uint8_t)below(256);
}

static void
put(struct lane *l, uint64_t gaddr, uint32_t len, uint32_t flags)
{
	fido_sender_put(l->q->sender, gaddr & FIDO_GADDR_MASK, len, (uint16_t)flags, &seed);
}

/* Put metadata: right, nearly right, or random. */
static void
put_meta(struct lane *l, uint32_t chained)
{
	struct mmnet_meta meta = {.flags = (uint16_t)(below(0x80) << FIDO_DESC_USER_SHIFT),
		.vlan_tci = (uint16_t)below(65536),
		.segsz = (uint16_t)(one_in(4)   ? 0
				: below(3) == 0 ? 65535
						: 1 + below(1500)),
		.l2_len = (uint16_t)(14 + below(3) * 4),
		.l3_len = (uint16_t)(20 + below(6) * 4),
		.hash = below(UINT32_MAX)};

	if (!one_in(4)) /* flags that are valid together */
		meta.flags &=
			(uint16_t) ~(one_in(2) ? MMNET_META_TCP | MMNET_META_TSO : MMNET_META_UDP);
	if ((meta.flags & MMNET_META_IPV6) != 0 && !one_in(4)) {
		meta.flags &= (uint16_t)~MMNET_META_IP_CSUM;
		meta.l3_len = (uint16_t)(meta.l3_len + 20);
	}
	if (one_in(8))
		meta.l2_len = (uint16_t)below(128);
	if (one_in(8))
		meta.l3_len = (uint16_t)below(512);
	if (one_in(16))
		put(l, test_random(&seed), below(UINT32_MAX),
			(below(65536) & ~(uint32_t)FIDO_DESC_CHAINED) | FIDO_DESC_INLINE | chained);
	else
		put(l, mmnet_meta_word(&meta), meta.hash, meta.flags | FIDO_DESC_INLINE | chained);
}

static void
put_data(struct lane *l, uint32_t chained)
{
	uint32_t at = below(HOSTILE_PART - 4096) & ~63u, len = one_in(3) ? below(128) : below(4096);
	uint32_t flags = chained |
		(one_in(16) ? below(65536) & ~(uint32_t)(FIDO_DESC_CHAINED | FIDO_DESC_INLINE) : 0);
	uint64_t gaddr = (uintptr_t)bytes + at;

	scribble(bytes + at);
	if (one_in(32)) /* unmapped, the victim's own, beyond the slots */
		gaddr = one_in(3)   ? test_random(&seed)
			: one_in(2) ? gaddr + (UINT64_C(1) << TEST_SLOT_SHIFT)
				    : gaddr + (64u << 20);
	if (one_in(64))
		len = below(UINT32_MAX);
	put(l, gaddr, len, flags);
}

/* Put one complete message, all of which may be wrong. */
static void
put_hostile(struct lane *l)
{
	uint32_t metas = one_in(16) ? below(4) : 1, parts = one_in(3) ? 2 + below(4) : 1,
		 middle = one_in(16) ? below(parts) : parts;

	for (uint32_t i = 0; i < metas; i++)
		put_meta(l, FIDO_DESC_CHAINED);
	for (uint32_t i = 0; i < parts; i++) {
		uint32_t chained = i + 1 < parts ? FIDO_DESC_CHAINED : 0;

		if (i == middle)
			put_meta(l, chained);
		else
			put_data(l, chained);
	}
}

static void
put_truncated(struct lane *l)
{
	put_meta(l, FIDO_DESC_CHAINED);
	for (uint32_t i = below(3); i != 0; i--)
		put_data(l, FIDO_DESC_CHAINED);
}

/* Put a plain message, or one with true metadata. */
static void
put_honest(struct lane *l)
{
	struct mmnet_meta meta = {.flags = MMNET_META_VLAN, .vlan_tci = (uint16_t)l->honest};
	uint8_t *p = bytes + HOSTILE_PART +
		(l->number * (HONEST_SLOTS / PORTS) + l->honest % (HONEST_SLOTS / PORTS)) *
			HONEST_LEN;
	uint64_t words[2] = {MAGIC, l->honest};

	memset(p, 0, HONEST_LEN);
	p[12] = HONEST_TYPE >> 8;
	p[13] = HONEST_TYPE & 0xff;
	memcpy(p + 16, words, sizeof(words));
	if (l->honest % 2 != 0)
		put(l, mmnet_meta_word(&meta), 0,
			meta.flags | FIDO_DESC_INLINE | FIDO_DESC_CHAINED);
	put(l, (uintptr_t)p, HONEST_LEN, 0);
	l->honest++;
}

/* Caller holds the queue's lock, and the link is up. */
static void
send_some(struct lane *l)
{
	struct fido_tx_burst b = {.own = 1};
	void *cookies[RING];
	uint64_t gaddr;

	fido_txq_reap_locked(l->q, cookies, RING);
	if (l->ended && l->ended_id == l->q->sender->queue_id)
		return;
	if (fido_txq_gaddr(l->q, bytes, 1, &gaddr) != FIDO_REACH_OWN || shared->quiet[l->number])
		return;
	if (shared->cut[l->number] != shared->cut_asked[l->number]) {
		/* Wait for what was sent before: a truncated message ends the link. */
		if (fido_sender_out(l->q->sender) != 0)
			return;
		put_truncated(l);
		l->ended = true;
		l->ended_id = l->q->sender->queue_id;
		shared->cut[l->number]++;
		fido_txq_publish(l->q, &b);
		return;
	}
	for (uint32_t i = 1 + below(8); i != 0 && fido_sender_room(l->q->sender) > 32; i--) {
		put_hostile(l);
		shared->messages[l->number]++;
		if (one_in(4)) {
			put_honest(l);
			shared->honest[l->number] = l->honest;
		}
	}
	fido_txq_publish(l->q, &b);
}

static void
run_bad(void)
{
	struct fido_domain_config config = {.group = TEST_GROUP,
		.name = "bad",
		.layout = {FIDO_DEFAULT_BASE, TEST_SLOT_SHIFT, TEST_SLOTS},
		.no_hugepages = true};
	struct fido_domain *d;
	struct lane lanes[PORTS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fido_domain_join(&d, &config) != 0 || fido_arena_create(d, ARENA, &arena) != 0)
		_exit(1);
	bytes = (uint8_t *)arena->va;
	for (uint32_t i = 0; i < PORTS; i++) {
		char name[4];

		snprintf(name, sizeof(name), "%u", i);
		lanes[i] =
			(struct lane){.q = fido_link_txq(test_link(d, "victim", name, 1, 1, RING),
					      0),
				.number = i};
	}
	while (!shared->stop) {
		for (uint32_t i = 0; i < PORTS; i++) {
			fido_lock_take(&lanes[i].q->lock);
			if (lanes[i].q->open)
				send_some(&lanes[i]);
			shared->idle[i] = shared->quiet[i];
			fido_lock_release(&lanes[i].q->lock);
		}
		sched_yield();
	}
	fido_domain_leave(d);
	_exit(0);
}

/* ---- the victim ---- */

static pid_t bad;
static uint32_t honest[PORTS]; /* received */
static uint32_t unfinished, uncut, tagged, hashed, marked_bad, packets;
static struct rte_mempool *pool;

static const struct {
	const char *rx;
	uint64_t offloads;
} ports[PORTS] = {
	{"copy",
		RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER |
			RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_RSS_HASH},
	{"header",
		RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER |
			RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_CHECKSUM},
	{"zero",
		RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_VLAN_STRIP |
			RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_RSS_HASH},
	/* Takes no packets to be segmented, for lack of room. */
	{"copy", RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_VLAN_STRIP},
};

static int
set_up(uint16_t port)
{
	struct rte_eth_conf conf = {.rxmode = {.mq_mode = RTE_ETH_MQ_RX_RSS,
					    .offloads = ports[port].offloads},
		.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP};
	struct rte_eth_dev_info info;

	if (rte_eth_dev_info_get(port, &info) != 0)
		return -1;
	conf.rx_adv_conf.rss_conf.rss_hf &= info.flow_type_rss_offloads;
	if (rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, pool) != 0 ||
		rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL) != 0)
		return -1;
	return rte_eth_dev_start(port);
}

/* Start EAL with the ports on its command line, before cmocka's group begins. */
static void
start_victim(void)
{
	char lcore[32], vdevs[PORTS][160];
	char *args[16] = {"victim", "--no-huge", "-m", "128", "--no-pci", "--no-shconf",
		"--no-telemetry", "--log-level=error", lcore};
	int n = 9;

	snprintf(lcore, sizeof(lcore), "--lcores=0@%d", sched_getcpu());
	for (int i = 0; i < PORTS; i++) {
		snprintf(vdevs[i], sizeof(vdevs[i]),
			"--vdev=net_mmnet%d,group=" TEST_GROUP
			",domain=victim,peer=bad,link=%d,rx=%s,hugepages=off,heap=off",
			i, i, ports[i].rx);
		args[n++] = vdevs[i];
	}
	assert_int_not_equal(rte_eal_init(n, args), -1);
	assert_int_equal(rte_eth_dev_count_avail(), PORTS);
	pool = rte_pktmbuf_pool_create("rx", 4095, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(pool);
	for (uint16_t port = 0; port < PORTS; port++)
		assert_int_equal(set_up(port), 0);
}

static void
look_at_lengths(const struct rte_mbuf *m)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK,
		 ip = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint32_t headers = (uint32_t)m->l2_len + m->l3_len + m->l4_len;

	marked_bad += l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD;
	if ((m->ol_flags & RTE_MBUF_F_RX_LRO) != 0) {
		uncut++;
		assert_int_equal(l4, RTE_MBUF_F_RX_L4_CKSUM_NONE);
		assert_int_equal(m->packet_type & RTE_PTYPE_L4_MASK, RTE_PTYPE_L4_TCP);
		assert_int_not_equal(m->tso_segsz, 0);
	}
	if (l4 != RTE_MBUF_F_RX_L4_CKSUM_NONE && ip != RTE_MBUF_F_RX_IP_CKSUM_NONE)
		return;
	unfinished++;
	assert_true(m->l2_len >= RTE_ETHER_HDR_LEN);
	assert_true(m->l3_len >= sizeof(struct rte_ipv4_hdr));
	assert_true(headers <= m->pkt_len);
	if (l4 != RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return;
	if ((m->packet_type & RTE_PTYPE_L4_MASK) == RTE_PTYPE_L4_TCP)
		assert_in_range(m->l4_len, sizeof(struct rte_tcp_hdr), 60);
	else
		assert_true(headers + sizeof(struct rte_udp_hdr) <= m->pkt_len);
}

/* @return a value made from all bytes, so that all are read */
static uint32_t
look_at_bytes(const struct rte_mbuf *m)
{
	uint32_t len = 0, segs = 0, sum = 0;

	for (const struct rte_mbuf *s = m; s != NULL; s = s->next, segs++) {
		len += s->data_len;
		for (uint32_t i = 0; i < s->data_len; i++)
			sum += *rte_pktmbuf_mtod_offset(s, const volatile uint8_t *, i);
	}
	assert_int_equal(len, m->pkt_len);
	assert_int_equal(segs, m->nb_segs);
	return sum;
}

static void
look_for_honest(const struct rte_mbuf *m, uint16_t port)
{
	uint8_t copy[HONEST_LEN];
	const uint8_t *p;
	uint64_t words[2];

	if (m->pkt_len != HONEST_LEN)
		return;
	p = rte_pktmbuf_read(m, 0, HONEST_LEN, copy);
	memcpy(words, p + 16, sizeof(words));
	if (words[0] != MAGIC)
		return;
	assert_int_equal(words[1], honest[port]);
	assert_int_equal((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0, honest[port] % 2 != 0);
	if (honest[port] % 2 != 0)
		assert_int_equal(m->vlan_tci, (uint16_t)honest[port]);
	honest[port]++;
}

static uint16_t
receive(uint16_t port)
{
	struct rte_mbuf *m[32];
	uint16_t n = rte_eth_rx_burst(port, 0, m, RTE_DIM(m));

	for (uint16_t i = 0; i < n; i++) {
		look_at_bytes(m[i]);
		look_at_lengths(m[i]);
		look_for_honest(m[i], port);
		tagged += (m[i]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
		hashed += (m[i]->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0;
	}
	packets += n;
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static bool
is_up(uint16_t port)
{
	struct rte_eth_link link = {0};

	return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

static uint64_t
bad_descriptors(uint16_t port)
{
	uint64_t id, value = 0;

	assert_int_equal(rte_eth_xstats_get_id_by_name(port, "rx_bad_descriptors", &id), 0);
	assert_int_equal(rte_eth_xstats_get_by_id(port, &id, &value, 1), 1);
	return value;
}

/* Receive all that is sent, so that nothing is under way. */
static void
settle(uint16_t port)
{
	shared->idle[port] = false;
	shared->quiet[port] = true;
	TEST_WAIT((receive(port), shared->idle[port]));
	TEST_WAIT((receive(port), honest[port] == shared->honest[port]));
}

static void
whole_messages(void **state)
{
	uint32_t rounds = test_rounds(MESSAGES);
	uint64_t until = test_rounds_until(ENOUGH_MS);
	bool more = true;

	(void)state;
	for (uint16_t port = 0; port < PORTS; port++)
		TEST_WAIT(is_up(port));
	while (more && test_now_ms() < until) {
		more = false;
		for (uint16_t port = 0; port < PORTS; port++) {
			receive(port);
			more |= shared->messages[port] < rounds;
			assert_int_equal(waitpid(bad, NULL, WNOHANG), 0);
		}
	}
	for (uint16_t port = 0; port < PORTS; port++) {
		settle(port);
		assert_true(is_up(port));
		assert_true(bad_descriptors(port) > 0);
		assert_true(honest[port] > 0);
	}
	print_message("%u packets: %u not finished, of them %u not segmented, %u with a tag, %u "
		      "with a hash, %u with wrong lengths\n",
		packets, unfinished, uncut, tagged, hashed, marked_bad);
	/* Otherwise the test sent the wrong packets. */
	assert_true(unfinished > packets / 20);
	assert_true(uncut > packets / 200);
	assert_true(marked_bad > packets / 200);
}

static void
messages_without_end(void **state)
{
	(void)state;
	for (int i = 0; i < TRUNCATED; i++)
		for (uint16_t port = 0; port < PORTS; port++) {
			uint32_t before;

			settle(port);
			shared->cut_asked[port]++;
			shared->quiet[port] = false;
			TEST_WAIT((receive(port), !is_up(port)));
			assert_int_equal(rte_eth_dev_stop(port), 0);
			/* What the peer sends until this end is open again stays with the peer. */
			assert_int_equal(rte_eth_dev_start(port), 0);
			before = honest[port];
			TEST_WAIT((receive(port), honest[port] > before));
		}
	for (uint16_t port = 0; port < PORTS; port++)
		settle(port);
}

/* All mbufs have returned. */
static void
nothing_is_lost(void **state)
{
	int status;

	(void)state;
	for (uint16_t port = 0; port < PORTS; port++)
		assert_int_equal(rte_eth_dev_stop(port), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	for (uint16_t port = 0; port < PORTS; port++)
		assert_int_equal(rte_eth_dev_close(port), 0);
	shared->stop = true;
	assert_int_equal(waitpid(bad, &status, 0), bad);
	assert_int_equal(status, 0);
	rte_eal_cleanup();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(whole_messages),
		cmocka_unit_test(messages_without_end), cmocka_unit_test(nothing_is_lost)};

	test_begin(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	if (shared == MAP_FAILED)
		return 1;
	/* Before EAL starts threads. */
	bad = fork();
	if (bad == 0)
		run_bad();
	start_victim();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
