/* SPDX-License-Identifier: BSD-3-Clause */
#include "group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include <fido/log.h>

#include "fido_bell.h"

#define FILE_NAME "group.json"
#define VERSION 1
#define FILE_MAX (64 << 10)

uint32_t
vmd_group_vm_of(const struct vmd_group *g, uint32_t file)
{
	uint32_t i = 0;

	if (file >= FIDO_SLOTS_MAX)
		return file - FIDO_VM_RAM(0) + VMD_HOST_INDEX + 1;
	while (file - g->vms[i].first >= g->vms[i].count)
		i++;
	return i;
}

/*
 * Blocks of RAM are aligned in the guest, and the file begins at such an address: what is before
 * the second block is the header and unused.
 */
uint64_t
vmd_group_file_size(const struct vmd_group *g, uint32_t file)
{
	uint32_t vm;

	if (file < FIDO_SLOTS_MAX)
		return file < g->layout.slots ? g->size + FIDO_VM_HEADER_SIZE : 0;
	vm = vmd_group_vm_of(g, file);
	return vm < g->vm_count && g->vms[vm].ram != 0 ? g->vms[vm].ram + VMD_RAM_BLOCK : 0;
}

uint64_t
vmd_group_total_size(const struct vmd_group *g)
{
	uint64_t total = 0;

	for (uint32_t file = 0; file < FIDO_VM_FILES_MAX; file++)
		total += vmd_group_file_size(g, file);
	return total;
}

uint32_t
vmd_group_files_end(const struct vmd_group *g)
{
	uint32_t end = FIDO_VM_FILES_MAX;

	while (vmd_group_file_size(g, end - 1) == 0)
		end--;
	return end;
}

void
vmd_group_file_name(uint32_t file, char *out)
{
	if (file < FIDO_SLOTS_MAX)
		snprintf(out, VMD_FILE_NAME_MAX, FIDO_VM_MEMORY, file);
	else
		snprintf(out, VMD_FILE_NAME_MAX, FIDO_VM_RAM_MEMORY, file - FIDO_VM_RAM(0));
}

void
vmd_group_file_text(const struct vmd_group *g, uint32_t file, char *out)
{
	if (file < FIDO_SLOTS_MAX)
		snprintf(out, VMD_FILE_TEXT_MAX, "slot %u", file);
	else
		snprintf(out, VMD_FILE_TEXT_MAX, "the RAM of %s",
			g->vms[vmd_group_vm_of(g, file)].name);
}

uint32_t
vmd_group_find(const struct vmd_group *g, const char *name)
{
	uint32_t i = 0;

	while (i < g->vm_count && strcmp(g->vms[i].name, name) != 0)
		i++;
	return i;
}

/* Groups of the same name in other folders, FIDO_RUNDIR, have other files. */
static uint32_t
tag_of(const char *dir)
{
	uint32_t tag = 0x811c9dc5;

	for (; *dir != '\0'; dir++)
		tag = (tag ^ (unsigned char)*dir) * 0x01000193;
	return tag;
}

int
vmd_group_memory(const struct vmd_group *g, uint32_t file, char *out)
{
	bool ram = file >= FIDO_SLOTS_MAX;

	return vmd_folder_path(out, g->memory, "fido.%s.%s%u.%08" PRIx32, g->name, ram ? "ram" : "",
		ram ? file - FIDO_VM_RAM(0) : file, tag_of(g->dir));
}

/* ---- write ---- */

static cJSON *
vm_to_json(const struct vmd_vm *vm)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", vm->name);
	cJSON_AddNumberToObject(o, "first", vm->first);
	cJSON_AddNumberToObject(o, "slots", vm->count);
	cJSON_AddNumberToObject(o, "uid", vm->uid);
	if (vm->ram != 0)
		cJSON_AddNumberToObject(o, "ram", (double)vm->ram);
	return o;
}

static char *
group_to_text(const struct vmd_group *g)
{
	cJSON *o = cJSON_CreateObject(), *vms;
	char base[24], *text;

	snprintf(base, sizeof(base), "0x%" PRIx64, g->layout.base);
	cJSON_AddNumberToObject(o, "version", VERSION);
	cJSON_AddStringToObject(o, "group", g->name);
	cJSON_AddStringToObject(o, "base", base);
	cJSON_AddNumberToObject(o, "slot_shift", g->layout.slot_shift);
	cJSON_AddNumberToObject(o, "slots", g->layout.slots);
	cJSON_AddNumberToObject(o, "size", (double)g->size);
	cJSON_AddStringToObject(o, "memory", g->memory);
	if (g->bells != 0)
		cJSON_AddNumberToObject(o, "bells", g->bells);
	if (g->shared)
		cJSON_AddNumberToObject(o, "gid", g->gid);
	vms = cJSON_AddArrayToObject(o, "vms");
	for (uint32_t i = 0; i < g->vm_count; i++)
		cJSON_AddItemToArray(vms, vm_to_json(&g->vms[i]));
	text = cJSON_Print(o);
	cJSON_Delete(o);
	return text;
}

int
vmd_group_save(const struct vmd_group *g, const char *dir)
{
	char path[VMD_PATH_MAX], *text = group_to_text(g);
	FILE *f = NULL;
	int ret = text != NULL ? vmd_folder_path(path, dir, FILE_NAME) : -ENOMEM;

	if (ret == 0) {
		f = fopen(path, "wxe");
		if (f == NULL || fprintf(f, "%s\n", text) < 0)
			ret = -errno;
		if (f != NULL && fclose(f) != 0)
			ret = -errno;
	}
	free(text);
	if (ret != 0)
		fido_log(FIDO_LOG_ERROR, "cannot write %s/" FILE_NAME ": %s", dir, strerror(-ret));
	return ret;
}

/* ---- read ---- */

/* @return false: o has no whole number of that name from min to max */
static bool
number_of(const cJSON *o, const char *name, uint64_t min, uint64_t max, uint64_t *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= (double)min) ||
		!(item->valuedouble <= (double)max))
		return false;
	*out = (uint64_t)item->valuedouble;
	return (double)*out == item->valuedouble;
}

static bool
string_of(const cJSON *o, const char *name, char *out, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	if (text == NULL || strlen(text) >= size)
		return false;
	strcpy(out, text);
	return true;
}

/* A machine's slots follow those of the one before. */
static bool
vm_from_json(struct vmd_vm *vm, const cJSON *o, uint32_t first)
{
	uint64_t have, count, uid, ram = 0;

	if (!string_of(o, "name", vm->name, sizeof(vm->name)) || !fido_name_valid(vm->name) ||
		!number_of(o, "first", first, first, &have) ||
		!number_of(o, "slots", 0, FIDO_SLOTS_MAX, &count) ||
		!number_of(o, "uid", 0, UINT32_MAX, &uid) ||
		(cJSON_HasObjectItem(o, "ram") &&
			!number_of(o, "ram", VMD_RAM_BLOCK, UINT64_C(1) << FIDO_GADDR_BITS, &ram)))
		return false;
	vm->ram = ram;
	vm->first = first;
	vm->count = (uint32_t)count;
	vm->uid = (uid_t)uid;
	return true;
}

static bool
vms_from_json(struct vmd_group *g, const cJSON *o)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(o, "vms"), *item;
	uint32_t next = 0;

	cJSON_ArrayForEach(item, array)
	{
		struct vmd_vm *vm = &g->vms[g->vm_count];

		if (g->vm_count == VMD_VMS_MAX || !vm_from_json(vm, item, next))
			return false;
		next += vm->count;
		g->vm_count++;
	}
	return g->vm_count > 0 && strcmp(g->vms[VMD_HOST_INDEX].name, VMD_HOST) == 0 &&
		next == g->layout.slots;
}

static bool
group_from_json(struct vmd_group *g, const cJSON *o)
{
	char base[24], name[FIDO_NAME_MAX], *end;
	uint64_t version, shift, slots, gid, bells = 0;

	if (!number_of(o, "version", VERSION, VERSION, &version) ||
		!string_of(o, "group", name, sizeof(name)) || strcmp(name, g->name) != 0 ||
		!string_of(o, "base", base, sizeof(base)) ||
		!number_of(o, "slot_shift", FIDO_GRANULE_SHIFT, FIDO_GADDR_BITS - 1, &shift) ||
		!number_of(o, "slots", 2, FIDO_SLOTS_MAX, &slots) ||
		!number_of(o, "size", VMD_SIZE_MIN, UINT64_C(1) << shift, &g->size) ||
		g->size % FIDO_GRANULE_SIZE != 0 ||
		!string_of(o, "memory", g->memory, sizeof(g->memory)) ||
		(cJSON_HasObjectItem(o, "bells") &&
			!number_of(o, "bells", 1, FIDO_BELL_VECTORS_MAX, &bells)))
		return false;
	g->bells = (uint32_t)bells;
	g->layout.base = strtoull(base, &end, 0);
	g->layout.slot_shift = (uint32_t)shift;
	g->layout.slots = (uint32_t)slots;
	g->shared = number_of(o, "gid", 0, UINT32_MAX, &gid);
	g->gid = g->shared ? (gid_t)gid : (gid_t)-1;
	return *end == '\0' && g->layout.base % FIDO_GRANULE_SIZE == 0 && vms_from_json(g, o);
}

static int
parse(struct vmd_group *g, FILE *f, const char *path)
{
	static char text[FILE_MAX];
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	cJSON *o;
	bool good;

	text[n] = '\0';
	o = cJSON_Parse(text);
	good = o != NULL && group_from_json(g, o);
	cJSON_Delete(o);
	if (good)
		return 0;
	fido_log(FIDO_LOG_ERROR,
		"%s: not the file of a group of this version of fido-vmd: remove the group with "
		"the fido-vmd that created it, and create it again",
		path);
	return -EPROTO;
}

int
vmd_group_load(struct vmd_group *g, const char *name)
{
	char path[VMD_PATH_MAX];
	FILE *f;
	int ret;

	*g = (struct vmd_group){.gid = (gid_t)-1};
	snprintf(g->name, sizeof(g->name), "%s", name);
	ret = vmd_folder_of(name, g->dir);
	if (ret == 0)
		ret = vmd_folder_path(path, g->dir, FILE_NAME);
	if (ret != 0)
		return ret;
	f = fopen(path, "re");
	if (f == NULL) {
		ret = -errno;
		fido_log(FIDO_LOG_ERROR,
			ret == -ENOENT
				? "group %s: there is no such group (%s: %s): create it: fido-vmd "
				  "create %s --vm NAME..."
				: "group %s: cannot read %s: %s",
			name, path, strerror(-ret), name);
		return ret;
	}
	ret = parse(g, f, path);
	fclose(f);
	return ret;
}
