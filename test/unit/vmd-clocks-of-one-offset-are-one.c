/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: machines whose time stamp counters differ from the host's by the same have the same clock
 * number, one that does not differ has the host's, and all others have one of their own: those of
 * which KVM tells nothing, and those whose processors differ.
 */
#include <sys/stat.h>

#include "clock_number.h"
#include "test.h"

static char root[] = "/tmp/fido-clock-XXXXXX";

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* One processor of a machine. */
static void
vcpu(int pid, int n, const char *offset, const char *ratio)
{
	char dir[128];

	snprintf(dir, sizeof(dir), "%s/%d-11", root, pid);
	mkdir(dir, 0700);
	snprintf(dir, sizeof(dir), "%s/%d-11/vcpu%d", root, pid, n);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(dir, "tsc-offset", offset);
	if (ratio == NULL)
		return;
	write_file(dir, "tsc-scaling-ratio", ratio);
	write_file(dir, "tsc-scaling-ratio-frac-bits", "48\n");
}

static void
numbers(void **state)
{
	char command[64];

	(void)state;
	assert_non_null(mkdtemp(root));
	vcpu(100, 0, "-1234567890123\n", "281474976710656\n");
	vcpu(100, 1, "-1234567890123\n", "281474976710656\n");
	vcpu(1001, 0, "-1234567890123\n", NULL);
	vcpu(102, 0, "-1234567890124\n", NULL);
	vcpu(103, 0, "0\n", "281474976710656\n");
	vcpu(104, 0, "-5\n", NULL);
	vcpu(104, 1, "-6\n", NULL);
	vcpu(105, 0, "0\n", "281474976710657\n");
	vcpu(106, 0, "nothing\n", NULL);
	assert_int_equal(clock_number(root, 100, 1), clock_number(root, 1001, 2));
	assert_int_not_equal(clock_number(root, 100, 1), clock_number(root, 102, 1));
	assert_int_equal(clock_number(root, 103, 1), 0);
	assert_int_not_equal(clock_number(root, 105, 1), 0);
	/* 10 is no machine, though 100 is; its number is its own, the same at each call. */
	assert_int_equal(clock_number(root, 10, 1), clock_number("/nowhere", 100, 1));
	assert_int_not_equal(clock_number(root, 10, 1), clock_number(root, 10, 2));
	assert_int_not_equal(clock_number(root, 10, 1), 0);
	assert_int_equal(clock_number(root, 104, 7), clock_number(root, 0, 7));
	assert_int_equal(clock_number(root, 106, 7), clock_number(root, 0, 7));
	snprintf(command, sizeof(command), "rm -rf %s", root);
	assert_int_equal(system(command), 0);
}

TEST_MAIN_ONE(numbers)
