/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAIN_H
#define CHAIN_H

/**
 * @file
 * A chain of domains, each a process of its own, that pass on checked packets while members of it are killed.
 *
 *   gen --> fwd --> ... --> sink        what is killed is started again under the same name
 *
 * The parent (chain-kills.c) kills and watches; the members (chain-member.c) move packets and report in a page
 * that they share with the parent. Each packet says which life of the generator made it, its number in that
 * life, and when; the rest of it follows from these. Whoever has a packet checks it when it comes, and again
 * just before it gives it back: the generator overwrites a buffer with poison the moment it has it back, so a
 * buffer that came back too early is seen.
 *
 * With `sleeps` set nobody looks twice: a member that has nothing to do sleeps until its doorbell rings, however long that
 * takes, and a watchdog (chain-watch.h) sees that nothing waits for it meanwhile. The generator then makes packets by rounds,
 * of one to all of its buffers, and begins no round before all are back: no later packet makes up for a wake-up that was lost.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHAIN_MEMBERS_MAX 6
/* Bytes of a message of the watchdog's. */
#define CHAIN_MESSAGE 96
#define CHAIN_BUFFERS 8192u
#define CHAIN_BUFFER 512u
#define CHAIN_RING 256u
#define CHAIN_LIVES_MAX 4096u
/* Numbers of one life whose arrival is remembered. */
#define CHAIN_SEQ_MAX (1u << 23)

/** What a member reports. Writer: the member, but for pid, life, stop. Zeroed when it is started. */
struct member_report {
	pid_t pid;
	uint32_t life;
	uint32_t stop;         /**< leave, and end well */
	uint32_t quiet;        /**< all that it has, or had, of others or others of it, is back */
	uint64_t ready_ns;     /**< when it had joined and opened its links */
	uint64_t passed;       /**< packets made, passed on, or taken in */
	uint64_t newest_ns;    /**< when the newest packet that it has seen was made */
	uint64_t damaged;      /**< packets that were wrong when they came */
	uint64_t reused;       /**< packets that were wrong when they were given back */
	uint64_t twice;        /**< packets that had come before */
	uint64_t lost_buffers; /**< generator: buffers neither free nor out */
	uint64_t stranded;     /**< buffers out with domains that are gone, at the last look */
	uint64_t unreachable; /**< packets dropped: the next one cannot read their owner's memory */
	uint64_t slept;       /**< times that it went to sleep */
	uint32_t wakeup_lost; /**< 1: it slept while something waited; lost_wakeup says what */
	char lost_wakeup[CHAIN_MESSAGE];
};

struct chain {
	const char *group; /**< the same string in all members */
	uint32_t members;
	int idle_ms; /**< look again after so long when something waits for a time only */
	bool sleeps; /**< never look again but for a doorbell, or wake_fd */
	int wake_fd
		[CHAIN_MEMBERS_MAX]; /**< with sleeps: an eventfd each, for a change of stop or pause */
	uint32_t pause;              /**< 1: the generator makes no more packets */
	struct member_report member[CHAIN_MEMBERS_MAX];
	/** A bit for each packet that has arrived at the end of the chain, by life and number. */
	uint8_t arrived[CHAIN_LIVES_MAX][CHAIN_SEQ_MAX / 8];
};

/** Be member i until its report says stop. @return exit status */
int chain_member(struct chain *chain, uint32_t i);
uint64_t chain_now_ns(void);

#endif
