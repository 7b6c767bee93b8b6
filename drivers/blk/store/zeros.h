/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_ZEROS_H
#define FIDO_BLK_ZEROS_H

/** @file Zeros, to write to a medium that cannot zero a range by itself. */

/** Size in bytes; aligned to 4096. */
#define BLK_ZEROS_SIZE 65536u

extern char blk_zeros[BLK_ZEROS_SIZE];

#endif
