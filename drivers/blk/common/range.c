/* SPDX-License-Identifier: BSD-3-Clause */
/* A lock for ranges: a list of holders and waiters in order of arrival, some dozens of requests. */

#include "range.h"

int
range_lock_create(struct range_lock *lock)
{
	int err;

	*lock = (struct range_lock){0};
	TAILQ_INIT(&lock->ranges);
	err = pthread_mutex_init(&lock->mutex, NULL);
	if (err != 0)
		return -err;
	err = pthread_cond_init(&lock->given, NULL);
	if (err != 0)
		pthread_mutex_destroy(&lock->mutex);
	return -err;
}

void
range_lock_destroy(struct range_lock *lock)
{
	pthread_cond_destroy(&lock->given);
	pthread_mutex_destroy(&lock->mutex);
}

/* @return true when an earlier range conflicts */
static bool
is_taken(const struct range_lock *lock, const struct range *range)
{
	if (lock->exclusive == 0)
		return false;
	for (const struct range *r = TAILQ_PREV(range, range_list, entry); r != NULL;
		r = TAILQ_PREV(r, range_list, entry))
		if ((r->exclusive || range->exclusive) && r->begin < range->end &&
			range->begin < r->end)
			return true;
	return false;
}

static void
add(struct range_lock *lock, struct range *range)
{
	TAILQ_INSERT_TAIL(&lock->ranges, range, entry);
	lock->exclusive += range->exclusive;
}

void
range_take(struct range_lock *lock, struct range *range)
{
	range->waits = false;
	pthread_mutex_lock(&lock->mutex);
	add(lock, range);
	while (is_taken(lock, range)) {
		lock->waiting++;
		pthread_cond_wait(&lock->given, &lock->mutex);
		lock->waiting--;
	}
	pthread_mutex_unlock(&lock->mutex);
}

bool
range_ask(struct range_lock *lock, struct range *range)
{
	bool held;

	pthread_mutex_lock(&lock->mutex);
	add(lock, range);
	held = !is_taken(lock, range);
	range->waits = !held;
	lock->waiting += !held;
	pthread_mutex_unlock(&lock->mutex);
	return held;
}

/* Tell those that wait without blocking, and now hold their range. */
static void
tell_holders(struct range_lock *lock)
{
	struct range *r, *next;

	for (r = TAILQ_FIRST(&lock->ranges); r != NULL; r = next) {
		next = TAILQ_NEXT(r, entry);
		if (!r->waits || is_taken(lock, r))
			continue;
		r->waits = false;
		lock->waiting--;
		r->on_held(r);
	}
}

void
range_give(struct range_lock *lock, struct range *range)
{
	pthread_mutex_lock(&lock->mutex);
	TAILQ_REMOVE(&lock->ranges, range, entry);
	lock->exclusive -= range->exclusive;
	if (lock->waiting != 0) {
		pthread_cond_broadcast(&lock->given);
		tell_holders(lock);
	}
	pthread_mutex_unlock(&lock->mutex);
}
