/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fido-fwd: forward packets between DPDK ports. See doc/fido-fwd.md.
 *
 * Created in this order, and destroyed in reverse: options, EAL, routes, ports (probed), pools,
 * ports (started), streams, lcores.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pdump.h>
#include <rte_pmd_udp_lro.h>

#include "app.h"
#include "counter.h"
#include "output.h"
#include "wake.h"

#define EXIT_USAGE 2
/* Polling interval for links whose drivers report no change... */
#define LINK_US 10000
/* ... and by an lcore that would otherwise sleep. */
#define LINK_ASLEEP_US 100000
#define DRAIN_TICK_US 1000
/* Draining ends after QUIET_US without a packet, and after DRAIN_US at the latest. */
#define QUIET_US 20000
#define DRAIN_US 2000000
/* How long to wait for peers to return buffers. */
#define RETURN_US 500000

/* The signal that asked to stop; 0: none. */
static volatile sig_atomic_t stop_signal;

static void
on_signal(int number)
{
	stop_signal = number;
	fwd_wake_all();
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* The reader of the status lines may exit: go on forwarding. */
	signal(SIGPIPE, SIG_IGN);
}

static uint64_t
us_to_tsc(uint64_t us)
{
	return us * rte_get_tsc_hz() / US_PER_S;
}

/* Return whether every port that completes packets can cut UDP datagrams. */
static bool
all_cut_udp(const struct fwd_app *app)
{
	bool some = false;

	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		const struct fwd_port *port = &app->port[i];

		if (!port->used || !port->tx_finish)
			continue;
		if (!port->can_cut_udp)
			return false;
		some = true;
	}
	return some;
}

static int
probe_ports(struct fwd_app *app)
{
	for (unsigned int i = 0; i < app->routes.count; i++) {
		app->port[app->routes.route[i].from].source = true;
		app->port[app->routes.route[i].to].sink = true;
	}
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		struct fwd_port *port = &app->port[i];
		int ret;

		if (!port->source && !port->sink)
			continue;
		port->id = i;
		ret = fwd_port_probe(port, &app->opt);
		if (ret != 0)
			return ret;
		port->used = true;
	}
	for (unsigned int i = 0; i < app->routes.count; i++)
		fwd_port_pair(&app->port[app->routes.route[i].from],
			&app->port[app->routes.route[i].to], &app->opt);
	if (all_cut_udp(app))
		rte_pmd_udp_lro_register();
	return 0;
}

static int
start_ports(struct fwd_app *app)
{
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		struct fwd_port *port = &app->port[i];
		int ret;

		if (!port->used)
			continue;
		ret = fwd_port_start(port, &app->opt,
			&(struct fwd_port_pools){app->pools.rx, app->pools.rest});
		if (ret != 0)
			return ret;
		if (app->opt.idle != FWD_IDLE_POLL && port->source && !port->rx_intr &&
			!app->opt.quiet)
			fprintf(stderr,
				"fido-fwd: port %u (%s): has no Rx interrupts: an idle lcore "
				"naps for up to 1 ms\n",
				port->id, port->name);
	}
	return 0;
}

static void
stop_ports(struct fwd_app *app)
{
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (app->port[i].used)
			fwd_port_stop(&app->port[i]);
	}
}

/* Choose the forwarding lcores: the workers, or the main lcore if it is the only one. */
static unsigned int
choose_lcores(struct fwd_app *app)
{
	unsigned int count = 0;
	unsigned int id;

	RTE_LCORE_FOREACH_WORKER(id)
	{
		if (count < app->nb_streams)
			app->lcore[count++].id = id;
	}
	if (count == 0)
		app->lcore[count++].id = rte_get_main_lcore();
	return count;
}

static int
assign_lcores(struct fwd_app *app)
{
	unsigned int *lcore_of = calloc(app->nb_streams, sizeof(*lcore_of));
	struct fwd_stream **next;
	unsigned int wanted;

	app->stream_list = calloc(app->nb_streams, sizeof(*app->stream_list));
	if (lcore_of == NULL || app->stream_list == NULL) {
		fprintf(stderr, "fido-fwd: no memory for %u streams\n", app->nb_streams);
		free(lcore_of);
		return -ENOMEM;
	}
	wanted = choose_lcores(app);
	fwd_streams_spread(app->streams, app->nb_streams, wanted, lcore_of);
	next = app->stream_list;
	for (unsigned int l = 0; l < wanted; l++) {
		struct fwd_lcore *lcore = &app->lcore[l];

		lcore->streams = next;
		lcore->ports = app->port;
		lcore->phase = &app->phase;
		for (unsigned int i = 0; i < app->nb_streams; i++) {
			if (lcore_of[i] == l)
				*next++ = &app->streams[i];
		}
		lcore->nb_streams = next - lcore->streams;
		/* Streams that share a Tx queue share an lcore: the last lcores may get none. */
		if (lcore->nb_streams == 0)
			break;
		fwd_lcore_prepare(lcore, &app->opt);
		app->nb_lcores++;
	}
	free(lcore_of);
	return 0;
}

static void
print_streams(const struct fwd_app *app)
{
	for (unsigned int l = 0; l < app->nb_lcores; l++) {
		const struct fwd_lcore *lcore = &app->lcore[l];

		for (unsigned int i = 0; i < lcore->nb_streams; i++) {
			const struct fwd_stream *s = lcore->streams[i];

			fprintf(stderr, "fido-fwd: lcore %u: %s:%u -> %s:%u%s\n", lcore->id,
				app->port[s->rx_port].name, s->rx_queue, app->port[s->tx_port].name,
				s->tx_queue, s->sink->multi_segs ? "" : " (one segment a packet)");
		}
	}
}

static void
refresh_links(struct fwd_app *app, uint64_t now)
{
	if (now < app->link_tsc)
		return;
	app->link_tsc = now + us_to_tsc(LINK_US);
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (app->port[i].used && !app->port[i].live)
			fwd_port_refresh_link(&app->port[i]);
	}
}

static void
begin_drain(struct fwd_app *app)
{
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (app->port[i].used)
			fwd_port_quiesce(&app->port[i]);
	}
	app->drain_tsc = rte_rdtsc();
	atomic_store_explicit(&app->phase, FWD_DRAIN, memory_order_release);
	/* An lcore that wakes sees the phase, and no longer sleeps. */
	fwd_wake_all();
}

/* Return whether all lcores drain, hold no packet, and made no progress for QUIET_US. */
static bool
is_quiet(const struct fwd_app *app)
{
	uint64_t last = app->drain_tsc;
	uint64_t step;

	for (unsigned int i = 0; i < app->nb_lcores; i++) {
		const struct fwd_lcore *lcore = &app->lcore[i];

		if (atomic_load_explicit(&lcore->phase_seen, memory_order_acquire) != FWD_DRAIN ||
			atomic_load_explicit(&lcore->pending, memory_order_relaxed))
			return false;
		step = fwd_read(&lcore->published_step);
		last = RTE_MAX(last, step);
	}
	/* No subtraction: the other core's TSC may be slightly ahead of ours. */
	return rte_rdtsc() >= last + us_to_tsc(QUIET_US);
}

/* Return whether some port reports no link change, so that its link must be polled. */
static bool
has_silent_link(const struct fwd_app *app)
{
	for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
		if (app->port[i].used && !app->port[i].live)
			return true;
	}
	return false;
}

/* Return when service() must run next, in TSC cycles; UINT64_MAX: never. */
static uint64_t
next_service(const struct fwd_app *app, uint64_t now, uint64_t link_us)
{
	uint64_t due = UINT64_MAX;

	if (app->status.next_tsc != 0)
		due = app->status.next_tsc;
	if (app->opt.duration > 0)
		due = RTE_MIN(due,
			app->start_tsc + (uint64_t)(app->opt.duration * rte_get_tsc_hz()));
	if (has_silent_link(app))
		due = RTE_MIN(due, now + us_to_tsc(link_us));
	return due;
}

/*
 * Advance the phase, refresh the links, print the status. Main thread; return when to call it next.
 */
static uint64_t
service(void *arg)
{
	struct fwd_app *app = arg;
	uint64_t now = rte_rdtsc();

	switch (atomic_load_explicit(&app->phase, memory_order_relaxed)) {
	case FWD_RUN:
		refresh_links(app, now);
		if (stop_signal != 0 ||
			(app->opt.duration > 0 &&
				now - app->start_tsc >= app->opt.duration * rte_get_tsc_hz()))
			begin_drain(app);
		break;
	case FWD_DRAIN:
		if (is_quiet(app) || now - app->drain_tsc >= us_to_tsc(DRAIN_US))
			atomic_store_explicit(&app->phase, FWD_QUIT, memory_order_release);
		break;
	}
	fwd_status_tick(app);
	return next_service(app, now, LINK_ASLEEP_US);
}

/* Sleep until service() must run. For a main lcore that does not forward. */
static void
sleep_until_service(const struct fwd_app *app)
{
	struct pollfd wake = {.fd = fwd_wake_fd(), .events = POLLIN};
	uint64_t now = rte_rdtsc();
	uint64_t due = next_service(app, now, LINK_US);
	uint64_t ms;

	/* The wake descriptor stays readable: poll() would not sleep. */
	if (atomic_load_explicit(&app->phase, memory_order_relaxed) != FWD_RUN) {
		rte_delay_us_sleep(DRAIN_TICK_US);
		return;
	}
	ms = (due - RTE_MIN(due, now)) / (rte_get_tsc_hz() / MS_PER_S) + 1;
	poll(&wake, 1, due == UINT64_MAX ? -1 : (int)RTE_MIN(ms, (uint64_t)INT32_MAX));
}

/* Forward on all lcores until the phase is QUIT. */
static int
forward(struct fwd_app *app)
{
	int ret = 0;

	app->start_tsc = rte_rdtsc();
	fwd_status_start(app);
	if (app->lcore[0].id == rte_get_main_lcore()) {
		app->lcore[0].service = service;
		app->lcore[0].service_arg = app;
		return fwd_lcore_run(&app->lcore[0]);
	}
	for (unsigned int i = 0; i < app->nb_lcores && ret == 0; i++)
		ret = rte_eal_remote_launch(fwd_lcore_run, &app->lcore[i], app->lcore[i].id);
	if (ret != 0) {
		fprintf(stderr, "fido-fwd: cannot start the lcores: %s\n", strerror(-ret));
		atomic_store(&app->phase, FWD_QUIT);
		fwd_wake_all();
	}
	while (atomic_load_explicit(&app->phase, memory_order_relaxed) != FWD_QUIT) {
		sleep_until_service(app);
		service(app);
	}
	rte_eal_mp_wait_lcore();
	return ret;
}

/* Wait until peers have returned all buffers, for RETURN_US at most. */
static void
wait_for_returns(struct fwd_app *app)
{
	uint64_t end = rte_rdtsc() + us_to_tsc(RETURN_US);
	uint64_t out;

	do {
		out = 0;
		for (unsigned int i = 0; i < RTE_MAX_ETHPORTS; i++) {
			const struct fwd_port *port = &app->port[i];

			if (!port->used || !port->has_counter[FWD_TX_BUFFERS_OUT])
				continue;
			for (uint16_t q = 0; q < port->nb_txq; q++)
				fwd_port_reap(port, q);
			out += fwd_port_counter(port, FWD_TX_BUFFERS_OUT);
		}
		if (out > 0)
			rte_delay_us_sleep(100);
	} while (out > 0 && rte_rdtsc() < end);
}

static int
run(struct fwd_app *app)
{
	int ret;

	ret = fwd_routes_find(&app->routes, &app->opt);
	if (ret != 0)
		return ret;
	ret = probe_ports(app);
	if (ret != 0)
		goto err_close_ports;
	ret = fwd_pools_create(&app->pools, &app->opt, app->port,
		fwd_streams_count(&app->routes, app->port));
	if (ret != 0)
		goto err_close_ports;
	ret = start_ports(app);
	if (ret != 0)
		goto err_close_ports;
	app->streams = fwd_streams_create(&app->routes, &app->opt, app->port, &app->pools,
		&app->nb_streams);
	ret = app->streams == NULL ? -ENOMEM : assign_lcores(app);
	if (ret != 0)
		goto err_free_streams;
	if (!app->opt.quiet)
		print_streams(app);
	ret = forward(app);
	wait_for_returns(app);
	fwd_status_summary(app);
err_free_streams:
	free(app->stream_list);
	rte_free(app->streams);
err_close_ports:
	stop_ports(app);
	fwd_pools_destroy(&app->pools);
	return ret;
}

/*
 * Let dpdk-dumpcap and dpdk-pdump capture from the ports. It costs nothing until one does. A
 * failure disables captures only.
 */
static void
allow_capture(const struct fwd_options *opt)
{
	if (rte_pdump_init() != 0 && !opt->quiet)
		fprintf(stderr, "fido-fwd: cannot enable packet capture: %s\n",
			rte_strerror(rte_errno));
}

static void
print_usage_after_eal(const char *prgname __rte_unused)
{
	fwd_options_usage(stdout);
}

int
main(int argc, char **argv)
{
	static struct fwd_app app;
	int ret, written;

	app_output_begin("fido-fwd");
	if (fwd_options_parse(&app.opt, argc, argv) != 0)
		return EXIT_USAGE;
	if (app.opt.help) {
		fwd_options_usage(stdout);
		return app_output_end() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	rte_set_application_usage_hook(print_usage_after_eal);
	ret = rte_eal_init(argc, argv);
	if (ret < 0) {
		fprintf(stderr,
			"fido-fwd: EAL could not start: %s: see its messages above; EAL "
			"options go before --, fido-fwd options after it\n",
			rte_strerror(rte_errno));
		return EXIT_FAILURE;
	}
	ret = fwd_wake_create();
	if (ret == 0) {
		catch_signals();
		allow_capture(&app.opt);
		ret = run(&app);
		rte_pdump_uninit();
		fwd_wake_destroy();
	} else {
		fprintf(stderr, "fido-fwd: cannot create an eventfd: %s: raise ulimit -n\n",
			strerror(-ret));
	}
	rte_eal_cleanup();
	written = app_output_end();
	/* A reader of the status that exits is no failure: all packets have been forwarded. */
	return ret == 0 && (written == 0 || written == -EPIPE) ? EXIT_SUCCESS : EXIT_FAILURE;
}
