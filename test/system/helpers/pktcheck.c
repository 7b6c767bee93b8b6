/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pktcheck: send packets whose every byte is known, and check what arrives: content, losses,
 * duplicates, order, and that every buffer comes back. It uses only DPDK's public interface.
 *
 * At the end it prints one line of JSON. Exit status: 0 when all requested packets were sent and
 * received, every byte was right and every buffer came back; else 1.
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <rte_pdump.h>

#include "pktcheck.h"
#include "rte_pmd_mmnet.h"

/* Sleep after this many empty rounds: there are more domains than cores. */
#define EMPTY_ROUNDS 50
#define SLEEP_US 30
/* Time for buffers to come back, and stray packets to arrive, at the end. */
#define RETURN_US 5000000u
#define LINGER_US 100000u

volatile int stop_signal;

static void
on_signal(int number)
{
	stop_signal = number;
}

uint64_t
random_next(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 11;
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

void
reap(const struct app *app)
{
	for (uint16_t port = 0; port < app->nports; port++)
		for (uint16_t q = 0; q < app->txq; q++)
			rte_eth_tx_done_cleanup(port, q, 0);
}

static struct rte_mempool *
pool_create_extbuf(const char *name, unsigned int n, unsigned int cache, uint16_t size)
{
	struct rte_pktmbuf_extmem mem = {
		.buf_iova = RTE_BAD_IOVA,
		.elt_size = size,
		.buf_len = (size_t)n * size,
	};

	mem.buf_ptr = rte_malloc(name, mem.buf_len, RTE_CACHE_LINE_SIZE);
	if (mem.buf_ptr == NULL)
		return NULL;
	return rte_pktmbuf_pool_create_extbuf(name, n, cache, 0, size, SOCKET_ID_ANY, &mem, 1);
}

struct rte_mempool *
pool_create(enum pool kind, const char *name, unsigned int n, uint32_t room)
{
	uint16_t size = (uint16_t)RTE_MIN(room + RTE_PKTMBUF_HEADROOM, (uint32_t)UINT16_MAX);
	unsigned int cache = RTE_MIN(n / 8, 256u);
	struct rte_mempool *pool;

	if (kind == POOL_ARENA)
		pool = rte_pmd_mmnet_pool_create(name, n, cache, 0, size);
	else if (kind == POOL_EXTBUF)
		pool = pool_create_extbuf(name, n, cache, size);
	else
		pool = rte_pktmbuf_pool_create(name, n, cache, 0, size, SOCKET_ID_ANY);
	if (pool == NULL)
		fprintf(stderr, "pktcheck: no memory for %u mbufs of %u bytes: %s\n", n, size,
			rte_strerror(rte_errno));
	return pool;
}

/* ---- ports ---- */

int
port_setup(struct app *app, uint16_t port)
{
	const struct options *opt = &app->opt;
	struct rte_eth_conf conf = {.rxmode = {.mtu = PACKET_MAX - RTE_ETHER_HDR_LEN}};
	struct rte_eth_dev_info info;
	int ret = rte_eth_dev_info_get(port, &info);

	if (ret != 0)
		return ret;
	conf.rxmode.mtu = RTE_MIN(conf.rxmode.mtu, (uint32_t)info.max_mtu);
	conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS & info.tx_offload_capa;
	conf.rxmode.offloads = opt->scatter ? RTE_ETH_RX_OFFLOAD_SCATTER : 0;
	if (opt->csum) {
		conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
		conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	}
	conf.rxmode.offloads |= opt->times ? RTE_ETH_RX_OFFLOAD_TIMESTAMP : 0;
	ret = rte_eth_dev_configure(port, app->rxq, app->txq, &conf);
	for (uint16_t q = 0; q < app->rxq && ret == 0; q++)
		ret = rte_eth_rx_queue_setup(port, q, opt->rxd, SOCKET_ID_ANY, NULL, app->rx_pool);
	for (uint16_t q = 0; q < app->txq && ret == 0; q++)
		ret = rte_eth_tx_queue_setup(port, q, opt->txd, SOCKET_ID_ANY, NULL);
	return ret != 0 ? ret : rte_eth_dev_start(port);
}

static int
setup(struct app *app)
{
	const struct options *opt = &app->opt;
	/* With scattered Rx into small buffers; otherwise a buffer holds the largest packet. */
	uint32_t room = opt->scatter ? 2048 : RTE_MAX(opt->size_max, 2048u);
	uint32_t mbufs = room > 16384 ? 1024 : opt->scatter ? 16384 : 8192;
	int ret = 0;

	app->nports = (uint16_t)RTE_MIN(rte_eth_dev_count_avail(), PORTS_MAX);
	app->rxq = opt->rxq;
	app->txq = opt->txq;
	if (opt->pdump && rte_pdump_init() != 0) {
		fprintf(stderr, "pktcheck: no packet capture: %s\n", rte_strerror(rte_errno));
		return -rte_errno;
	}
	if (app->nports == 0) {
		fprintf(stderr, "pktcheck: there are no ports: give a --vdev\n");
		return -ENODEV;
	}
	if (opt->mode != MODE_GEN && opt->mbufs != 0)
		mbufs = opt->mbufs;
	app->rx_pool = pool_create(opt->pool, "rx", mbufs, room);
	if (app->rx_pool == NULL)
		return -ENOMEM;
	if (opt->mode == MODE_GEN)
		ret = gen_init(app);
	if (ret == 0)
		ret = receive_init(app);
	for (uint16_t port = 0; port < app->nports && ret == 0; port++)
		ret = port_setup(app, port);
	if (ret == 0)
		ret = times_init(app);
	if (ret != 0)
		fprintf(stderr, "pktcheck: cannot set up: %s\n", strerror(-ret));
	return ret;
}

bool
links_up(struct app *app)
{
	bool up = true;

	for (uint16_t port = 0; port < app->nports; port++) {
		struct rte_eth_link link;

		app->link[port] = rte_eth_link_get_nowait(port, &link) == 0 &&
			link.link_status == RTE_ETH_LINK_UP;
		up = up && app->link[port];
	}
	return up;
}

static bool
may_begin(struct app *app)
{
	return (app->opt.no_link_wait || links_up(app)) &&
		(app->opt.go == NULL || access(app->opt.go, F_OK) == 0);
}

/* ---- the run ---- */

static bool
is_done(const struct app *app)
{
	const struct options *opt = &app->opt;

	if (opt->mode == MODE_GEN)
		return gen_done(app) && (opt->back != BACK_YES || app->rx_own >= opt->count);
	return opt->expect != 0 && app->rx_packets >= opt->expect && !receive_pending();
}

static unsigned int
step(struct app *app)
{
	unsigned int n = 0;

	app->now_us = now_us();
	if (app->opt.mode == MODE_GEN)
		n = gen_step(app);
	if (app->opt.mode != MODE_GEN || app->opt.back != BACK_NO)
		n += receive_step(app);
	halt_step(app);
	reset_step(app);
	if (n == 0)
		monitor_step(app);
	return n;
}

static void
pause_if_idle(struct app *app, unsigned int n)
{
	static unsigned int empty;

	if (n != 0)
		empty = 0;
	else if (++empty > EMPTY_ROUNDS && !app->opt.spin)
		rte_delay_us_sleep(SLEEP_US);
}

/* @return false: it did not finish in time */
static bool
run(struct app *app)
{
	uint64_t start = now_us();
	uint64_t give_up =
		app->opt.timeout > 0 ? start + (uint64_t)(app->opt.timeout * 1e6) : UINT64_MAX;
	uint64_t end =
		app->opt.duration > 0 ? start + (uint64_t)(app->opt.duration * 1e6) : UINT64_MAX;

	/* A generator begins when its peers are there. */
	while (app->opt.mode == MODE_GEN && !may_begin(app) && stop_signal == 0) {
		if (now_us() > give_up) {
			fprintf(stderr, "pktcheck: the link did not come up\n");
			return false;
		}
		rte_delay_us_sleep(1000);
	}
	start = now_us();
	while (stop_signal == 0 && !is_done(app)) {
		pause_if_idle(app, step(app));
		app->seconds = (double)(app->now_us - start) / 1e6;
		if (app->now_us > end)
			return true;
		if (app->now_us > give_up) {
			fprintf(stderr, "pktcheck: not done in time: sent %lu, received %lu\n",
				(unsigned long)app->tx_packets, (unsigned long)app->rx_packets);
			return false;
		}
	}
	return true;
}

/* Send no more, wait until all is back, receive what still comes. @return true: all came back */
static bool
finish(struct app *app)
{
	/* If it is stopped while its peer still sends, the stream has no end to wait for. */
	bool listen = app->opt.mode == MODE_GEN || stop_signal == 0;
	uint64_t start = now_us();
	uint64_t quiet = start;
	bool settled = false;

	app->stopping = true;
	receive_settle(app);
	app->worker_stop = true;
	rte_eal_mp_wait_lcore();
	while (now_us() - start < RETURN_US) {
		if (listen && step(app) != 0) {
			quiet = now_us();
			receive_settle(app);
		}
		reap(app);
		settled = buffers_out(app) == 0 && (app->opt.mode != MODE_GEN || gen_settle(app));
		if (settled && (!listen || now_us() - quiet > LINGER_US))
			return true;
		pause_if_idle(app, 0);
	}
	receive_settle(app);
	if (!settled)
		fprintf(stderr, "pktcheck: %lu buffers did not come back\n",
			(unsigned long)buffers_out(app));
	return settled;
}

static void
on_memory(enum rte_mem_event event, const void *addr, size_t len, void *arg)
{
	struct app *app = arg;

	(void)addr;
	(void)len;
	if (event == RTE_MEM_EVENT_ALLOC)
		app->pages_added++;
	else
		app->pages_freed++;
}

static unsigned int
in_use(const struct rte_mempool *pool)
{
	return pool != NULL ? rte_mempool_in_use_count(pool) : 0;
}

static int
run_and_report(struct app *app)
{
	unsigned int missing;
	bool ok;

	if (app->opt.mode == MODE_CLONE)
		rte_eal_mp_remote_launch(receive_worker, app, SKIP_MAIN);
	fprintf(stderr, "pktcheck: started\n");
	rte_mem_event_callback_register("pktcheck", on_memory, app); /* fails with --legacy-mem */
	ok = run(app);
	links_up(app);
	ok = finish(app) && ok;
	rte_mem_event_callback_unregister("pktcheck", app);
	for (uint16_t port = 0; port < app->nports; port++)
		rte_eth_dev_stop(port);
	missing = in_use(app->rx_pool) + in_use(app->tx_pool) + in_use(app->clone_pool);
	report(app, missing);
	if (app->opt.expect != 0 && app->rx_packets < app->opt.expect)
		ok = false;
	for (uint16_t port = 0; port < app->nports; port++)
		rte_eth_dev_close(port);
	if (app->opt.pdump)
		rte_pdump_uninit();
	return ok && app->corrupt == 0 && app->flows.unknown == 0 && missing == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static struct app app;
	struct sigaction action = {.sa_handler = on_signal};
	int ret = rte_eal_init(argc, argv);

	if (ret < 0) {
		fprintf(stderr, "pktcheck: EAL could not start: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	if (options_parse(&app.opt, argc - ret, argv + ret) != 0)
		return 2;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = setup(&app) == 0 ? run_and_report(&app) : 1;
	rte_eal_cleanup();
	return ret;
}
