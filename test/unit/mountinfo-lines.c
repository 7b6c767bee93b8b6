/* SPDX-License-Identifier: BSD-3-Clause */
/* Proves: mounts are found by path and by source, the topmost first, also with escaped names; lines
 * that make no sense are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mountinfo.h"

#define LINES                                                                        \
	"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"                    \
	"40 22 0:40 / /mnt/a rw - tmpfs none rw\n"                                   \
	"41 40 0:41 / /mnt/a rw,nosuid master:2 - fuse.fido fido:g/v rw,user_id=0\n" \
	"42 22 0:42 / /mnt/with\\040space\\134 rw - fuse.fido fido:g/w rw\n"         \
	"43 22 7:0 / /mnt/disk rw - ext4 /dev/loop0 rw\n"                            \
	"nonsense\n"                                                                 \
	"44 22 7:0 /\n"                                                              \
	"45 22 0:45 / /mnt/last rw - fuse.fido\n"

static struct mountinfo mount;

static bool
find(bool (*function)(FILE *, const char *, struct mountinfo *), const char *what)
{
	char text[] = LINES;
	FILE *file = fmemopen(text, strlen(text), "r");
	bool found;

	assert_non_null(file);
	found = function(file, what, &mount);
	fclose(file);
	return found;
}

static void
paths(void **state)
{
	assert_true(find(mountinfo_find, "/mnt/a"));
	assert_string_equal(mount.type, MOUNTINFO_TYPE);
	assert_string_equal(mount.source, "fido:g/v");
	assert_true(find(mountinfo_find, "/mnt/with space\\"));
	assert_string_equal(mount.source, "fido:g/w");
	assert_false(find(mountinfo_find, "/mnt"));
	assert_false(find(mountinfo_find, "/mnt/b"));
}

static void
sources(void **state)
{
	assert_true(find(mountinfo_find_source, "/dev/loop0"));
	assert_string_equal(mount.path, "/mnt/disk");
	assert_false(find(mountinfo_find_source, "/dev/loop"));
}

static void
long_words(void **state)
{
	char line[3 * PATH_MAX];
	int n = snprintf(line, sizeof(line), "1 2 3:4 / /");

	memset(line + n, 'x', PATH_MAX);
	snprintf(line + n + PATH_MAX, sizeof(line) - (size_t)n - PATH_MAX,
		" rw - ext4 /dev/x rw\n");
	assert_false(mountinfo_parse(line, &mount));
	assert_false(mountinfo_parse("", &mount));
	assert_false(mountinfo_parse("1 2 3 4", &mount));
	assert_true(mountinfo_parse("1 2 3:4 / /a rw - x y z", &mount));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),
		cmocka_unit_test(sources),
		cmocka_unit_test(long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
