/* SPDX-License-Identifier: BSD-3-Clause */
/* Proves: options have their defaults, values are stored, and invalid values are refused. */
#include <getopt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

#define WHO "--group g --volume v "

static struct mount_options opt;

/* Parse a command line, split at spaces. */
static int
parse(const char *line)
{
	static char words[1024];
	char *argv[48] = {"fido-blk-mount"}, *next = words, *word;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	while ((word = strsep(&next, " ")) != NULL)
		argv[argc++] = word;
	/* getopt_long() starts anew. */
	optind = 0;
	return mount_options_parse(&opt, argc, argv);
}

static void
defaults(void **state)
{
	assert_int_equal(parse(WHO "/mnt"), 0);
	assert_string_equal(opt.domain.group, "g");
	assert_null(opt.domain.name);
	assert_string_equal(opt.image.volume, "v");
	assert_string_equal(opt.image.backend, "disk");
	assert_string_equal(opt.mountpoint, "/mnt");
	assert_int_equal(opt.image.queues, 1);
	assert_int_equal(opt.image.depth, 128);
	assert_int_equal(opt.image.timeout_ms, 5000);
	assert_int_equal(opt.image.mode, 0600);
	assert_int_equal(opt.buffers, 64);
	assert_int_equal(opt.spin_us, 0);
	assert_int_equal(opt.sector_size, 0);
	assert_false(opt.image.read_only || opt.image.exclusive || opt.loop || opt.counters ||
		opt.help || opt.domain.no_hugepages);
}

static void
values(void **state)
{
	assert_int_equal(parse(WHO
				 "--backend b --domain d --queues 3 --depth 9 --buffers 7 "
				 "--spin-us 5 --read-only --exclusive --timeout 2 --hugepages off "
				 "--owner 12:34 --mode 640 --loop --sector-size 4096 --counters "
				 "/mnt"),
		0);
	assert_string_equal(opt.image.backend, "b");
	assert_string_equal(opt.domain.name, "d");
	assert_int_equal(opt.image.queues, 3);
	assert_int_equal(opt.image.depth, 9);
	assert_int_equal(opt.buffers, 7);
	assert_int_equal(opt.spin_us, 5);
	assert_int_equal(opt.image.timeout_ms, 2000);
	assert_int_equal(opt.image.uid, 12);
	assert_int_equal(opt.image.gid, 34);
	assert_int_equal(opt.image.mode, 0640);
	assert_int_equal(opt.sector_size, 4096);
	assert_true(opt.image.read_only && opt.image.exclusive && opt.loop && opt.counters &&
		opt.domain.no_hugepages);
	assert_int_equal(parse(WHO "--timeout -1 --owner root /mnt"), 0);
	assert_int_equal(opt.image.timeout_ms, -1);
	assert_int_equal(opt.image.uid, 0);
	assert_int_equal(opt.image.gid, 0);
	assert_int_equal(parse("--help"), 0);
	assert_true(opt.help);
}

static void
refused(void **state)
{
	static const char *const lines[] = {
		"",
		"--group g /mnt",
		"--volume v /mnt",
		"--group g --volume v",
		WHO "/mnt /mnt",
		WHO "--queues 0 /mnt",
		WHO "--queues 1x /mnt",
		WHO "--depth 3 /mnt",
		WHO "--depth 9999 /mnt",
		WHO "--buffers 1 /mnt",
		WHO "--timeout 0 /mnt",
		WHO "--mode 800 /mnt",
		WHO "--mode 1777 /mnt",
		WHO "--hugepages maybe /mnt",
		WHO "--owner no-such-user-here /mnt",
		WHO "--owner root:no-such-group-here /mnt",
		WHO "--owner -1 /mnt",
		WHO "--loop --sector-size 600 /mnt",
		WHO "--loop --sector-size 256 /mnt",
		WHO "--sector-size 512 /mnt",
		WHO "--unknown /mnt",
		WHO "/mnt --domain",
		"--group g --volume a/b /mnt",
		"--group g --volume .. /mnt",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (parse(lines[i]) == 0)
			fail_msg("'%s' is accepted", lines[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
