/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOG_H
#define FIDO_LOG_H

/**
 * @file
 * Messages for people. Each says what was tried, on what, why it failed, and what to do.
 * The data path logs nothing: it counts.
 */

#ifdef __cplusplus
extern "C" {
#endif

/** Longest message in bytes, with the terminating zero. A longer one is truncated. */
#define FIDO_LOG_MAX 512

/** Levels of messages, the gravest first. */
enum fido_log_level {
	FIDO_LOG_ERROR,   /**< an operation failed; sets fido_last_error() */
	FIDO_LOG_WARNING, /**< it works, but not as it should */
	FIDO_LOG_INFO,    /**< something happened: a peer came, left or died */
	FIDO_LOG_DEBUG    /**< for developers */
};

/**
 * Receives each message: one line, without a newline, valid during the call. Any thread of the
 * process may call it, also with libfido's locks held: it must not call libfido.
 */
typedef void (*fido_log_fn)(enum fido_log_level level, const char *message);

/**
 * Set the function that receives messages. Any thread; does not block.
 * @param fn NULL: write warnings and errors to stderr (the default)
 */
void fido_log_set(fido_log_fn fn);

/**
 * Log one message. For libfido, and for libraries and programs built on it. Any thread. An error
 * also becomes this thread's fido_last_error().
 */
void fido_log(enum fido_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * @return the last error message of this thread, "" if there was none. It belongs to libfido and is
 *         valid until this thread logs its next error.
 */
const char *fido_last_error(void);

#ifdef __cplusplus
}
#endif

#endif
