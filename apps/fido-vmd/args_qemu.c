/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <inttypes.h>

/* In a value a comma is written twice. */
static void
print_value(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		fputc(*text, out);
		if (*text == ',')
			fputc(',', out);
	}
}

/*
 * QEMU's slot is the file's number, so that NFIT's handle, which the guest sees, names it. A member
 * maps others' memory read-only, but its kernel could not: QEMU opens the file read-only.
 */
static void
print_nvdimm(FILE *out, const struct args *args, uint32_t file)
{
	const char *group = args->group->name;

	fprintf(out, "-device\nnvdimm,id=fido.%s.%u.dimm,memdev=fido.%s.%u.mem,slot=%u%s\n", group,
		file, group, file, file, args_owns(args, file) ? "" : ",unarmed=on");
}

/* A bridge has 31 places that need no hot plug; the main bus of a machine has too few. */
#define BRIDGE_DEVICES 31
/* Numbers of chassis that nobody else uses. */
#define CHASSIS 160

static void
print_virtio_pmem(FILE *out, const struct args *args, uint32_t file, uint32_t nth)
{
	const char *group = args->group->name;
	uint32_t bridge = nth / BRIDGE_DEVICES;

	if (nth % BRIDGE_DEVICES == 0)
		fprintf(out, "-device\npci-bridge,id=fido.%s.pci.%u,chassis_nr=%u\n", group, bridge,
			CHASSIS + bridge);
	fprintf(out,
		"-device\nvirtio-pmem-pci,id=fido.%s.%u.dimm,memdev=fido.%s.%u.mem,"
		"bus=fido.%s.pci.%u,addr=%u\n",
		group, file, group, file, group, bridge, nth % BRIDGE_DEVICES + 1);
}

static int
print_backend(FILE *out, const struct args *args, uint32_t file)
{
	const struct vmd_group *g = args->group;
	char path[VMD_PATH_MAX];
	int ret = vmd_group_memory(g, file, path);

	if (ret != 0)
		return ret;
	fprintf(out, "-object\nmemory-backend-file,id=fido.%s.%u.mem,mem-path=", g->name, file);
	print_value(out, path);
	fprintf(out, ",size=%" PRIu64 ",align=%uM,share=on,readonly=%s\n",
		vmd_group_file_size(g, file), args_align(args, file),
		args_owns(args, file) ? "off" : "on");
	return 0;
}

static int
print_files(FILE *out, const struct args *args)
{
	uint32_t n = 0;
	int ret = 0;

	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX && ret == 0; file++) {
		if (vmd_group_file_size(args->group, file) == 0)
			continue;
		ret = print_backend(out, args, file);
		if (args->device == ARGS_VIRTIO_PMEM)
			print_virtio_pmem(out, args, file, n++);
		else
			print_nvdimm(out, args, file);
	}
	return ret;
}

static void
print_port(FILE *out, const struct args *args, uint32_t slot)
{
	const struct vmd_group *g = args->group;

	fprintf(out, "-chardev\nsocket,id=fido.%s.%u.chr,path=", g->name, slot);
	print_value(out, g->dir);
	fprintf(out, "/slot.%u.port,server=off,reconnect=1\n", slot);
	fprintf(out,
		"-device\nvirtserialport,bus=fido.%s.ports.0,chardev=fido.%s.%u.chr,"
		"id=" FIDO_VM_PORT ",name=" FIDO_VM_PORT "\n",
		g->name, g->name, slot, g->name, slot, g->name, slot);
}

static void
print_memory(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;

	fprintf(out, "-m\nsize=%" PRIu64 "M,slots=%u,maxmem=%" PRIu64 "M\n", args->memory >> 20,
		vmd_group_files_end(g), (args->memory + vmd_group_total_size(g)) >> 20);
}

/*
 * QEMU refuses to migrate a peer's shared memory, and so does not migrate this machine: the group's
 * memory and ports would stay behind. The device of doorbells, as a peer's, has the same effect.
 */
static void
print_blocker(FILE *out, const struct args *args)
{
	const char *group = args->group->name;

	fprintf(out,
		"-object\nmemory-backend-ram,id=fido.%s.stay.mem,size=4K,share=on\n"
		"-device\nivshmem-plain,id=fido.%s.stay,memdev=fido.%s.stay.mem,master=off\n",
		group, group, group);
}

/* Without `reconnect`: QEMU reads what it is told first before it goes on. */
static void
print_bells(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;

	fprintf(out, "-chardev\nsocket,id=fido.%s.bells.chr,path=", g->name);
	print_value(out, g->dir);
	fprintf(out, "/" FIDO_VM_BELLS ",server=off\n", g->vms[args->vm].name);
	fprintf(out,
		"-device\nivshmem-doorbell,id=fido.%s.bells,vectors=%u,chardev=fido.%s.bells.chr,"
		"master=off\n",
		g->name, g->bells, g->name);
}

int
args_qemu(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;
	const struct vmd_vm *vm = &g->vms[args->vm];
	int ret;

	if (args->device == ARGS_NVDIMM)
		fprintf(out, "-machine\nnvdimm=on\n");
	if (args->memory != 0)
		print_memory(out, args);
	ret = print_files(out, args);
	if (ret != 0)
		return ret;
	/* Port 0 is the console's. */
	fprintf(out, "-device\nvirtio-serial-pci,id=fido.%s.ports,max_ports=%u\n", g->name,
		vm->count + 1);
	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		print_port(out, args, slot);
	if (g->bells != 0)
		print_bells(out, args);
	else
		print_blocker(out, args);
	fprintf(out, "-qmp\nunix:");
	print_value(out, g->dir);
	fprintf(out, "/%s.vm/qmp,server=on,wait=off\n", vm->name);
	return 0;
}
