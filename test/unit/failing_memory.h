/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

/**
 * @file
 * malloc(), calloc() and realloc() of libfido and the test, which fail on demand. Linked with
 * --wrap.
 */

#include <stdbool.h>

/** From now on, allocations of all threads fail, or succeed again. */
void failing_memory_set(bool fails);

#endif
