/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/gaddr.h>

#include "tree.h"
#include "vm_protocol.h"
#include "vm_uuid.h"

#define NVDIMMS "/sys/bus/nd/devices"
#define DAX "/sys/bus/dax"
#define NONE UINT32_MAX

struct look {
	struct guest_memory mem;
	const char *group;
	uint64_t own;
};

/* QEMU's slot=N is NFIT handle N + 1. @return the number of the file; NONE */
static uint32_t
file_of(const char *nvdimm)
{
	uint64_t handle = doctor_tree_number(0, NVDIMMS "/%s/nfit/handle", nvdimm);

	return handle >= 1 && handle <= FIDO_VM_FILES_MAX ? (uint32_t)handle - 1 : NONE;
}

static bool
see_nvdimm(void *arg, const char *name)
{
	struct look *l = arg;
	uint32_t slot = strncmp(name, "nmem", 4) == 0 ? file_of(name) : NONE;

	if (slot < FIDO_SLOTS_MAX)
		l->mem.present |= UINT64_C(1) << slot;
	return false;
}

/* The uuid ends in the number of the file. */
static uint32_t
file_of_uuid(const char *name, const char *group)
{
	char have[64], want[FIDO_VM_UUID_TEXT];
	struct fido_vm_uuid uuid;
	uint32_t file;

	/* .../region3/dax3.1/dax3.0: the device of the bus nd is above. */
	if (!doctor_tree_line(have, sizeof(have), DAX "/devices/%s/../uuid", name) ||
		strlen(have) + 1 != sizeof(want))
		return NONE;
	file = (uint32_t)strtoul(have + sizeof(want) - 3, NULL, 16);
	uuid = fido_vm_uuid(group, file);
	fido_vm_uuid_text(&uuid, want);
	return strcmp(have, want) == 0 && file < FIDO_VM_FILES_MAX ? file : NONE;
}

/* dax3.0 lies in region3, whose first mapping is "nmem0,0,1073741824,0" if it is an NVDIMM. */
static uint32_t
file_of_dax(const char *name, const char *group)
{
	unsigned int region, index;
	char mapping[128];

	if (sscanf(name, "dax%u.%u", &region, &index) != 2 ||
		!doctor_tree_line(mapping, sizeof(mapping), NVDIMMS "/region%u/mapping0", region))
		return file_of_uuid(name, group);
	mapping[strcspn(mapping, ",")] = '\0';
	return file_of(mapping);
}

/* Others' files of RAM are read-only. */
static void
see_file_of_ram(struct look *l, const char *name)
{
	unsigned int region;

	if (sscanf(name, "dax%u", &region) != 1 ||
		doctor_tree_number(1, NVDIMMS "/region%u/read_only", region) != 0)
		return;
	snprintf(l->mem.file_of_ram, sizeof(l->mem.file_of_ram), "%s", name);
	l->mem.file_is_ram = doctor_tree_exists(DAX "/drivers/kmem/%s", name);
}

static bool
see_dax(void *arg, const char *name)
{
	struct look *l = arg;
	uint32_t slot = file_of_dax(name, l->group);
	uint64_t bit;

	if (slot == NONE) {
		l->mem.anonymous++;
		return false;
	}
	if (slot >= FIDO_SLOTS_MAX) {
		see_file_of_ram(l, name);
		return false;
	}
	bit = UINT64_C(1) << slot;
	l->mem.present |= bit; /* a virtio-pmem is nothing else */
	l->mem.dax |= bit;
	if (doctor_tree_exists(DAX "/drivers/kmem/%s", name)) {
		if (l->mem.ram == 0)
			snprintf(l->mem.first_ram, sizeof(l->mem.first_ram), "%s", name);
		l->mem.ram |= bit;
	} else if (!doctor_tree_allows(l->own & bit ? R_OK | W_OK : R_OK, "/dev/%s", name)) {
		l->mem.forbidden |= bit;
	}
	return false;
}

struct guest_memory
guest_memory_look(const char *group, uint64_t own)
{
	struct look l = {.group = group, .own = own};

	doctor_tree_each(see_nvdimm, &l, NVDIMMS);
	doctor_tree_each(see_dax, &l, DAX "/devices");
	return l.mem;
}
