/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_BLK_SIZE_H
#define FIDO_BLK_SIZE_H

/** @file Sizes in the arguments of stores: bytes, or a number with a unit, as in 64M. */

#include <stdint.h>

/** Parse a decimal number that one of K, M, G or T may follow. @return bytes; 0: not a size */
uint64_t blk_size_parse(const char *text);

#endif
