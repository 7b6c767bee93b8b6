/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_PLUG_H
#define FIDO_VMD_PLUG_H

/** @file Add a group's memory and ports to a QEMU that runs. */

#include "args.h"

/**
 * Give QEMU the commands of args_qmp_commands(), without those whose object it has already, so that
 * it can be called again after a failure. Then make the socket the machine's monitor, by which
 * fido-vmd serve knows of deaths, unless the machine has one.
 * @param socket path of QEMU's monitor, which nobody else is connected to
 * @return 0, -errno (message written): what was added until then stays
 */
int vmd_plug(const struct args *args, const char *socket);

#endif
