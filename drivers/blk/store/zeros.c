/* SPDX-License-Identifier: BSD-3-Clause */
/* Never written. Not const, so that it is in .bss and takes no space in the file. */

#include "zeros.h"

char blk_zeros[BLK_ZEROS_SIZE] __attribute__((aligned(4096)));
