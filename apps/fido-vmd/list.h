/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_LIST_H
#define FIDO_VMD_LIST_H

/** @file Show groups, their machines and slots. */

#include <stdbool.h>
#include <stdio.h>

/** @param count of groups; 0: all. @return 0, -errno (message written) */
int vmd_list(FILE *out, char *const *groups, int count, bool json);

#endif
