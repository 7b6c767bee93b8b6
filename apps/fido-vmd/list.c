/* SPDX-License-Identifier: BSD-3-Clause */
#include "list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include <fido/log.h>

#include "members.h"
#include "process.h"
#include "use.h"

/* A group, and what is known of it. */
struct view {
	struct vmd_group group;
	const struct vmd_state_shm *state; /* NULL: it was never served */
	bool served;
};

struct list {
	FILE *out;
	cJSON *array; /* NULL: print text */
};

static const struct vmd_slot_shm never;
static const struct vmd_vm_shm no_machine;

static const struct vmd_slot_shm *
slot_of(const struct view *v, uint32_t slot)
{
	return v->state != NULL ? &v->state->slots[slot] : &never;
}

static const char *
state_name(const struct vmd_slot_shm *s)
{
	static const char *const names[] =
		{[MEMBERS_FREE] = "free", [MEMBERS_LIVE] = "live", [MEMBERS_HELD] = "held"};

	return names[members_state_of(s)];
}

static const char *
machine_state(const struct view *v, uint32_t vm)
{
	if (!vmd_use_runs(&v->group, v->state, vm))
		return "off";
	return v->state != NULL && v->state->vms[vm].paused ? "paused" : "runs";
}

/* ---- text ---- */

/* Names of those who hold a slot's memory; a name may have just been changed. */
static void
print_holders(FILE *out, const struct view *v, uint64_t holders)
{
	const char *comma = "";
	char name[FIDO_NAME_MAX];

	for (; holders != 0; holders &= holders - 1) {
		fido_control_name(name, slot_of(v, (uint32_t)__builtin_ctzll(holders))->name);
		fprintf(out, "%s%s", comma, name);
		comma = ",";
	}
}

static void
print_slot(FILE *out, const struct view *v, uint32_t slot)
{
	const struct vmd_slot_shm *s = slot_of(v, slot);
	const struct vmd_counters_shm *c = &s->counters;
	bool named = members_state_of(s) != MEMBERS_FREE;
	char name[FIDO_NAME_MAX] = "-", generation[24] = "-";

	if (named) {
		fido_control_name(name, s->name);
		snprintf(generation, sizeof(generation), "%" PRIx64, s->generation);
	}
	fprintf(out,
		"  %4u  %-15s  %-5s  %-15s  %16s  %9" PRIu64 "  %9" PRIu64 "  %7" PRIu64
		"  %8" PRIu64 "  ",
		slot, v->group.vms[vmd_group_vm_of(&v->group, slot)].name, state_name(s), name,
		generation, c->frames, c->rings, c->dropped, c->skipped);
	print_holders(out, v, s->holders);
	fputs(s->observes && named ? " (observes)\n" : "\n", out);
}

static void
print_group(FILE *out, const struct view *v)
{
	const struct vmd_group *g = &v->group;

	fprintf(out, "group %s: %u slots of %" PRIu64 " MiB in %s, ", g->name, g->layout.slots,
		g->size >> 20, g->memory);
	if (v->served)
		fprintf(out, "served by process %" PRIu64 "\n", v->state->pid);
	else
		fputs("not served: start fido-vmd serve\n", out);
	fputs("  machine          state   process  resets  RAM in MiB\n", out);
	for (uint32_t i = VMD_HOST_INDEX + 1; i < g->vm_count; i++)
		fprintf(out, "  %-15s  %-6s  %7" PRIu64 "  %6" PRIu64 "  %10" PRIu64 "\n",
			g->vms[i].name, machine_state(v, i),
			v->state != NULL ? v->state->vms[i].pid : 0,
			v->state != NULL ? v->state->vms[i].resets : 0, g->vms[i].ram >> 20);
	fputs("  slot  machine          state  member                 generation     frames      "
	      "rings  dropped   skipped  held by\n",
		out);
	for (uint32_t slot = 0; slot < g->layout.slots; slot++)
		print_slot(out, v, slot);
}

/* ---- JSON ---- */

static void
add_u64(cJSON *o, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	cJSON_AddRawToObject(o, key, text);
}

static void
add_hex(cJSON *o, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, n);
	cJSON_AddStringToObject(o, key, text);
}

static void
add_counters(cJSON *o, const struct vmd_counters_shm *c)
{
	add_u64(o, "joins", c->joins);
	add_u64(o, "frames", c->frames);
	add_u64(o, "rings", c->rings);
	add_u64(o, "changes", c->changes);
	add_u64(o, "dropped", c->dropped);
	add_u64(o, "skipped_bytes", c->skipped);
	add_u64(o, "overflows", c->overflows);
	add_u64(o, "headers_repaired", c->headers);
	add_u64(o, "testaments", c->testaments);
}

static cJSON *
slot_to_json(const struct view *v, uint32_t slot)
{
	const struct vmd_slot_shm *s = slot_of(v, slot);
	cJSON *o = cJSON_CreateObject(), *holders;
	char name[FIDO_NAME_MAX];

	fido_control_name(name, s->name);
	add_u64(o, "slot", slot);
	cJSON_AddStringToObject(o, "machine", v->group.vms[vmd_group_vm_of(&v->group, slot)].name);
	cJSON_AddStringToObject(o, "state", state_name(s));
	cJSON_AddStringToObject(o, "member", name);
	add_hex(o, "generation", s->generation);
	cJSON_AddBoolToObject(o, "observes", s->observes);
	cJSON_AddBoolToObject(o, "connected", v->served && s->connected);
	add_u64(o, "pid", s->pid);
	add_hex(o, "clock", s->clock);
	holders = cJSON_AddArrayToObject(o, "holders");
	for (uint64_t left = s->holders; left != 0; left &= left - 1)
		cJSON_AddItemToArray(holders, cJSON_CreateNumber((double)__builtin_ctzll(left)));
	add_counters(o, &s->counters);
	return o;
}

static cJSON *
machine_to_json(const struct view *v, uint32_t vm)
{
	const struct vmd_vm *config = &v->group.vms[vm];
	const struct vmd_vm_shm *state = v->state != NULL ? &v->state->vms[vm] : &no_machine;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "machine", config->name);
	add_u64(o, "first_slot", config->first);
	add_u64(o, "slots", config->count);
	add_u64(o, "uid", config->uid);
	if (vm == VMD_HOST_INDEX)
		return o;
	cJSON_AddStringToObject(o, "state", machine_state(v, vm));
	add_u64(o, "pid", state->pid);
	cJSON_AddBoolToObject(o, "qmp", v->served && state->qmp);
	add_u64(o, "deaths", state->deaths);
	add_u64(o, "resets", state->resets);
	add_u64(o, "migrations_refused", state->migrations);
	add_u64(o, "ram_bytes", config->ram);
	add_u64(o, "ram_headers_repaired", state->headers);
	return o;
}

static cJSON *
group_to_json(const struct view *v)
{
	const struct vmd_group *g = &v->group;
	cJSON *o = cJSON_CreateObject(), *array;

	cJSON_AddStringToObject(o, "group", g->name);
	cJSON_AddStringToObject(o, "folder", g->dir);
	cJSON_AddStringToObject(o, "memory", g->memory);
	add_u64(o, "slot_bytes", g->size);
	add_u64(o, "bells", g->bells);
	add_hex(o, "base", g->layout.base);
	add_u64(o, "slot_shift", g->layout.slot_shift);
	cJSON_AddBoolToObject(o, "served", v->served);
	array = cJSON_AddArrayToObject(o, "machines");
	for (uint32_t i = 0; i < g->vm_count; i++)
		cJSON_AddItemToArray(array, machine_to_json(v, i));
	array = cJSON_AddArrayToObject(o, "slots");
	for (uint32_t slot = 0; slot < g->layout.slots; slot++)
		cJSON_AddItemToArray(array, slot_to_json(v, slot));
	return o;
}

/* ---- the whole ---- */

static int
show(void *arg, const char *group)
{
	static struct view v;
	struct list *list = arg;
	int ret = vmd_group_load(&v.group, group);

	if (ret != 0)
		return ret;
	v.state = NULL;
	ret = vmd_state_read(&v.state, &v.group);
	if (ret != 0 && ret != -ENOENT)
		return ret;
	v.served = v.state != NULL && process_lives(v.state->pid, v.state->start);
	if (list->array != NULL)
		cJSON_AddItemToArray(list->array, group_to_json(&v));
	else
		print_group(list->out, &v);
	if (v.state != NULL)
		vmd_state_close(v.state);
	return 0;
}

static int
print_json(FILE *out, cJSON *array)
{
	char *text = cJSON_Print(array);

	if (text == NULL)
		return -ENOMEM;
	fprintf(out, "%s\n", text);
	free(text);
	return 0;
}

int
vmd_list(FILE *out, char *const *groups, int count, bool json)
{
	struct list list = {.out = out, .array = json ? cJSON_CreateArray() : NULL};
	int ret = count == 0 ? vmd_folder_each(show, &list) : 0;

	for (int i = 0; i < count && ret == 0; i++)
		ret = show(&list, groups[i]);
	if (ret == 0 && json)
		ret = print_json(out, list.array);
	cJSON_Delete(list.array);
	return ret;
}
