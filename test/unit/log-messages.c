/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages go where the application says; an error is also its own thread's last error. */
#include "test.h"

#include <pthread.h>

#include <fido/log.h>

static char last[FIDO_LOG_MAX];
static enum fido_log_level last_level;
static unsigned int count;

static void
on_log(enum fido_log_level level, const char *message)
{
	snprintf(last, sizeof(last), "%s", message);
	last_level = level;
	count++;
}

static void *
other_thread(void *arg)
{
	static char text[FIDO_LOG_MAX];

	snprintf(text, sizeof(text), "%s", fido_last_error());
	fido_log(FIDO_LOG_ERROR, "the other thread's");
	return text;
}

static void
messages(void **state)
{
	char longer[2 * FIDO_LOG_MAX];
	void *seen_there;
	pthread_t thread;

	assert_string_equal(fido_last_error(), "");
	fido_log_set(on_log);
	fido_log(FIDO_LOG_ERROR, "number %d of %s", 7, "seven");
	assert_string_equal(last, "number 7 of seven");
	assert_int_equal(last_level, FIDO_LOG_ERROR);
	assert_string_equal(fido_last_error(), "number 7 of seven");
	fido_log(FIDO_LOG_WARNING, "careful");
	fido_log(FIDO_LOG_DEBUG, "detail");
	assert_int_equal(count, 3);
	assert_int_equal(last_level, FIDO_LOG_DEBUG);
	assert_string_equal(fido_last_error(), "number 7 of seven"); /* only errors */
	assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
	pthread_join(thread, &seen_there);
	assert_string_equal(seen_there, "");
	assert_string_equal(last, "the other thread's");
	assert_string_equal(fido_last_error(), "number 7 of seven");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	fido_log(FIDO_LOG_ERROR, "%s", longer); /* is truncated */
	assert_int_equal(strlen(fido_last_error()), FIDO_LOG_MAX - 1);
	fido_log_set(NULL);
	fido_log(FIDO_LOG_INFO, "to nobody");
	assert_int_equal(count, 5);
}

TEST_MAIN_ONE(messages)
