/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Write or read a slot's memory by an ordinary mapping: in a guest /dev/daxX.Y, on the host its
 * file, where the memory begins at 2 MiB.
 *
 *   dax fill FILE OFFSET BYTES SEED     write a pattern
 *   dax check FILE OFFSET BYTES SEED    exit status 1 unless the pattern is there
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t
pattern(uint64_t i, uint64_t seed)
{
	return (i + 1) * (2 * seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
fill(volatile uint64_t *words, uint64_t n, uint64_t seed)
{
	for (uint64_t i = 0; i < n; i++)
		words[i] = pattern(i, seed);
}

static int
check(const volatile uint64_t *words, uint64_t n, uint64_t seed)
{
	for (uint64_t i = 0; i < n; i++)
		if (words[i] != pattern(i, seed)) {
			printf("dax: at %#jx is %#jx, not %#jx\n", (uintmax_t)i * 8,
				(uintmax_t)words[i], (uintmax_t)pattern(i, seed));
			return 1;
		}
	return 0;
}

int
main(int argc, char **argv)
{
	int writes = argc == 6 && strcmp(argv[1], "fill") == 0, fd;
	uint64_t bytes, seed;
	void *memory;

	if (argc != 6 || (!writes && strcmp(argv[1], "check") != 0)) {
		fprintf(stderr, "usage: dax fill|check FILE OFFSET BYTES SEED\n");
		return 2;
	}
	bytes = strtoull(argv[4], NULL, 0);
	seed = strtoull(argv[5], NULL, 0);
	fd = open(argv[2], writes ? O_RDWR : O_RDONLY);
	memory = mmap(NULL, bytes, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
		(off_t)strtoull(argv[3], NULL, 0));
	if (memory == MAP_FAILED) {
		perror(argv[2]);
		return 2;
	}
	if (!writes)
		return check(memory, bytes / 8, seed);
	fill(memory, bytes / 8, seed);
	return 0;
}
