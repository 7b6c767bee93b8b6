/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock_number.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A number of a single machine; those of offsets lack the bit. */
#define SINGLE (UINT64_C(1) << 63)

struct scale {
	long long offset;
	unsigned long long ratio; /* 0: not scaled */
};

static bool
read_number(const char *dir, const char *name, long long *out)
{
	char path[PATH_MAX];
	bool good;
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	good = f != NULL && fscanf(f, "%lld", out) == 1;
	if (f != NULL)
		fclose(f);
	return good;
}

/* A ratio of 1 is that of a counter which is not scaled. */
static bool
read_vcpu(const char *dir, struct scale *out)
{
	long long ratio, bits;

	*out = (struct scale){0};
	if (!read_number(dir, "tsc-offset", &out->offset))
		return false;
	if (!read_number(dir, "tsc-scaling-ratio", &ratio))
		return true;
	if (!read_number(dir, "tsc-scaling-ratio-frac-bits", &bits) || bits < 0 || bits > 63 ||
		(unsigned long long)ratio != 1ull << bits)
		out->ratio = (unsigned long long)ratio;
	return true;
}

/* @return true: all processors of the machine in that folder have the same */
static bool
read_machine(const char *dir, struct scale *out)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	unsigned int count = 0;
	bool same = true;

	while (d != NULL && same && (entry = readdir(d)) != NULL) {
		char path[PATH_MAX];
		struct scale one;

		if (strncmp(entry->d_name, "vcpu", 4) != 0 ||
			snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >=
				(int)sizeof(path))
			continue;
		same = read_vcpu(path, &one) &&
			(count == 0 || (one.offset == out->offset && one.ratio == out->ratio));
		*out = one;
		count++;
	}
	if (d != NULL)
		closedir(d);
	return same && count > 0;
}

static bool
find_machine(const char *root, uint64_t pid, struct scale *out)
{
	char prefix[32];
	struct dirent *entry;
	DIR *d = opendir(root);
	bool found = false;

	snprintf(prefix, sizeof(prefix), "%llu-", (unsigned long long)pid);
	while (d != NULL && !found && (entry = readdir(d)) != NULL) {
		char path[PATH_MAX];

		found = strncmp(entry->d_name, prefix, strlen(prefix)) == 0 &&
			snprintf(path, sizeof(path), "%s/%s", root, entry->d_name) <
				(int)sizeof(path) &&
			read_machine(path, out);
	}
	if (d != NULL)
		closedir(d);
	return found;
}

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

uint64_t
clock_number(const char *root, uint64_t pid, uint32_t index)
{
	struct scale scale;

	if (pid == 0 || !find_machine(root, pid, &scale))
		return SINGLE | mix(index + 1);
	if (scale.offset == 0 && scale.ratio == 0)
		return 0;
	return (mix((uint64_t)scale.offset ^ mix(scale.ratio + 1)) & ~SINGLE) | 1;
}
