/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef APPS_OUTPUT_H
#define APPS_OUTPUT_H

/**
 * @file
 * Standard output of a program, which may be a file on a full disk: report the first write error
 * once, when it occurs, and let the program exit with a failure. A closed pipe (EPIPE) is not
 * reported.
 */

/**
 * Prepare standard output. Call this first in main(). If standard output is closed, writes to it
 * fail.
 * @param program name that messages begin with
 */
void app_output_begin(const char *program);
/**
 * Flush standard output.
 * @return 0; -errno of the first write that failed, now or before (message written)
 */
int app_output_flush(void);
/**
 * Flush and close standard output, at the end of main(): some file systems report only at the close
 * that they are full.
 * @return as app_output_flush()
 */
int app_output_end(void);

#endif
