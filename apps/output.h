/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef APPS_OUTPUT_H
#define APPS_OUTPUT_H

/**
 * @file
 * What a program prints to its standard output, which may be a file on a full disk: the first failure is said once, at once,
 * and the program ends with a failure. That the reader of a pipe has gone is none to speak of.
 */

/** Call this first in main(), with the name that messages begin with. If there is no standard output, writes to it fail. */
void app_output_begin(const char *program);
/** Write out what was printed so far. @return 0; -errno: of the first write that failed, now or before (message written) */
int app_output_flush(void);
/** The same at the end, after which nothing is printed any more: some file systems say only now that they are full. */
int app_output_end(void);

#endif
