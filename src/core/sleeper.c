/* SPDX-License-Identifier: BSD-3-Clause */
/* Switch a queue from polling to sleeping. */

#include "sleeper_private.h"

#include <time.h>

/* A store leaves the store buffer within microseconds, or when the thread is switched out. */
#define WAIT_NS 1000000

bool
fido_sleeper_is(const struct fido_sleeper *s)
{
	return fido_load_relaxed(&s->sleeps) != 0;
}

void
fido_sleeper_begin(struct fido_sleeper *s)
{
	fido_store_relaxed(&s->sleeps, 1);
}

void
fido_sleeper_tell(struct fido_sleeper *s, uint32_t *sleeps)
{
	if (!fido_sleeper_is(s) || fido_load_relaxed(sleeps) != 0)
		return;
	fido_store_relaxed(sleeps, 1);
	s->just_told = true;
}

bool
fido_sleeper_must_wait(struct fido_sleeper *s)
{
	bool wait = s->just_told;

	s->just_told = false;
	return wait;
}

void
fido_sleeper_wait(void)
{
	struct timespec ts = {.tv_nsec = WAIT_NS};

	nanosleep(&ts, NULL);
}

void
fido_sleeper_fence(void)
{
	fido_fence_seq_cst();
}
