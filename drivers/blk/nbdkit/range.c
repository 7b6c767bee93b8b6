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

void
range_take(struct range_lock *lock, struct range *range)
{
	pthread_mutex_lock(&lock->mutex);
	TAILQ_INSERT_TAIL(&lock->ranges, range, entry);
	lock->exclusive += range->exclusive;
	while (is_taken(lock, range)) {
		lock->waiting++;
		pthread_cond_wait(&lock->given, &lock->mutex);
		lock->waiting--;
	}
	pthread_mutex_unlock(&lock->mutex);
}

void
range_give(struct range_lock *lock, struct range *range)
{
	pthread_mutex_lock(&lock->mutex);
	TAILQ_REMOVE(&lock->ranges, range, entry);
	lock->exclusive -= range->exclusive;
	if (lock->waiting != 0)
		pthread_cond_broadcast(&lock->given);
	pthread_mutex_unlock(&lock->mutex);
}
