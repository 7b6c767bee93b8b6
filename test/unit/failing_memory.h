/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

/** @file malloc(), calloc() and realloc() of libfido and of the test, which fail when told to. Linked with --wrap. */

#include <stdbool.h>

/** From now on: no memory for any thread, or memory again. */
void failing_memory_set(bool fails);

#endif
