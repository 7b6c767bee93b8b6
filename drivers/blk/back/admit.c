/* SPDX-License-Identifier: BSD-3-Clause */
/* Admission control. */

#include "admit.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>

#include <fido/counters_shm.h>

#include "protocol.h"

/* File descriptors per doorbell: ours and the peer's. */
#define FDS_PER_BELL 3u
/* Kept free for short-lived use and joining domains: messages that carry memory and doorbells. */
#define FDS_SPARE 32u

/* @return number of descriptors that this process can still open; UINT_MAX: unknown */
static unsigned int
fds_left(void)
{
	struct rlimit limit;
	unsigned int used = 0;
	DIR *dir;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= UINT_MAX)
		return UINT_MAX;
	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return errno == EMFILE ? 0 : UINT_MAX;
	/* This also counts ".", ".." and the directory's own descriptor. */
	while (readdir(dir) != NULL)
		used++;
	closedir(dir);
	used -= used < 3 ? used : 3;
	return limit.rlim_cur > used ? (unsigned int)limit.rlim_cur - used : 0;
}

/* @return true when the control region has room for the rings and counters of one more link */
static bool
has_room(struct fido_domain *d, const struct fido_offer *offer, uint32_t ring_size)
{
	size_t size[2 * FIDO_LINK_QUEUES_MAX + 2];
	void *p[2 * FIDO_LINK_QUEUES_MAX + 2];
	unsigned int n = 0, got = 0;

	size[n++] = FIDO_LINK_QUEUES_MAX * sizeof(struct fido_tx_stats_shm);
	size[n++] = FIDO_LINK_QUEUES_MAX * sizeof(struct fido_rx_stats_shm);
	for (uint16_t i = 0; i < offer->nrx; i++)
		size[n++] = fido_sender_shm_size(ring_size);
	/* The peer may use the largest ring that a front-end can have. */
	for (uint16_t i = 0; i < offer->ntx; i++)
		size[n++] = fido_receiver_shm_size(BLK_RING_MAX);
	while (got < n && (p[got] = fido_domain_shm_alloc(d, size[got])) != NULL)
		got++;
	for (unsigned int i = 0; i < got; i++)
		fido_domain_shm_free(d, p[i], size[i]);
	return got == n;
}

unsigned int
blk_admit_fds(const struct fido_offer *offer)
{
	return FDS_PER_BELL * (offer->ntx + offer->nrx);
}

int
blk_admit(struct fido_domain *d, unsigned int clients, unsigned int fds_to_come,
	const struct fido_offer *offer, uint32_t ring_size)
{
	if (clients >= FIDO_DOMAIN_LINKS_MAX || !has_room(d, offer, ring_size))
		return -ENOSPC;
	return fds_left() < FDS_SPARE + fds_to_come + blk_admit_fds(offer) ? -EMFILE : 0;
}

const char *
blk_admit_advice(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
		return ": raise the backend's limit of open files (ulimit -n, LimitNOFILE=), or "
		       "serve some volumes from another backend";
	case -ENOSPC:
		return ": a backend serves at most 64 open volumes, fewer if --control-size is too "
		       "small: increase that, or serve some volumes from another backend";
	default:
		return "";
	}
}
