/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include <fido/log.h>

static int
add_file(cJSON *array, const struct args *args, uint32_t file)
{
	const struct vmd_group *g = args->group;
	char path[VMD_PATH_MAX], id[64];
	int ret = vmd_group_memory(g, file, path);
	cJSON *o;

	if (ret != 0)
		return ret;
	o = cJSON_CreateObject();
	snprintf(id, sizeof(id), "fido_%u", file);
	cJSON_AddStringToObject(o, "id", id);
	cJSON_AddStringToObject(o, "path_on_host", path);
	cJSON_AddBoolToObject(o, "root_device", false);
	cJSON_AddBoolToObject(o, "read_only", !args_owns(args, file));
	cJSON_AddItemToArray(array, o);
	return 0;
}

int
args_firecracker(FILE *out, const struct args *args)
{
	cJSON *root = cJSON_CreateObject(), *array = cJSON_AddArrayToObject(root, "pmem");
	char *text = NULL;
	int ret = 0;

	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX && ret == 0; file++)
		if (vmd_group_file_size(args->group, file) != 0)
			ret = add_file(array, args, file);
	if (ret == 0) {
		text = cJSON_Print(root);
		ret = text != NULL ? 0 : -ENOMEM;
	}
	if (ret == 0) {
		fprintf(out, "%s\n", text);
		fido_log(FIDO_LOG_WARNING,
			"Firecracker has no virtio-serial: its guests have the memory, but no way "
			"yet to speak to fido-vmd");
	}
	free(text);
	cJSON_Delete(root);
	return ret;
}
