/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_ROWS_H
#define CTL_ROWS_H

/** @file Rows of output: ends of links, and queues with their rates; selected and sorted. */

#include <stdbool.h>
#include <stddef.h>

#include "snapshot.h"

/** Sort keys of queues. */
enum ctl_sort {
	CTL_SORT_PACKETS,   /**< packets a second */
	CTL_SORT_BITS,      /**< bits a second */
	CTL_SORT_COPIED,    /**< copied packets a second */
	CTL_SORT_KEPT,      /**< buffers out or held */
	CTL_SORT_DOORBELLS, /**< doorbells a second */
	CTL_SORT_TOTAL,     /**< packets since the link was created */
	CTL_SORT_NAME,      /**< domain, link, direction, number */
};
#define CTL_SORTS 7

/** One end of a link, or one queue of it. Points into the snapshots it was made from. */
struct ctl_row {
	const struct ctl_domain *domain;
	const struct ctl_link *link;
	const struct ctl_queue *queue; /**< NULL: an end of a link */
	bool rated;                    /**< per_second is known */
	double per_second[CTL_COUNTERS];
};

struct ctl_rows {
	struct ctl_row *row;
	size_t count;
};

/**
 * List the ends of all links, the two ends of a link next to each other.
 * @param only list only links of this domain; NULL: all
 * @return 0, -ENOMEM
 */
int ctl_rows_of_links(struct ctl_rows *out, const struct ctl_snapshot *s, const char *only);
/**
 * List all queues, by domain, link and direction.
 * @param before an earlier snapshot, for rates of the queues that are in both; NULL: no rates
 * @param only list only queues of this domain; NULL: all
 * @return 0, -ENOMEM
 */
int ctl_rows_of_queues(struct ctl_rows *out, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now, const char *only);
/** Sort queues: the greatest first, but names in ascending order. reverse: the opposite. */
void ctl_rows_sort(struct ctl_rows *rows, enum ctl_sort sort, bool reverse);
/** @return the name of a sort key: one word. No two begin with the same letter. */
const char *ctl_sort_name(enum ctl_sort sort);
void ctl_rows_free(struct ctl_rows *rows);

#endif
