/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proves: options of fido-vmd have their defaults, and values are stored; slots are numbered in
 * order.
 */
#include <getopt.h>

#include "options.h"
#include "test.h"

static struct vmd_options opt;

/* Parse a command line, split at spaces. */
static int
parse(const char *line)
{
	static char words[512];
	static char *argv[48];
	char *next = words, *word;
	int argc = 1;

	snprintf(words, sizeof(words), "%s", line);
	argv[0] = "fido-vmd";
	while ((word = strsep(&next, " ")) != NULL)
		argv[argc++] = word;
	argv[argc] = NULL;
	/* getopt_long() starts anew. */
	optind = 0;
	return vmd_options_parse(&opt, argc, argv);
}

static void
create(void **state)
{
	const struct vmd_group *g = &opt.create;

	(void)state;
	assert_int_equal(parse("create demo --vm gen --vm mid"), 0);
	assert_string_equal(g->name, "demo");
	assert_int_equal(g->layout.base, FIDO_DEFAULT_BASE);
	assert_int_equal(g->layout.slot_shift, FIDO_DEFAULT_SLOT_SHIFT);
	assert_int_equal(g->layout.slots, 12);
	assert_int_equal(g->size, 256 << 20);
	assert_int_equal(g->vm_count, 3);
	assert_string_equal(g->vms[0].name, "host");
	assert_int_equal(g->vms[1].first, 4);
	assert_int_equal(g->vms[2].first, 8);
	assert_int_equal(g->vms[2].uid, geteuid());
	assert_false(g->shared);
	assert_int_equal(g->bells, 0);

	assert_int_equal(parse("create demo --vm gen --vm mid --bells 64"), 0);
	assert_int_equal(g->bells, 64);
	/* fido-vmd, two machines, four slots of the host. */
	assert_int_equal(parse("create demo --vm gen --vm mid --bells 65"), -EINVAL);
	assert_int_equal(parse("create demo --vm gen --vm mid --host 9 --bells 64"), 0);
	assert_int_equal(parse("create demo --vm gen --vm mid --host 10 --bells 64"), -EINVAL);
	assert_int_equal(parse("args demo --vm gen --bells 4"), -EINVAL);
	assert_int_equal(
		parse("create vm:demo --vm gen:slots=7:user=0 --vm mid --host 0 --slots-per-vm 2 "
		      "--size 1G --base 0x200000000000 --slot-shift 38 --gid 0 --memory /m"),
		0);
	assert_string_equal(g->name, "demo");
	assert_int_equal(g->layout.base, UINT64_C(0x200000000000));
	assert_int_equal(g->layout.slot_shift, 38);
	assert_int_equal(g->layout.slots, 9);
	assert_int_equal(g->size, UINT64_C(1) << 30);
	assert_string_equal(g->memory, "/m");
	assert_int_equal(g->vms[1].first, 0);
	assert_int_equal(g->vms[1].count, 7);
	assert_int_equal(g->vms[2].first, 7);
	assert_true(g->shared);
}

/* Files: slots 0 to 8, and RAM of the second machine. */
static void
ram(void **state)
{
	const struct vmd_group *g = &opt.create;
	char text[VMD_FILE_TEXT_MAX], name[VMD_FILE_NAME_MAX];

	(void)state;
	assert_int_equal(parse("create demo --vm gen:slots=2 --vm mid:ram=256M:slots=3"), 0);
	assert_int_equal(g->vms[1].ram, 0);
	assert_int_equal(g->vms[2].ram, 256 << 20);
	assert_int_equal(vmd_group_file_size(g, 8), 258 << 20);
	assert_int_equal(vmd_group_file_size(g, 9), 0);
	assert_int_equal(vmd_group_file_size(g, FIDO_VM_RAM(0)), 0);
	assert_int_equal(vmd_group_file_size(g, FIDO_VM_RAM(1)), 384 << 20);
	assert_int_equal(vmd_group_file_size(g, FIDO_VM_RAM(2)), 0);
	assert_int_equal(vmd_group_files_end(g), FIDO_VM_RAM(1) + 1);
	assert_int_equal(vmd_group_vm_of(g, FIDO_VM_RAM(1)), 2);
	assert_int_equal(vmd_group_ram_of(2), FIDO_VM_RAM(1));
	assert_int_equal(vmd_group_total_size(g), (UINT64_C(9) * 258 + 384) << 20);
	vmd_group_file_text(g, FIDO_VM_RAM(1), text);
	assert_string_equal(text, "the RAM of mid");
	vmd_group_file_text(g, 8, text);
	assert_string_equal(text, "slot 8");
	vmd_group_file_name(FIDO_VM_RAM(1), name);
	assert_string_equal(name, "ram.1.mem");
	vmd_group_file_name(8, name);
	assert_string_equal(name, "slot.8.mem");
}

/* The host has what the machines leave, at most 4. */
static void
slots_of_the_host(void **state)
{
	const struct vmd_group *g = &opt.create;

	(void)state;
	assert_int_equal(parse("create demo --vm a:slots=62"), 0);
	assert_int_equal(g->vms[0].count, 2);
	assert_int_equal(g->vms[1].first, 2);
	assert_int_equal(parse("create demo --vm a:slots=64"), 0);
	assert_int_equal(g->vms[0].count, 0);
	assert_int_equal(g->layout.slots, 64);
	assert_int_equal(parse("create demo --vm a:slots=60 --host 3"), 0);
	assert_int_equal(g->vms[0].count, 3);
}

static void
others(void **state)
{
	(void)state;
	assert_int_equal(parse("serve"), 0);
	assert_int_equal(opt.command, VMD_SERVE);
	assert_int_equal(opt.group_count, 0);
	assert_int_equal(parse("serve a vm:b --quiet"), 0);
	assert_int_equal(opt.group_count, 2);
	assert_string_equal(opt.groups[1], "b");
	assert_true(opt.quiet);
	assert_int_equal(parse("args demo --vm gen --memory 512M --format libvirt"), 0);
	assert_string_equal(opt.vm, "gen");
	assert_int_equal(opt.memory_size, 512 << 20);
	assert_int_equal(opt.format, ARGS_LIBVIRT);
	assert_int_equal(parse("args demo --vm gen"), 0);
	assert_int_equal(opt.format, ARGS_QEMU);
	assert_int_equal(opt.device, ARGS_NVDIMM);
	assert_int_equal(parse("args demo --vm gen --memory-device virtio-pmem"), 0);
	assert_int_equal(opt.device, ARGS_VIRTIO_PMEM);
	assert_int_equal(parse("args demo --vm gen --format qmp --bus hot"), 0);
	assert_int_equal(opt.format, ARGS_QMP);
	assert_string_equal(opt.bus, "hot");
	assert_int_equal(parse("plug demo --vm gen --qmp /q --bus hot"), 0);
	assert_int_equal(opt.command, VMD_PLUG);
	assert_string_equal(opt.qmp, "/q");
	assert_int_equal(parse("list --json"), 0);
	assert_true(opt.json);
	assert_int_equal(parse("destroy --force demo"), 0);
	assert_true(opt.force);
	assert_string_equal(opt.groups[0], "demo");
}

TEST_MAIN(cmocka_unit_test(create), cmocka_unit_test(ram), cmocka_unit_test(slots_of_the_host),
	cmocka_unit_test(others))
