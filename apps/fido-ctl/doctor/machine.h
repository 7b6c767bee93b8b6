/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_MACHINE_H
#define DOCTOR_MACHINE_H

/** @file What this machine is, and what checks are. */

#include <stdbool.h>

#include "finding.h"

struct doctor_machine {
	bool container;
	bool guest; /**< a virtual machine */
	bool xen;   /**< a Xen domain */
	bool dom0;
	bool root;                 /**< this user is root */
	char run[DOCTOR_PATH_MAX]; /**< folder of all groups, as the tree names it */
	/** The group that is asked for, or whose checks run; without its transport. NULL: none */
	const char *group;
	bool asked; /**< --group: what the group needs is needed */
};

/** A check; it changes nothing, and ends within some seconds. */
struct doctor_check {
	const char *name; /**< never changes; of A-Z a-z 0-9 - */
	struct doctor_finding (*fn)(const struct doctor_machine *m, const void *arg);
	const void *arg; /**< fn's */
};

/** Find out. */
void doctor_machine_look(struct doctor_machine *m);

/** Checks of each kind; the last one has no name. */
extern const struct doctor_check doctor_process_checks[];
extern const struct doctor_check doctor_memory_checks[];
extern const struct doctor_check doctor_folder_checks[];
extern const struct doctor_check doctor_vm_tools_checks[];     /**< to run virtual machines */
extern const struct doctor_check doctor_vm_host_checks[];      /**< a group's, on the host */
extern const struct doctor_check doctor_vm_guest_checks[];     /**< a group's, in a guest */
extern const struct doctor_check doctor_vm_any_guest_checks[]; /**< to see any group in a guest */
extern const struct doctor_check doctor_xen_checks[];
extern const struct doctor_check doctor_no_xen_checks[]; /**< a group's, where Xen is not */

/** Said of a command that prints what a virtual machine needs. */
#define DOCTOR_VM_ARGS_TO "# on the host; start this machine with it"

/** @return whether a folder of a group vm:NAME is on this machine; NAME's, or any for NULL */
bool doctor_vm_is_host(const struct doctor_machine *m, const char *group);
/** @return whether a port of a group vm:NAME is on this machine */
bool doctor_vm_is_guest(const char *group);
/** Call fn for each group vm:NAME of this machine, in no order. */
void doctor_vm_host_groups(const struct doctor_machine *m, void (*fn)(void *arg, const char *group),
	void *arg);
void doctor_vm_guest_groups(void (*fn)(void *arg, const char *group), void *arg);

#endif
