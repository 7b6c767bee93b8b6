/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <inttypes.h>

#include "vm_uuid.h"

/* Text of an element, or between single quotes. */
static void
print_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		default:
			fputc(*text, out);
		}
}

static int
print_file(FILE *out, const struct args *args, uint32_t file)
{
	const struct vmd_group *g = args->group;
	const struct fido_vm_uuid uuid = fido_vm_uuid(g->name, file);
	char path[VMD_PATH_MAX], id[FIDO_VM_UUID_TEXT];
	int ret = vmd_group_memory(g, file, path);

	if (ret != 0)
		return ret;
	fido_vm_uuid_text(&uuid, id);
	fprintf(out,
		"    <memory model='nvdimm' access='shared'>\n"
		"      <uuid>%s</uuid>\n"
		"      <source>\n"
		"        <path>",
		id);
	print_text(out, path);
	fprintf(out,
		"</path>\n"
		"        <alignsize unit='KiB'>%u</alignsize>\n"
		"      </source>\n"
		"      <target>\n"
		"        <size unit='KiB'>%" PRIu64 "</size>\n"
		"        <node>0</node>\n%s"
		"      </target>\n"
		"      <address type='dimm' slot='%u'/>\n"
		"    </memory>\n",
		args_align(args, file) << 10, vmd_group_file_size(g, file) >> 10,
		args_owns(args, file) ? "" : "        <readonly/>\n", file);
	return 0;
}

static void
print_port(FILE *out, const struct args *args, uint32_t slot)
{
	const struct vmd_group *g = args->group;

	fprintf(out, "    <channel type='unix'>\n      <source mode='connect' path='");
	print_text(out, g->dir);
	fprintf(out,
		"/slot.%u.port'>\n"
		"        <reconnect enabled='yes' timeout='1'/>\n"
		"      </source>\n"
		"      <target type='virtio' name='" FIDO_VM_PORT "'/>\n"
		"      <alias name='ua-" FIDO_VM_PORT "'/>\n"
		"    </channel>\n",
		slot, g->name, slot, g->name, slot);
}

static void
print_memory(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;

	fprintf(out,
		"  <maxMemory slots='%u' unit='KiB'>%" PRIu64 "</maxMemory>\n"
		"  <memory unit='KiB'>%" PRIu64 "</memory>\n",
		vmd_group_files_end(g), (args->memory + vmd_group_total_size(g)) >> 10,
		args->memory >> 10);
}

static void
print_bells(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;

	fprintf(out,
		"    <shmem name='fido.%s' role='peer'>\n"
		"      <model type='ivshmem-doorbell'/>\n"
		"      <server path='",
		g->name);
	print_text(out, g->dir);
	fprintf(out,
		"/" FIDO_VM_BELLS "'/>\n"
		"      <msi vectors='%u' ioeventfd='on'/>\n"
		"    </shmem>\n",
		g->vms[args->vm].name, g->bells);
}

/* A peer's shared memory cannot be migrated. */
static void
print_blocker(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;

	fprintf(out,
		"    <shmem name='fido.%s.%s.stay' role='peer'>\n"
		"      <model type='ivshmem-plain'/>\n"
		"      <size unit='M'>1</size>\n"
		"    </shmem>\n",
		g->name, g->vms[args->vm].name);
}

int
args_libvirt(FILE *out, const struct args *args)
{
	const struct vmd_group *g = args->group;
	const struct vmd_vm *vm = &g->vms[args->vm];
	int ret = 0;

	fprintf(out,
		"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n");
	if (args->memory != 0)
		print_memory(out, args);
	fprintf(out, "  <devices>\n");
	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX && ret == 0; file++)
		if (vmd_group_file_size(g, file) != 0)
			ret = print_file(out, args, file);
	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		print_port(out, args, slot);
	if (g->bells != 0)
		print_bells(out, args);
	else
		print_blocker(out, args);
	fprintf(out,
		"  </devices>\n"
		"  <qemu:commandline>\n"
		"    <qemu:arg value='-qmp'/>\n"
		"    <qemu:arg value='unix:");
	print_text(out, g->dir);
	fprintf(out,
		"/%s.vm/qmp,server=on,wait=off'/>\n"
		"  </qemu:commandline>\n"
		"</domain>\n",
		vm->name);
	return ret;
}
