/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fido/atomic.h>

#include "state.h"

#define MAGIC UINT64_C(0x3153424f44494650) /* "PFIDOBS1" */
#define HEADER_SIZE 4096u

/* The file's beginning, in the machine's own order of bytes: it does not travel. */
struct state_header {
	uint64_t magic; /* written last: without it nothing was submitted yet */
	struct perf_state_config config;
	uint64_t history;
};

static_assert(sizeof(struct perf_state_block) == 32, "it is a file's layout");

static int
complain(const char *path, int err, const char *advice)
{
	/* What is our own finding is said by the advice. */
	bool own = err == -ESTALE || err == -EINVAL;

	fprintf(stderr, "fido-blk-perf: state file %s: %s%s%s\n", path, own ? "" : strerror(-err),
		own ? "" : ": ", advice);
	return err;
}

static int
open_file(struct perf_state *state, const char *path)
{
	if (path == NULL) {
		state->fd = memfd_create("fido-blk-perf-state", MFD_CLOEXEC);
		return state->fd < 0 ? complain("(in memory)", -errno, "is there memory?") : 0;
	}
	state->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (state->fd < 0)
		return complain(path, -errno, "give --state a file that can be written");
	if (flock(state->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	complain(path, -errno,
		"another fido-blk-perf uses it: end that, or give --state another file");
	close(state->fd);
	return -EBUSY;
}

/* Map the file; a new one gets its size and its header here. */
static int
map_file(struct perf_state *state, const char *path)
{
	const char *name = path != NULL ? path : "(in memory)";
	struct state_header *header;
	struct stat st;

	if (fstat(state->fd, &st) != 0)
		return complain(name, -errno, "it cannot be looked at");
	if (st.st_size != 0 && (uint64_t)st.st_size != state->map_size)
		return complain(name, -ESTALE,
			"it was made for another range or size of blocks: give the same, or remove it to begin anew");
	if (st.st_size == 0 && ftruncate(state->fd, (off_t)state->map_size) != 0)
		return complain(name, -errno, "is there space?");
	state->map = mmap(NULL, state->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, state->fd, 0);
	if (state->map == MAP_FAILED)
		return complain(name, -errno, "it cannot be mapped");
	state->blocks = (struct perf_state_block *)((char *)state->map + HEADER_SIZE);
	header = state->map;
	if (header->magic != 0) {
		state->history = header->history;
		return 0;
	}
	if (getrandom(&state->history, sizeof(state->history), 0) != sizeof(state->history))
		return complain(name, -errno, "there are no random numbers");
	*header = (struct state_header){.config = state->config, .history = state->history};
	fido_store_release(&header->magic, MAGIC);
	return 0;
}

static int
check_header(const struct perf_state *state, const char *path)
{
	const struct state_header *header = state->map;
	const struct perf_state_config *h = &header->config, *c = &state->config;

	if (header->magic != MAGIC)
		return complain(path, -EINVAL,
			"it is no state file of fido-blk-perf: give --state another one");
	if (h->volume != c->volume || h->volume_size != c->volume_size)
		return complain(path, -ESTALE,
			"it was made for another volume: give --state another file, or remove it to begin anew");
	if (h->offset != c->offset || h->length != c->length || h->block_size != c->block_size)
		return complain(path, -ESTALE,
			"it was made for another --range or --verify-block: give the same, or remove it to begin anew");
	if (h->identity != c->identity) {
		fprintf(stderr,
			"fido-blk-perf: state file %s: the volume's contents were %016" PRIx64
			" then and are %016" PRIx64
			" now: they have been lost or replaced (a mem: volume has new ones at each start"
			" of fido-blkd): remove the file to begin anew\n",
			path, h->identity, c->identity);
		return -ESTALE;
	}
	return 0;
}

int
perf_state_open(struct perf_state *state, const char *path, const struct perf_state_config *config)
{
	int ret;

	*state = (struct perf_state){.config = *config, .map = MAP_FAILED};
	state->count = config->length / config->block_size;
	state->map_size = HEADER_SIZE + state->count * sizeof(state->blocks[0]);
	ret = open_file(state, path);
	if (ret != 0)
		return ret;
	ret = map_file(state, path);
	if (ret == 0 && path != NULL)
		ret = check_header(state, path);
	if (ret != 0) {
		perf_state_close(state);
		return ret;
	}
	return 0;
}

void
perf_state_close(struct perf_state *state)
{
	if (state->map != MAP_FAILED)
		munmap(state->map, state->map_size);
	close(state->fd);
	state->map = MAP_FAILED;
	state->blocks = NULL;
}

uint64_t
perf_state_submit(struct perf_state *state, uint64_t i, bool zeros)
{
	struct perf_state_block *b = &state->blocks[i];
	uint64_t version = b->submitted + 1;

	/*
	 * The compiler and the processor (which keeps the order of stores for whoever looks at the
	 * file later: the kernel has seen all of them when the process is gone) may not move these
	 * behind the submission: release.
	 */
	if (zeros)
		fido_store_release(&b->zeroed, version);
	fido_store_release(&b->submitted, version);
	return version;
}

void
perf_state_acknowledge(struct perf_state *state, uint64_t i, uint64_t version)
{
	fido_store_release(&state->blocks[i].acknowledged, version);
}

void
perf_state_flush(struct perf_state *state, uint64_t i, uint64_t version)
{
	uint64_t *flushed = &state->blocks[i].flushed;
	uint64_t was = fido_load_relaxed(flushed);

	/* Two flushes may end at the same time on two threads: the later version stays. */
	while (was < version &&
		!__atomic_compare_exchange_n(flushed, &was, version, true, __ATOMIC_RELEASE,
			__ATOMIC_RELAXED))
		;
}

uint64_t *
perf_state_flush_begin(const struct perf_state *state)
{
	uint64_t *covered = malloc(state->count * sizeof(covered[0]));

	/* What is loaded here was acknowledged before the flush is submitted: acquire. */
	for (uint64_t i = 0; covered != NULL && i < state->count; i++)
		covered[i] = fido_load_acquire(&state->blocks[i].acknowledged);
	return covered;
}

void
perf_state_flush_end(struct perf_state *state, uint64_t *covered, bool done)
{
	for (uint64_t i = 0; covered != NULL && done && i < state->count; i++)
		perf_state_flush(state, i, covered[i]);
	free(covered);
}

bool
perf_state_is_written(const struct perf_state *state, uint64_t i)
{
	return state->blocks[i].submitted != 0;
}

/* Which contents are right; the header says why. */
static enum perf_state_verdict
judge(const struct perf_state_block *b, uint64_t oldest, enum perf_block_kind kind,
	uint64_t version)
{
	if (kind == PERF_BLOCK_TORN)
		return PERF_STATE_WRONG;
	if (oldest == 0)
		return PERF_STATE_RIGHT;
	if (kind == PERF_BLOCK_ZEROS)
		return b->zeroed >= oldest ? PERF_STATE_RIGHT : PERF_STATE_LOST;
	if (kind != PERF_BLOCK_GOOD)
		return PERF_STATE_WRONG;
	if (version < oldest)
		return PERF_STATE_LOST;
	return version <= b->submitted ? PERF_STATE_RIGHT : PERF_STATE_FUTURE;
}

enum perf_state_verdict
perf_state_judge(struct perf_state *state, uint64_t i, enum perf_block_kind kind, uint64_t version,
	bool power_lost)
{
	struct perf_state_block *b = &state->blocks[i];
	uint64_t oldest = power_lost ? fido_load_relaxed(&b->flushed) : b->acknowledged;
	enum perf_state_verdict verdict = judge(b, oldest, kind, version);

	if (verdict != PERF_STATE_RIGHT)
		return verdict;
	if (kind != PERF_BLOCK_GOOD || version > b->submitted)
		version = 0; /* zeros, or what was there before */
	if (version > b->acknowledged)
		perf_state_acknowledge(state, i, version);
	else if (power_lost)
		/* A step back, to what is there now; zeros do not say which version they are. */
		perf_state_acknowledge(state, i, version > oldest ? version : oldest);
	return verdict;
}
