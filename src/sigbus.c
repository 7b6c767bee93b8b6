/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages that are gone read as zeros. */

#include "sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include <fido/atomic.h>
#include <fido/gaddr.h>

#define RANGES_MAX 16
#define GIANT_PAGE (UINT64_C(1) << 30)

/* Read by the handler without a lock: a range is there when its length is not 0. */
struct range {
	uintptr_t base;
	size_t len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range ranges[RANGES_MAX];
static unsigned int in_use;
static struct sigaction before;
static uint64_t count;

static bool
is_guarded(uintptr_t a)
{
	for (unsigned int i = 0; i < RANGES_MAX; i++) {
		/* A12: pairs with R12. The base is that of this length, or of the next range in this place. */
		size_t len = fido_load_acquire(&ranges[i].len);
		/* A15: pairs with R15. If of the next, then this length is no more. */
		uintptr_t base = fido_load_acquire(&ranges[i].base);

		if (a - base < len && fido_load_relaxed(&ranges[i].len) == len)
			return true;
	}
	return false;
}

/* mmap() alone is safe in a handler. A page of 1 GiB cannot be replaced in part. */
static bool
put_zeros(uintptr_t a, uint64_t size)
{
	void *p = mmap((void *)(a & ~(uintptr_t)(size - 1)), size, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return p != MAP_FAILED;
}

/* What would have happened without us; for the default, the access is tried again and ends the process. */
static void
pass_on(int sig, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO)
		before.sa_sigaction(sig, info, context);
	else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
		before.sa_handler(sig);
	else
		sigaction(sig, &before, NULL);
}

static void
on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t a = (uintptr_t)info->si_addr;
	int err = errno;

	/* Not a broken memory cell, nor a signal that somebody sent. */
	if (info->si_code == BUS_ADRERR && is_guarded(a) &&
			(put_zeros(a, FIDO_GRANULE_SIZE) || put_zeros(a, GIANT_PAGE)))
		__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
	else
		pass_on(sig, info, context);
	errno = err;
}

static int
install(void)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	sa.sa_sigaction = on_sigbus;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, &before) == 0 ? 0 : -errno;
}

static void
uninstall(void)
{
	struct sigaction now;

	/* Somebody else's handler that was put on top of ours stays, and calls ours still. */
	if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_sigbus)
		sigaction(SIGBUS, &before, NULL);
}

static int
guard_locked(uintptr_t base, size_t len)
{
	for (unsigned int i = 0; i < RANGES_MAX; i++) {
		int ret;

		if (ranges[i].len != 0)
			continue;
		ret = in_use == 0 ? install() : 0;
		if (ret != 0)
			return ret;
		in_use++;
		/* R15: pairs with A15. The range that was here before has gone. */
		fido_store_release(&ranges[i].base, base);
		/* R12: pairs with A12. */
		fido_store_release(&ranges[i].len, len);
		return 0;
	}
	return -ENOSPC;
}

int
fido_sigbus_guard(uintptr_t base, size_t len)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = guard_locked(base, len);
	pthread_mutex_unlock(&lock);
	return ret;
}

void
fido_sigbus_unguard(uintptr_t base)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < RANGES_MAX; i++) {
		if (ranges[i].len == 0 || ranges[i].base != base)
			continue;
		fido_store_release(&ranges[i].len, 0);
		if (--in_use == 0)
			uninstall();
		break;
	}
	pthread_mutex_unlock(&lock);
}

uint64_t
fido_sigbus_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}
