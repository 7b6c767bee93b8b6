/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of stores. */

#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fido/log.h>

static const struct blk_store_ops *const kinds[] = {&blk_store_mem, &blk_store_file,
	&blk_store_nbd};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int
blk_store_no_kind(const char *volume, const char *spec)
{
	char list[64] = "";
	size_t len = 0;

	for (size_t i = 0; i < KINDS; i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s:", i != 0 ? ", " : "",
			kinds[i]->kind);
	fido_log(FIDO_LOG_ERROR,
		"volume %s: '%s' is no store: give KIND:ARG, where KIND is one of %s", volume, spec,
		list);
	return -EINVAL;
}

int
blk_store_open(struct blk_store **out, const struct blk_store_config *config, const char *spec)
{
	struct blk_store_config with_arg = *config;

	for (size_t i = 0; i < KINDS; i++) {
		size_t len = strlen(kinds[i]->kind);

		if (strncmp(spec, kinds[i]->kind, len) != 0 || spec[len] != ':')
			continue;
		with_arg.arg = spec + len + 1;
		return kinds[i]->open(out, &with_arg);
	}
	return blk_store_no_kind(config->volume, spec);
}

void
blk_store_close(struct blk_store *store)
{
	if (store != NULL)
		store->ops->close(store);
}
