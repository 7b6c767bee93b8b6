/* SPDX-License-Identifier: BSD-3-Clause */
/* Never written. Not const: then it would be in the file, and not in .bss. */

#include "zeros.h"

char blk_zeros[BLK_ZEROS_SIZE] __attribute__((aligned(4096)));
