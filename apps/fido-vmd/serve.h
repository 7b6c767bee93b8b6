/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_SERVE_H
#define FIDO_VMD_SERVE_H

/** @file Serve groups until a signal ends it. */

/** Block the signals that end it. Call it before there are threads. */
void vmd_serve_block_signals(void);
/**
 * Serve groups. Members and machines do not notice its end; another fido-vmd goes on.
 * @param groups their names; none: all, those that are created later too
 * @return 0 after SIGTERM or SIGINT, -errno (message written)
 */
int vmd_serve(char *const *groups, int count);

#endif
