/* SPDX-License-Identifier: BSD-3-Clause */
/* A group vm:NAME in a guest: ports to fido-vmd, memory of the slots, drivers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest_memory.h"
#include "guest_ports.h"
#include "machine.h"

#define ARGS "fido-vmd args %s --vm NAME --format qemu     " DOCTOR_VM_ARGS_TO

/* ---- groups ---- */

#define GROUPS_MAX 16

struct groups {
	char names[GROUPS_MAX][FIDO_NAME_MAX];
	unsigned int count;
};

static void
add_group(void *arg, const struct guest_port *p)
{
	struct groups *g = arg;

	for (unsigned int i = 0; i < g->count; i++)
		if (strcmp(g->names[i], p->group) == 0)
			return;
	if (g->count < GROUPS_MAX)
		memcpy(g->names[g->count++], p->group, sizeof(p->group));
}

void
doctor_vm_guest_groups(void (*fn)(void *arg, const char *group), void *arg)
{
	struct groups g = {.count = 0};

	guest_ports_each(NULL, add_group, &g);
	for (unsigned int i = 0; i < g.count; i++)
		fn(arg, g.names[i]);
}

bool
doctor_vm_is_guest(const char *group)
{
	return guest_ports_of(group).slots != 0;
}

/* ---- drivers ---- */

struct driver {
	const char *module;
	const char *bus;
	const char *without;
	bool optional;
};

static const struct driver console = {"virtio_console", "virtio", "no way to fido-vmd", false};
static const struct driver nfit = {"nfit", "acpi", "NVDIMMs are not seen", false};
static const struct driver nd_pmem = {"nd_pmem", "nd", "NVDIMMs have no memory", false};
static const struct driver dax_pmem = {"dax_pmem", "nd", "NVDIMMs are no devices of device dax",
	false};
static const struct driver device_dax = {"device_dax", "dax", "there is no /dev/dax*", false};
static const struct driver kmem = {"kmem", "dax",
	"an NVDIMM cannot become memory for EAL's huge pages", true};

static bool
kernel_has(const char *module)
{
	char release[128], name[64], line[1024];
	bool found = false;
	FILE *f = NULL;

	if (doctor_tree_line(release, sizeof(release), "/proc/sys/kernel/osrelease"))
		f = doctor_tree_open("/lib/modules/%s/modules.dep", release);
	if (f == NULL)
		return true; /* not known */
	snprintf(name, sizeof(name), "/%s.ko", module);
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strstr(line, name) != NULL;
	fclose(f);
	return found;
}

static struct doctor_finding
check_driver(const struct doctor_machine *m, const void *arg)
{
	const struct driver *d = arg;
	struct doctor_finding f;

	(void)m;
	if (doctor_tree_exists("/sys/bus/%s/drivers/%s", d->bus, d->module) ||
		doctor_tree_exists("/sys/module/%s", d->module))
		return doctor_ok("driver %s is there", d->module);
	f = doctor_if_needed(doctor_note("driver %s is missing: %s", d->module, d->without),
		!d->optional);
	if (!kernel_has(d->module))
		return doctor_mend(f,
			"apt-get install linux-image-amd64     # this kernel has no %s", d->module);
	return doctor_mend(f, "modprobe %s", d->module);
}

/* ---- ports ---- */

static struct doctor_finding
check_ports(const struct doctor_machine *m, const void *arg)
{
	struct guest_ports p = guest_ports_of(m->group);

	(void)arg;
	if (p.slots == 0)
		return doctor_mend(doctor_fail("there is no port fido.%s.N", m->group), ARGS,
			m->group);
	if (p.forbidden != 0)
		return doctor_mend(doctor_fail("the ports of %s are not for this user",
					   doctor_slots(p.forbidden).s),
			"run it as root, or: sudo chown $USER /dev/%s", p.first_forbidden);
	if (p.unconnected != 0)
		return doctor_mend(doctor_fail("nobody is at the other end of the ports of "
					       "%s: fido-vmd does not run on the host",
					   doctor_slots(p.unconnected).s),
			"systemctl start fido-vmd     # on the host");
	return doctor_ok("ports of %s%s", doctor_slots(p.slots).s,
		p.connection_known ? ", with fido-vmd at their other end"
			: m->root  ? ""
				   : " (whether fido-vmd is at their other end: needs root)");
}

static struct doctor_finding
check_free_ports(const struct doctor_machine *m, const void *arg)
{
	struct guest_ports p = guest_ports_of(m->group);
	struct guest_users users = guest_ports_users(m->group);
	uint64_t unused = p.slots & ~users.slots;

	(void)arg;
	if (unused != 0)
		return doctor_ok("free: %s%s%s%s", doctor_slots(unused).s,
			m->root ? "" : ", unless another user's process has it",
			users.text[0] != '\0' ? "; in use: " : "", users.text);
	if (p.slots == 0)
		return doctor_ok("no slot, so none in use");
	return doctor_mend(doctor_note("all slots of this machine are in use: %s", users.text),
		"end one; or fido-vmd create with --slots-per-vm");
}

/* ---- memory ---- */

static struct doctor_finding
check_own_memory(const struct doctor_machine *m, const void *arg)
{
	uint64_t own = guest_ports_of(m->group).slots;
	struct guest_memory mem = guest_memory_look(m->group, own);

	(void)arg;
	if (own & ~mem.present)
		return doctor_mend(doctor_fail("there is no NVDIMM for %s",
					   doctor_slots(own & ~mem.present).s),
			ARGS, m->group);
	if (own & mem.ram)
		return doctor_mend(doctor_fail("the memory of %s is used as RAM (kmem)",
					   doctor_slots(own & mem.ram).s),
			"echo %s > /sys/bus/dax/drivers/kmem/unbind; "
			"echo %s > /sys/bus/dax/drivers/device_dax/bind",
			mem.first_ram, mem.first_ram);
	if (own & ~mem.dax)
		return doctor_mend(doctor_fail("the memory of %s is no device of device "
					       "dax: a driver is missing (above), or its header "
					       "is damaged; then fido-vmd writes it anew when the "
					       "machine starts",
					   doctor_slots(own & ~mem.dax).s),
			"reboot");
	if (own & mem.forbidden)
		return doctor_mend(doctor_fail("the memory of %s is not for this user",
					   doctor_slots(own & mem.forbidden).s),
			"run it as root, or: sudo chown $USER /dev/dax*");
	return doctor_ok("the memory of %s is there", doctor_slots(own).s);
}

static struct doctor_finding
check_other_memory(const struct doctor_machine *m, const void *arg)
{
	uint64_t own = guest_ports_of(m->group).slots;
	struct guest_memory mem = guest_memory_look(m->group, own);
	uint64_t others = mem.present & ~own;

	(void)arg;
	if (mem.anonymous != 0)
		return doctor_mend(doctor_note("%u devices of device dax are not the group's: "
					       "another one's, or their header is damaged",
					   mem.anonymous),
			ARGS, m->group);
	if (others & ~mem.dax)
		return doctor_mend(doctor_fail("the memory of others' %s is no device of "
					       "device dax: its header is damaged: fido-vmd writes "
					       "it anew when the machine starts",
					   doctor_slots(others & ~mem.dax).s),
			"reboot");
	if (others & mem.forbidden)
		return doctor_mend(doctor_fail("the memory of others' %s is not for this "
					       "user",
					   doctor_slots(others & mem.forbidden).s),
			"run it as root, or: sudo chown $USER /dev/dax*");
	if (others == 0)
		return doctor_mend(doctor_note("no memory of other machines is here: nobody to "
					       "talk to, beside this machine's own processes"),
			ARGS, m->group);
	return doctor_ok("the memory of others' %s can be read", doctor_slots(others).s);
}

/* ---- RAM that others can read ---- */

static struct doctor_finding
check_ram(const struct doctor_machine *m, const void *arg)
{
	struct guest_memory mem = guest_memory_look(m->group, 0);
	uint64_t pages =
		doctor_tree_number(0, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");

	(void)arg;
	if (mem.file_of_ram[0] == '\0')
		return doctor_ok("this machine has no file of RAM: packets in EAL's own memory are "
				 "copied; arenas are not (pools=arena)");
	if (!mem.file_is_ram)
		return doctor_mend(doctor_note("the file of RAM, %s, is not used as RAM: packets "
					       "in EAL's own memory are copied",
					   mem.file_of_ram),
			"modprobe kmem; echo online_movable > "
			"/sys/devices/system/memory/auto_online_blocks; "
			"echo %s > /sys/bus/dax/drivers/device_dax/unbind; "
			"echo %s > /sys/bus/dax/drivers/kmem/new_id",
			mem.file_of_ram, mem.file_of_ram);
	if (pages == 0)
		return doctor_mend(doctor_note("the file of RAM is RAM, and no huge pages are "
					       "reserved there"),
			"echo N > /proc/sys/vm/nr_hugepages");
	return doctor_ok("the file of RAM, %s, is RAM; there are %" PRIu64 " huge pages",
		mem.file_of_ram, pages);
}

/* ---- faster doorbells ---- */

/* Its table of interrupts. ivshmem-plain has none: it only keeps a machine from being migrated. */
static bool
has_bar1(const char *name)
{
	FILE *f = doctor_tree_open("/sys/bus/pci/devices/%s/resource", name);
	unsigned long long start = 0;

	/* A line of three numbers for each BAR. */
	if (f != NULL && fscanf(f, "%*s %*s %*s %llx", &start) != 1)
		start = 0;
	if (f != NULL)
		fclose(f);
	return start != 0;
}

static bool
see_ivshmem(void *arg, const char *name)
{
	(void)arg;
	return doctor_tree_number(0, "/sys/bus/pci/devices/%s/vendor", name) == 0x1af4 &&
		doctor_tree_number(0, "/sys/bus/pci/devices/%s/device", name) == 0x1110 &&
		has_bar1(name);
}

static bool
see_any(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return true;
}

static struct doctor_finding
check_bells(const struct doctor_machine *m, const void *arg)
{
	(void)m;
	(void)arg;
	if (!doctor_tree_each(see_ivshmem, NULL, "/sys/bus/pci/devices"))
		return doctor_ok("doorbells go by way of fido-vmd: no ivshmem device");
	if (!doctor_tree_each(see_any, NULL, "/sys/kernel/iommu_groups"))
		return doctor_mend(doctor_note("an ivshmem device, and no IOMMU: doorbells go by "
					       "way of fido-vmd"),
			"-device intel-iommu, and the kernel's intel_iommu=on iommu=pt");
	if (!doctor_tree_exists("/sys/bus/pci/drivers/vfio-pci"))
		return doctor_mend(doctor_note("an ivshmem device, and no driver vfio-pci: "
					       "doorbells go by way of fido-vmd"),
			"modprobe vfio-pci");
	return doctor_ok("an ivshmem device, an IOMMU and vfio-pci are there");
}

const struct doctor_check doctor_vm_any_guest_checks[] = {
	{"virtio-console", check_driver, &console},
	{0},
};

const struct doctor_check doctor_vm_guest_checks[] = {
	{"virtio-console", check_driver, &console},
	{"nfit", check_driver, &nfit},
	{"nd-pmem", check_driver, &nd_pmem},
	{"dax-pmem", check_driver, &dax_pmem},
	{"device-dax", check_driver, &device_dax},
	{"kmem", check_driver, &kmem},
	{"ports", check_ports, NULL},
	{"free-slots", check_free_ports, NULL},
	{"own-memory", check_own_memory, NULL},
	{"others-memory", check_other_memory, NULL},
	{"ram", check_ram, NULL},
	{"doorbells", check_bells, NULL},
	{0},
};
