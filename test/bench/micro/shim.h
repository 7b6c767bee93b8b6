/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BENCH_SHIM_H
#define FIDO_BENCH_SHIM_H

/**
 * @file
 * Google Benchmark for C. A benchmark is a function that measures the turns of a loop:
 *
 *   while (bench_next(b, TURNS))
 *           ... TURNS turns ...
 *   bench_items(b, items of a turn);
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;
typedef void (*bench_fn)(struct bench *b);

/** Turns between two looks at the clock's state: a call through here costs a few ns. */
#define BENCH_TURNS 64u

/**
 * Register a function to run as "name/arg". @param manual the function reports each turn's time
 * itself (bench_took)
 */
void bench_register(const char *name, bench_fn fn, int64_t arg, bool manual);
/** Begin the next `turns` turns. @return false: stop */
bool bench_next(struct bench *b, uint64_t turns);
/** @return the argument given at registration */
int64_t bench_arg(const struct bench *b);
/** Report how many items a turn was, at the end. */
void bench_items(struct bench *b, double each_turn);
/** Report another figure, per second. */
void bench_rate(struct bench *b, const char *name, double each_turn);
/** Report the time of the last turn of a `manual` benchmark. */
void bench_took(struct bench *b, double seconds);
/** Give up: it cannot be measured here. bench_next() returns false from now on. */
void bench_skip(struct bench *b, const char *why);
/** Run what the command line selects. @return exit status */
int bench_run(int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
