/* SPDX-License-Identifier: BSD-3-Clause */
/* Handle SIGBUS: missing pages of peers read as zeros. */

#include "sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fido/atomic.h>
#include <fido/gaddr.h>

/* Most guarded ranges, that is, groups in this process. */
#define RANGES_MAX 16
#define GIANT_PAGE (UINT64_C(1) << 30)

/* Most arenas and control regions, of all domains of this process. */
#define OWN_MAX 1024

/* The handler reads it without a lock. An entry is in use when its length is not 0. */
struct range {
	uintptr_t base;
	size_t len;
	const char *domain; /* own memory: the domain that owns it */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct range ranges[RANGES_MAX];
static struct range own[OWN_MAX];
static unsigned int own_top; /* no entry of own[] from here on was ever used */
static unsigned int in_use;  /* of ranges[] */
static struct sigaction before;
static uint64_t count; /* faults that were answered with zeros */

/* @return the range that holds a; NULL: none */
static const struct range *
find(const struct range *table, unsigned int count, uintptr_t a)
{
	for (unsigned int i = 0; i < count; i++) {
		/* A12: pairs with R12. The base read next belongs to this length, or to a later
		 * range in this entry. */
		size_t len = fido_load_acquire(&table[i].len);
		/* A15: pairs with R15. If it belongs to a later range, the length has changed. */
		uintptr_t base = fido_load_acquire(&table[i].base);

		if (a - base < len && fido_load_relaxed(&table[i].len) == len)
			return &table[i];
	}
	return NULL;
}

/* Of all ways to print, only write() is safe in a signal handler. */
static void
say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
}

static void
say_own(const struct range *r, uintptr_t a)
{
	char address[2 + 2 * sizeof(a) + 1] = "0x";

	for (size_t i = 0; i < 2 * sizeof(a); i++)
		address[2 + i] = "0123456789abcdef"[a >> (4 * (2 * sizeof(a) - 1 - i)) & 15];
	say("fido: domain ");
	say(r->domain);
	say(": no page behind its own memory at ");
	say(address);
	say(" (SIGBUS): something removed it, or a limit of this container (hugetlb, memory) is "
	    "reached: raise the limit\n");
}

/* mmap() is safe in a signal handler. A 1 GiB page cannot be replaced in part. */
static bool
put_zeros(uintptr_t a, uint64_t size)
{
	void *p = mmap((void *)(a & ~(uintptr_t)(size - 1)), size, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	return p != MAP_FAILED;
}

/* Do what would have happened without this handler. If that was the default action, restore it: the
 * access faults again, and ends the process. */
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
	const struct range *mine = find(own, fido_load_acquire(&own_top), a);
	int err = errno;

	if (info->si_code == BUS_ADRERR && mine != NULL)
		say_own(mine, a);
	/* BUS_ADRERR: neither a memory error of the hardware nor a signal from kill(2). */
	if (info->si_code == BUS_ADRERR && mine == NULL && find(ranges, RANGES_MAX, a) != NULL &&
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

	/* If another handler was installed on top of ours, leave it: it may still call ours. */
	if (sigaction(SIGBUS, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) &&
		now.sa_sigaction == on_sigbus)
		sigaction(SIGBUS, &before, NULL);
}

/* @return the index of the new entry, -ENOSPC */
static int
put(struct range *table, unsigned int count, uintptr_t base, size_t len, const char *domain)
{
	for (unsigned int i = 0; i < count; i++) {
		if (table[i].len != 0)
			continue;
		fido_store_relaxed(&table[i].domain, domain);
		/* R15: pairs with A15. The length of the previous range was cleared before. */
		fido_store_release(&table[i].base, base);
		/* R12: pairs with A12. The base is stored before the length. */
		fido_store_release(&table[i].len, len);
		return (int)i;
	}
	return -ENOSPC;
}

/* @return true: the range was in the table */
static bool
take_out(struct range *table, unsigned int count, uintptr_t base)
{
	for (unsigned int i = 0; i < count; i++)
		if (table[i].len != 0 && table[i].base == base) {
			fido_store_release(&table[i].len, 0);
			return true;
		}
	return false;
}

static int
guard_locked(uintptr_t base, size_t len)
{
	int ret = in_use == 0 ? install() : 0;

	if (ret != 0)
		return ret;
	ret = put(ranges, RANGES_MAX, base, len, NULL);
	if (ret >= 0)
		in_use++;
	else if (in_use == 0)
		uninstall();
	return ret >= 0 ? 0 : ret;
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
	if (take_out(ranges, RANGES_MAX, base) && --in_use == 0)
		uninstall();
	pthread_mutex_unlock(&lock);
}

int
fido_sigbus_own(uintptr_t base, size_t len, const char *domain)
{
	int ret;

	pthread_mutex_lock(&lock);
	ret = put(own, OWN_MAX, base, len, domain);
	if (ret >= 0 && (unsigned int)ret >= own_top)
		fido_store_release(&own_top, (unsigned int)ret + 1);
	pthread_mutex_unlock(&lock);
	return ret >= 0 ? 0 : ret;
}

void
fido_sigbus_disown(uintptr_t base)
{
	pthread_mutex_lock(&lock);
	take_out(own, OWN_MAX, base);
	pthread_mutex_unlock(&lock);
}

uint64_t
fido_sigbus_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}
