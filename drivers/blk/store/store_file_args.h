/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_STORE_FILE_ARGS_H
#define FIDO_BLK_STORE_FILE_ARGS_H

/** @file Arguments of a file: store: PATH[,direct=on|off][,create=SIZE] (store_file.c). */

#include <limits.h>

#include "store.h"

struct blk_file_args {
	char path[PATH_MAX];
	bool direct;
	uint64_t create; /* 0: do not create */
};

/** Parse c->arg. @return 0, or -EINVAL after a message */
int blk_file_args_parse(struct blk_file_args *a, const struct blk_store_config *c);

#endif
