/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_FIO_CONFIG_H
#define FIDO_FIO_CONFIG_H

/**
 * @file
 * What fio's ./configure would say of this C library, for fio's headers: they bring functions of
 * their own where one is missing. None of it changes a structure that fio and an engine share.
 */

#define CONFIG_CLOCK_GETTIME
#define CONFIG_HAVE_BOOL
#define CONFIG_HAVE_GETTID
#define CONFIG_HAVE_KERNEL_RWF_T
#define CONFIG_PWRITEV2
#define CONFIG_STATIC_ASSERT
#define CONFIG_STRSEP
#define CONFIG_SYNC_FILE_RANGE

#endif
