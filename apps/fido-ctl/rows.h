/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CTL_ROWS_H
#define CTL_ROWS_H

/** @file What is listed, a line each: ends of links, queues with their rates; chosen and sorted. */

#include <stdbool.h>
#include <stddef.h>

#include "snapshot.h"

/** What queues are sorted by. */
enum ctl_sort {
	CTL_SORT_PACKETS,   /**< packets a second */
	CTL_SORT_BITS,      /**< bits a second */
	CTL_SORT_COPIED,    /**< copied packets a second */
	CTL_SORT_KEPT,      /**< buffers out or held */
	CTL_SORT_DOORBELLS, /**< doorbells a second */
	CTL_SORT_TOTAL,     /**< packets since the link was made */
	CTL_SORT_NAME,      /**< domain, link, direction, number */
};
#define CTL_SORTS 7

/** One end of a link, or one queue of it. Points into the snapshots that it was made of. */
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
 * The ends of all links, the two ends of each beside each other.
 * @param only NULL, or the domain that must be at one of the ends
 * @return 0, -ENOMEM
 */
int ctl_rows_of_links(struct ctl_rows *out, const struct ctl_snapshot *s, const char *only);
/**
 * All queues, in the order of domains, links, directions.
 * @param before NULL, or an earlier snapshot: then with rates, where the queue was there then
 * @param only NULL, or the domain whose queues they must be
 * @return 0, -ENOMEM
 */
int ctl_rows_of_queues(struct ctl_rows *out, const struct ctl_snapshot *before,
	const struct ctl_snapshot *now, const char *only);
/** Sort queues: the greatest first, by name the least; reverse: the other way round. */
void ctl_rows_sort(struct ctl_rows *rows, enum ctl_sort sort, bool reverse);
/** @return the name of an order, one word; no two begin with the same letter. */
const char *ctl_sort_name(enum ctl_sort sort);
void ctl_rows_free(struct ctl_rows *rows);

#endif
