/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_GUEST_PORTS_H
#define DOCTOR_GUEST_PORTS_H

/**
 * @file
 * Ports of virtio-serial named fido.GROUP.N. None is opened: to fido-vmd an opened port is a member
 * that comes, and a closed one is a member that has died.
 */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <fido/domain.h>

struct guest_port {
	char group[FIDO_NAME_MAX];
	uint32_t slot;
	char device[64]; /**< vport0p1 */
};

/** Call fn for each port of the group; NULL: of any. In no order. */
void guest_ports_each(const char *group, void (*fn)(void *arg, const struct guest_port *p),
	void *arg);

/** Sets have a bit for each slot. */
struct guest_ports {
	uint64_t slots;
	uint64_t forbidden;    /**< not for this user */
	uint64_t unconnected;  /**< nobody is at the other end */
	bool connection_known; /**< root, and debugfs is mounted */
	char first_forbidden[64];
};

struct guest_ports guest_ports_of(const char *group);

/** Processes that have a port open, as far as this user may see them. */
struct guest_users {
	uint64_t slots;
	char text[300];
};

struct guest_users guest_ports_users(const char *group);

#endif
