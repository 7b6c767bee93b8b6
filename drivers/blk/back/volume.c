/* SPDX-License-Identifier: BSD-3-Clause */
/* Volumes. */

#include "volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fido/log.h>

#include "server_private.h"

static bool
valid_name(const char *name)
{
	size_t len =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return len != 0 && name[len] == '\0' && len < FIDO_BLK_VOLUME_MAX;
}

static int
check_name(const struct blk_server *s, const char *name)
{
	if (!valid_name(name)) {
		fido_log(FIDO_LOG_ERROR, "volume '%s': use 1 to %d of A-Z a-z 0-9 _ . - for a name",
			name, FIDO_BLK_VOLUME_MAX - 1);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < s->volume_count; i++)
		if (strcmp(s->volumes[i].name, name) == 0) {
			fido_log(FIDO_LOG_ERROR, "there are two volumes %s: give each its own name",
				name);
			return -EINVAL;
		}
	return 0;
}

static void
publish_volume(struct back_volume *v, const char *store)
{
	const struct fido_blk_info *info = &v->store->info;

	*v->info = (struct blk_info_shm){.magic = BLK_MAGIC,
		.version = BLK_VERSION,
		.size = info->size,
		.identity = info->identity,
		.block_size = info->block_size,
		.max_transfer = info->max_transfer,
		.max_segments = info->max_segments,
		.features = info->features};
	snprintf(v->shm->name, sizeof(v->shm->name), "%s", v->name);
	snprintf(v->shm->store, sizeof(v->shm->store), "%s", store);
	v->shm->size = info->size;
	v->shm->identity = info->identity;
	v->shm->block_size = info->block_size;
	v->shm->features = info->features;
}

int
back_volume_open(struct blk_server *s, const struct blk_volume_config *config)
{
	struct back_volume *v = &s->volumes[s->volume_count];
	struct blk_store_config store = {.domain = s->domain,
		.volume = config->name,
		.read_only = config->read_only};
	int ret = check_name(s, config->name);

	if (ret == 0)
		ret = blk_store_open(&v->store, &store, config->store);
	if (ret != 0)
		return ret;
	if (config->read_only)
		v->store->info.features &= FIDO_BLK_CAN_FLUSH | FIDO_BLK_CAN_FUA;
	snprintf(v->name, sizeof(v->name), "%s", config->name);
	v->index = s->volume_count;
	v->info = (struct blk_info_shm *)(uintptr_t)s->info_arena->gaddr + v->index;
	v->shm = &s->volume_shm[v->index];
	publish_volume(v, config->store);
	s->volume_count++;
	return 0;
}

struct back_volume *
back_volume_find(struct blk_server *s, const char *name)
{
	for (unsigned int i = 0; i < s->volume_count; i++)
		if (strncmp(s->volumes[i].name, name, FIDO_BLK_VOLUME_MAX) == 0)
			return &s->volumes[i];
	return NULL;
}
