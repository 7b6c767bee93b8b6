// SPDX-License-Identifier: BSD-3-Clause
// The only file that is not C: see shim.h.
#include <benchmark/benchmark.h>

#include "shim.h"

static benchmark::State *
state_of(const struct bench *b)
{
	return reinterpret_cast<benchmark::State *>(const_cast<struct bench *>(b));
}

void
bench_register(const char *name, bench_fn fn, int64_t arg, bool manual)
{
	auto *made = benchmark::RegisterBenchmark(name, [fn](benchmark::State &state) {
		fn(reinterpret_cast<struct bench *>(&state));
	});

	made->Arg(arg);
	if (manual)
		made->UseManualTime();
	else
		made->UseRealTime();
}

bool
bench_next(struct bench *b, uint64_t turns)
{
	return state_of(b)->KeepRunningBatch(static_cast<benchmark::IterationCount>(turns));
}

int64_t
bench_arg(const struct bench *b)
{
	return state_of(b)->range(0);
}

void
bench_items(struct bench *b, double each_turn)
{
	bench_rate(b, "items_per_second", each_turn);
}

void
bench_rate(struct bench *b, const char *name, double each_turn)
{
	state_of(b)->counters[name] =
		benchmark::Counter(each_turn, benchmark::Counter::kIsIterationInvariantRate);
}

void
bench_took(struct bench *b, double seconds)
{
	state_of(b)->SetIterationTime(seconds);
}

void
bench_skip(struct bench *b, const char *why)
{
	state_of(b)->SkipWithError(why);
}

int
bench_run(int argc, char **argv)
{
	benchmark::Initialize(&argc, argv);
	if (benchmark::ReportUnrecognizedArguments(argc, argv))
		return 2;
	return benchmark::RunSpecifiedBenchmarks() == 0 ? 1 : 0;
}
