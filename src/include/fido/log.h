/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOG_H
#define FIDO_LOG_H

/**
 * @file
 * Messages for people. Each says what was tried, on what, why it failed, and what to do.
 * Nothing is logged in bursts: the data path counts.
 */

#ifdef __cplusplus
extern "C" {
#endif

/** Longest message, with its terminating zero; what is longer is cut. */
#define FIDO_LOG_MAX 512

enum fido_log_level {
	FIDO_LOG_ERROR,
	FIDO_LOG_WARNING,
	FIDO_LOG_INFO,
	FIDO_LOG_DEBUG
};

/**
 * Receives each message, one line without a newline. Any thread of the process may call it, also with
 * libfido's locks held: it must not call libfido.
 */
typedef void (
	*fido_log_fn)(/** Longest message, with its terminating zero; what is longer is cut. */
#define FIDO_LOG_MAX 512

	enum fido_log_level level, const char *message);

/** Where messages go; NULL: to stderr, warnings and errors only (the default). */
void fido_log_set(fido_log_fn fn);

/**
 * Write one message. For libfido, and for libraries and programs built on it. An error is also this
 * thread's fido_last_error(). Any thread.
 */
void fido_log(/** Longest message, with its terminating zero; what is longer is cut. */
#define FIDO_LOG_MAX 512

	enum fido_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** The last error message of this thread; "" when there was none. Valid until the next call that fails. */
const char *fido_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
