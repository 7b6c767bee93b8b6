/* SPDX-License-Identifier: BSD-3-Clause */
/* Arguments of a file: store. */

#include "store_file_args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <fido/log.h>

#include "size.h"

static int
option_parse(struct blk_file_args *a, const struct blk_store_config *c, const char *option)
{
	if (strcmp(option, "direct=on") == 0) {
		a->direct = true;
	} else if (strcmp(option, "direct=off") == 0) {
		a->direct = false;
	} else if (strncmp(option, "create=", 7) == 0) {
		a->create = blk_size_parse(option + 7);
		if (a->create == 0 || a->create > INT64_MAX || a->create % 512 != 0) {
			fido_log(FIDO_LOG_ERROR,
				"volume %s: '%s': give a SIZE that is a multiple of 512 bytes, as "
				"in 1073741824 or 1G",
				c->volume, option);
			return -EINVAL;
		}
	} else {
		fido_log(FIDO_LOG_ERROR,
			"volume %s: no option '%s': use direct=on, direct=off, "
			"create=SIZE (write a comma in a path twice)",
			c->volume, option);
		return -EINVAL;
	}
	return 0;
}

int
blk_file_args_parse(struct blk_file_args *a, const struct blk_store_config *c)
{
	const char *s = c->arg;
	char option[64];
	size_t n = 0;
	int ret = 0;

	*a = (struct blk_file_args){.direct = false};
	for (; *s != '\0' && (*s != ',' || s[1] == ','); s++) {
		if (n == sizeof(a->path) - 1)
			break;
		a->path[n++] = *s;
		if (*s == ',')
			s++;
	}
	if (n == 0 || (*s != '\0' && *s != ',')) {
		fido_log(FIDO_LOG_ERROR,
			"volume %s: the path is %s: give file:PATH[,direct=on][,create=SIZE]",
			c->volume, n == 0 ? "missing" : "too long");
		return -EINVAL;
	}
	while (ret == 0 && *s == ',') {
		n = strcspn(++s, ",");
		snprintf(option, sizeof(option), "%.*s",
			(int)(n < sizeof(option) ? n : sizeof(option)), s);
		ret = option_parse(a, c, option);
		s += n;
	}
	return ret;
}
