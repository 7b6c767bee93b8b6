/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that add a group's memory and ports to a QEMU that runs. */
#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include <fido/log.h>

/* Add a command to the list. @return its arguments */
static cJSON *
add_command(cJSON *list, const char *name)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "execute", name);
	cJSON_AddItemToArray(list, o);
	return cJSON_AddObjectToObject(o, "arguments");
}

__attribute__((format(printf, 3, 4))) static void
add_text(cJSON *o, const char *key, const char *fmt, ...)
{
	char text[VMD_PATH_MAX + 64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	cJSON_AddStringToObject(o, key, text);
}

/* The same as in args_qemu.c. */
static int
add_file(cJSON *list, const struct args *args, uint32_t file)
{
	const struct vmd_group *g = args->group;
	bool own = args_owns(args, file);
	char path[VMD_PATH_MAX];
	int ret = vmd_group_memory(g, file, path);
	cJSON *o;

	if (ret != 0)
		return ret;
	o = add_command(list, "object-add");
	add_text(o, "qom-type", "memory-backend-file");
	add_text(o, "id", "fido.%s.%u.mem", g->name, file);
	add_text(o, "mem-path", "%s", path);
	cJSON_AddNumberToObject(o, "size", (double)vmd_group_file_size(g, file));
	cJSON_AddNumberToObject(o, "align", (double)((uint64_t)args_align(args, file) << 20));
	cJSON_AddBoolToObject(o, "share", true);
	cJSON_AddBoolToObject(o, "readonly", !own);
	o = add_command(list, "device_add");
	add_text(o, "driver", "nvdimm");
	add_text(o, "id", "fido.%s.%u.dimm", g->name, file);
	add_text(o, "memdev", "fido.%s.%u.mem", g->name, file);
	cJSON_AddNumberToObject(o, "slot", file);
	cJSON_AddBoolToObject(o, "unarmed", !own);
	return 0;
}

static void
add_ports_device(cJSON *list, const struct args *args)
{
	cJSON *o = add_command(list, "device_add");

	add_text(o, "driver", "virtio-serial-pci");
	add_text(o, "id", "fido.%s.ports", args->group->name);
	/* Port 0 is the console's. */
	cJSON_AddNumberToObject(o, "max_ports", args->group->vms[args->vm].count + 1);
	if (args->bus != NULL)
		add_text(o, "bus", "%s", args->bus);
}

static void
add_port(cJSON *list, const struct args *args, uint32_t slot)
{
	const struct vmd_group *g = args->group;
	cJSON *o = add_command(list, "chardev-add"), *data;

	add_text(o, "id", "fido.%s.%u.chr", g->name, slot);
	o = cJSON_AddObjectToObject(o, "backend");
	add_text(o, "type", "socket");
	data = cJSON_AddObjectToObject(o, "data");
	o = cJSON_AddObjectToObject(data, "addr");
	add_text(o, "type", "unix");
	o = cJSON_AddObjectToObject(o, "data");
	add_text(o, "path", "%s/slot.%u.port", g->dir, slot);
	cJSON_AddBoolToObject(data, "server", false);
	cJSON_AddNumberToObject(data, "reconnect", 1);
	o = add_command(list, "device_add");
	add_text(o, "driver", "virtserialport");
	add_text(o, "bus", "fido.%s.ports.0", g->name);
	add_text(o, "chardev", "fido.%s.%u.chr", g->name, slot);
	add_text(o, "id", FIDO_VM_PORT, g->name, slot);
	add_text(o, "name", FIDO_VM_PORT, g->name, slot);
}

cJSON *
args_qmp_commands(const struct args *args)
{
	const struct vmd_group *g = args->group;
	const struct vmd_vm *vm = &g->vms[args->vm];
	cJSON *list = cJSON_CreateArray();
	int ret = 0;

	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX && ret == 0; file++)
		if (vmd_group_file_size(g, file) != 0)
			ret = add_file(list, args, file);
	if (ret != 0) {
		cJSON_Delete(list);
		return NULL;
	}
	add_ports_device(list, args);
	for (uint32_t slot = vm->first; slot < vm->first + vm->count; slot++)
		add_port(list, args, slot);
	return list;
}

int
args_qmp(FILE *out, const struct args *args)
{
	cJSON *list = args_qmp_commands(args), *command;

	if (list == NULL)
		return -ENAMETOOLONG;
	cJSON_ArrayForEach(command, list)
	{
		char *text = cJSON_PrintUnformatted(command);

		if (text != NULL)
			fprintf(out, "%s\n", text);
		free(text);
	}
	cJSON_Delete(list);
	return 0;
}
