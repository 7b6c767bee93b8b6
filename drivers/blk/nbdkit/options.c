/* SPDX-License-Identifier: BSD-3-Clause */
/* Parameters after `nbdkit fido` on the command line. */

#include "options.h"

#include <limits.h>
#include <string.h>

#include <fido/blk.h>
#include <fido/link.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define SPIN_MAX 1000000u

/* @return 0 and *out, or -1 */
static int
parse_number(const char *key, const char *value, unsigned int min, unsigned int max,
	unsigned int *out)
{
	if (nbdkit_parse_unsigned(key, value, out) != 0)
		return -1;
	if (*out < min || *out > max) {
		nbdkit_error("%s=%s: give a number from %u to %u", key, value, min, max);
		return -1;
	}
	return 0;
}

static int
parse_flag(const char *value, bool *out)
{
	int flag = nbdkit_parse_bool(value);

	if (flag >= 0)
		*out = flag != 0;
	return flag >= 0 ? 0 : -1;
}

static int
parse_hugepages(const char *value, bool *out_no)
{
	bool wanted;

	if (parse_flag(value, &wanted) != 0)
		return -1;
	*out_no = !wanted;
	return 0;
}

static int
parse_timeout(const char *value, int *out_ms)
{
	int seconds;

	if (nbdkit_parse_int("timeout", value, &seconds) != 0)
		return -1;
	if (seconds < -1 || seconds == 0 || seconds > INT_MAX / 1000) {
		nbdkit_error("timeout=%s: give a number of seconds, or -1 to wait forever", value);
		return -1;
	}
	*out_ms = seconds < 0 ? -1 : seconds * 1000;
	return 0;
}

static int
add_volume(struct options *options, const char *value)
{
	if (value[0] == '\0' || strlen(value) >= FIDO_BLK_VOLUME_MAX) {
		nbdkit_error("volume=%s: a volume's name has 1 to %d characters", value,
			FIDO_BLK_VOLUME_MAX - 1);
		return -1;
	}
	if (options->volume_count == OPTIONS_VOLUMES_MAX) {
		nbdkit_error("more than %u volumes: start another nbdkit for the others",
			OPTIONS_VOLUMES_MAX);
		return -1;
	}
	for (unsigned int i = 0; i < options->volume_count; i++) {
		if (strcmp(options->volumes[i], value) == 0) {
			nbdkit_error("volume=%s stands there twice", value);
			return -1;
		}
	}
	options->volumes[options->volume_count++] = value;
	return 0;
}

static int
set_number(struct options *options, const char *key, const char *value)
{
	unsigned int number;

	if (strcmp(key, "queues") == 0) {
		if (parse_number(key, value, 1, FIDO_LINK_QUEUES_MAX, &number) != 0)
			return -1;
		options->queues = (uint16_t)number;
		return 0;
	}
	if (strcmp(key, "depth") == 0)
		return parse_number(key, value, 1, FIDO_BLK_DEPTH_MAX, &options->depth);
	if (strcmp(key, "spin") == 0)
		return parse_number(key, value, 0, SPIN_MAX, &options->spin_us);
	nbdkit_error("unknown parameter '%s': see nbdkit fido --help", key);
	return -1;
}

int
options_set(struct options *options, const char *key, const char *value)
{
	if (strcmp(key, "group") == 0)
		options->group = value;
	else if (strcmp(key, "backend") == 0)
		options->backend = value;
	else if (strcmp(key, "domain") == 0)
		options->domain = value;
	else if (strcmp(key, "volume") == 0)
		return add_volume(options, value);
	else if (strcmp(key, "readonly") == 0)
		return parse_flag(value, &options->read_only);
	else if (strcmp(key, "exclusive") == 0)
		return parse_flag(value, &options->exclusive);
	else if (strcmp(key, "hugepages") == 0)
		return parse_hugepages(value, &options->no_hugepages);
	else if (strcmp(key, "timeout") == 0)
		return parse_timeout(value, &options->timeout_ms);
	else
		return set_number(options, key, value);
	return 0;
}

int
options_complete(struct options *options)
{
	if (options->group == NULL) {
		nbdkit_error(
			"which group? give group=NAME, the --group of the backend (fido-blkd)");
		return -1;
	}
	if (options->volume_count == 0) {
		nbdkit_error("which volume? give volume=NAME, one of the backend's");
		return -1;
	}
	if (options->backend == NULL)
		options->backend = "disk";
	if (options->queues == 0)
		options->queues = 1;
	if (options->timeout_ms == 0)
		options->timeout_ms = 5000;
	return 0;
}
