/* SPDX-License-Identifier: BSD-3-Clause */
#include "volume.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define PAGE 4096
#define SLEEP_MS 100

int
fio_volume_join(struct fio_volume *v, const struct fio_volume_config *config)
{
	const struct fido_domain_config domain = {
		.group = config->group,
		.name = config->domain,
		.no_hugepages = config->no_hugepages,
	};

	*v = (struct fio_volume){0};
	return fido_domain_join(&v->domain, &domain);
}

int
fio_volume_open(struct fio_volume *v, const struct fio_volume_config *config)
{
	const struct fido_blk_config blk = {
		.backend = config->backend,
		.volume = config->volume,
		.depth = config->depth,
		.read_only = config->read_only,
		.exclusive = config->exclusive,
		.timeout_ms = config->timeout_ms,
	};
	int ret = fido_blk_open(v->domain, &blk, &v->blk);

	if (ret == 0)
		v->q = fido_blk_queue(v->blk, 0);
	return ret;
}

void
fio_volume_close(struct fio_volume *v)
{
	fido_blk_close(v->blk);
	fio_volume_buffers_free(v);
	fido_domain_leave(v->domain);
	*v = (struct fio_volume){0};
}

void *
fio_volume_buffers(struct fio_volume *v, size_t size, bool in_arena)
{
	if (!in_arena) {
		v->heap = aligned_alloc(PAGE, (size + PAGE - 1) / PAGE * PAGE);
		return v->heap;
	}
	return fido_arena_create(v->domain, size, &v->arena) == 0 ? (void *)v->arena->va : NULL;
}

void
fio_volume_buffers_free(struct fio_volume *v)
{
	fido_region_destroy(v->arena);
	free(v->heap);
	v->arena = NULL;
	v->heap = NULL;
}

void
fio_volume_sleep(struct fio_volume *v)
{
	struct pollfd fd = {.fd = fido_blk_fd(v->q), .events = POLLIN};

	if (!fido_blk_arm(v->q))
		poll(&fd, 1, SLEEP_MS);
	fido_blk_disarm(v->q);
}
