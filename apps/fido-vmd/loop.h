/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_LOOP_H
#define FIDO_VMD_LOOP_H

/** @file Wait for many descriptors; call a function for each that is ready. */

#include <stdint.h>
#include <sys/epoll.h>

struct source {
	int fd; /**< -1: closed */
	int loop;
	uint64_t turn; /**< in which it was opened */
	/** Called at most once a turn. It may close any source, but frees none. */
	void (*ready)(struct source *s, uint32_t events);
};

/** @return descriptor of a new loop, -errno */
int loop_create(void);
/** Watch a descriptor, which becomes the source's; on failure too it is the source's. */
int source_open(struct source *s, int loop, int fd, uint32_t events);
/** Watch for other events. */
void source_change(struct source *s, uint32_t events);
/** Call its function now, if it is open and can be read. */
void source_look(struct source *s);
/** Close the descriptor, if it is open. */
void source_close(struct source *s);
/** Wait at most so long, -1: for ever, and call what is ready. */
void loop_turn(int loop, int timeout_ms);

#endif
