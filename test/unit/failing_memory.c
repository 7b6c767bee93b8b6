/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory allocation that fails on demand. */

#include "failing_memory.h"

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool failing;

void
failing_memory_set(bool fails)
{
	__atomic_store_n(&failing, fails, __ATOMIC_SEQ_CST);
}

static bool
fails(void)
{
	if (!__atomic_load_n(&failing, __ATOMIC_SEQ_CST))
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}
