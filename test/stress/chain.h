/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CHAIN_H
#define CHAIN_H

/**
 * @file
 * A chain of domains, each in its own process, that forward checked packets while members of it are
 * killed.
 *
 *   gen --> fwd --> ... --> sink        a killed member is restarted under the same name
 *
 * The parent (chain-kills.c) kills and watches; the members (chain-member.c) move packets and
 * report in a page that they share with the parent. Each packet holds the life of the generator
 * that made it, its number in that life, and the time; the rest of it follows from these. A member
 * checks each packet when it arrives and again just before returning it: the generator overwrites a
 * buffer with poison as soon as it is back, which exposes a buffer that came back too early.
 *
 * With `sleeps` set no member looks twice: an idle member sleeps until its doorbell rings, however
 * long that takes, while a watchdog (chain-watch.h) checks that nothing waits for it. The generator
 * then makes packets in rounds of one to all of its buffers, and starts no round before all are
 * back: no later packet makes up for a lost wake-up.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHAIN_MEMBERS_MAX 6
/* Bytes of a watchdog message. */
#define CHAIN_MESSAGE 96
#define CHAIN_BUFFERS 8192u
#define CHAIN_BUFFER 512u
#define CHAIN_RING 256u
#define CHAIN_LIVES_MAX 4096u
/* Numbers of one life whose arrival is recorded. */
#define CHAIN_SEQ_MAX (1u << 23)

/**
 * What a member reports. Writer: the member, except for pid, life and stop. Zeroed at its start.
 */
struct member_report {
	pid_t pid;
	uint32_t life;
	uint32_t stop;         /**< leave, and exit with status 0 */
	uint32_t quiet;        /**< all buffers that it has out or holds are back */
	uint64_t ready_ns;     /**< when it had joined and opened its links */
	uint64_t passed;       /**< packets made, passed on, or received */
	uint64_t newest_ns;    /**< when the newest packet that it has seen was made */
	uint64_t damaged;      /**< packets that were wrong when they arrived */
	uint64_t reused;       /**< packets that were wrong when they were returned */
	uint64_t twice;        /**< packets that had arrived before */
	uint64_t lost_buffers; /**< generator: buffers neither free nor out */
	uint64_t stranded;     /**< buffers out with dead domains, at the last look */
	uint64_t unreachable;  /**< packets dropped: the next member cannot read their memory */
	uint64_t slept;        /**< times that it went to sleep */
	uint32_t wakeup_lost;  /**< 1: it slept while something waited; lost_wakeup says what */
	char lost_wakeup[CHAIN_MESSAGE];
};

struct chain {
	const char *group; /**< the same string in all members */
	uint32_t members;
	int idle_ms; /**< look again after this time when something waits for a time only */
	bool sleeps; /**< look again only on a doorbell, or wake_fd */
	int wake_fd[CHAIN_MEMBERS_MAX]; /**< with sleeps: eventfds for changes of stop or pause */
	uint32_t pause;                 /**< 1: the generator makes no more packets */
	struct member_report member[CHAIN_MEMBERS_MAX];
	/** A bit for each packet that has reached the end of the chain, by life and number. */
	uint8_t arrived[CHAIN_LIVES_MAX][CHAIN_SEQ_MAX / 8];
};

/** Act as member i until its report says stop. @return exit status */
int chain_member(struct chain *chain, uint32_t i);
uint64_t chain_now_ns(void);

#endif
