/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOG_PRIVATE_H
#define FIDO_LOG_PRIVATE_H

/** @file Writing messages; <fido/log.h> says where they go. */

#include <fido/log.h>

#define FIDO_MESSAGE_MAX 512

/** Write one message. An error is also this thread's fido_last_error(). */
void fido_log(enum fido_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
