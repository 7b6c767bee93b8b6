/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bell_file.h"
#include "fido_bell.h"

enum {
	OPT_VM = 256,
	OPT_HOST,
	OPT_SIZE,
	OPT_SLOTS_PER_VM,
	OPT_MEMORY,
	OPT_BASE,
	OPT_SLOT_SHIFT,
	OPT_GID,
	OPT_BELLS,
	OPT_FORMAT,
	OPT_DEVICE,
	OPT_QMP,
	OPT_BUS,
	OPT_FORCE,
	OPT_JSON,
	OPT_QUIET,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{"vm", required_argument, NULL, OPT_VM},
	{"host", required_argument, NULL, OPT_HOST},
	{"slots-per-vm", required_argument, NULL, OPT_SLOTS_PER_VM},
	{"size", required_argument, NULL, OPT_SIZE},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"base", required_argument, NULL, OPT_BASE},
	{"slot-shift", required_argument, NULL, OPT_SLOT_SHIFT},
	{"gid", required_argument, NULL, OPT_GID},
	{"bells", required_argument, NULL, OPT_BELLS},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"memory-device", required_argument, NULL, OPT_DEVICE},
	{"qmp", required_argument, NULL, OPT_QMP},
	{"bus", required_argument, NULL, OPT_BUS},
	{"force", no_argument, NULL, OPT_FORCE},
	{"json", no_argument, NULL, OPT_JSON},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

#define OF(command) (1u << VMD_##command)

/* The commands that take an option. */
static const struct {
	int key;
	unsigned int commands;
} takers[] = {
	{OPT_VM, OF(CREATE) | OF(ARGS) | OF(PLUG)},
	{OPT_HOST, OF(CREATE)},
	{OPT_SLOTS_PER_VM, OF(CREATE)},
	{OPT_SIZE, OF(CREATE)},
	{OPT_MEMORY, OF(CREATE) | OF(ARGS)},
	{OPT_BASE, OF(CREATE)},
	{OPT_SLOT_SHIFT, OF(CREATE)},
	{OPT_GID, OF(CREATE)},
	{OPT_BELLS, OF(CREATE)},
	{OPT_FORMAT, OF(ARGS)},
	{OPT_DEVICE, OF(ARGS)},
	{OPT_QMP, OF(PLUG)},
	{OPT_BUS, OF(ARGS) | OF(PLUG)},
	{OPT_FORCE, OF(DESTROY)},
	{OPT_JSON, OF(LIST)},
	{OPT_QUIET, OF(SERVE)},
};

static const char *const command_names[] = {"create", "destroy", "serve", "args", "list", "plug",
	"bells"};

static void
print_usage(void)
{
	fputs("usage: fido-vmd create GROUP --vm NAME[:slots=N][:user=USER][:ram=SIZE]... "
	      "[options]\n"
	      "       fido-vmd destroy GROUP [--force]\n"
	      "       fido-vmd serve [GROUP...] [--quiet]\n"
	      "       fido-vmd args GROUP --vm NAME [--format FORMAT] [--memory SIZE]\n"
	      "                [--memory-device DEVICE] [--bus BUS]\n"
	      "       fido-vmd plug GROUP --vm NAME --qmp SOCKET [--bus BUS]\n"
	      "       fido-vmd list [GROUP...] [--json]\n"
	      "       fido-vmd bells GROUP\n"
	      "Create groups of virtual machines, and serve them: tell members of each other.\n"
	      "\n"
	      "commands:\n"
	      "  create              create a group: its folder, and the memory of its slots\n"
	      "  destroy             remove a group; no machine may run, no member may live\n"
	      "  serve               serve groups until SIGTERM; without one, all, also new ones\n"
	      "  args                print what a machine needs to be in the group\n"
	      "  plug                add what a machine needs to its QEMU, which runs\n"
	      "  list                show groups, machines and slots\n"
	      "  bells               hold a group's doorbells until it is removed; serve starts "
	      "it\n"
	      "options:\n"
	      "  --vm NAME[:slots=N][:user=USER][:ram=SIZE]\n"
	      "                      create: a machine, its slots, the user of its QEMU, memory "
	      "that\n"
	      "                      its kernel can use as RAM and others can read; can be "
	      "repeated.\n"
	      "                      args: the machine\n"
	      "  --host N            create: slots for processes of the host (default 4, or fewer\n"
	      "                      if the machines' slots leave fewer)\n"
	      "  --slots-per-vm N    create: slots of a machine (default 4)\n"
	      "  --size SIZE         create: memory of a slot (default 256M)\n"
	      "  --memory DIR|SIZE   create: folder for the memory (default: huge pages, else\n"
	      "                      /dev/shm). args: the machine's own memory, to print -m, too\n"
	      "  --base ADDRESS      create: address of slot 0 (default 0x110000000000)\n"
	      "  --slot-shift N      create: log2 of the bytes between slots (default 40)\n"
	      "  --gid NAME          create: Unix group of all users of the group\n"
	      "  --bells N           create: vectors of each machine, for doorbells by a device\n"
	      "                      (default 0)\n"
	      "  --format qemu|qmp|libvirt|firecracker\n"
	      "                      args: qemu prints an argument a line (default); qmp prints\n"
	      "                      commands for a QEMU that runs, one a line\n"
	      "  --memory-device nvdimm|virtio-pmem\n"
	      "                      args: what the group's memory is to a guest of QEMU (default\n"
	      "                      nvdimm)\n"
	      "  --qmp SOCKET        plug: the socket on which QEMU's monitor listens (QMP)\n"
	      "  --bus BUS           args, plug: the PCI bus for the device of the ports, for the\n"
	      "                      format qmp; such as the id of a pcie-root-port\n"
	      "  --force             destroy: remove it even if it is in use\n"
	      "  --json              list: print JSON\n"
	      "  --quiet             serve: print errors and warnings only\n"
	      "  -h, --help          print this help\n"
	      "  --version           print the version\n"
	      "exit status: 0 on success, 1 on an error, 2 on wrong usage\n"
	      "environment: FIDO_RUNDIR is the folder of all groups\n"
	      "(default /run/fido for root, else $XDG_RUNTIME_DIR/fido, else /tmp/fido-UID)\n"
	      "\n"
	      "example: fido-vmd create demo --vm gen --vm mid --vm sink\n",
		stdout);
}

static int
usage_error(const char *what, const char *text, const char *advice)
{
	fprintf(stderr, "fido-vmd: %s", what);
	if (text != NULL) {
		fputs(" '", stderr);
		/* The text is arbitrary and goes to a terminal: print no control characters. */
		for (; *text != '\0'; text++)
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', stderr);
		fputc('\'', stderr);
	}
	fprintf(stderr, ": %s\n", advice);
	return -EINVAL;
}

/* ---- values ---- */

static bool
is_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0' && *out >= min &&
		*out <= max;
}

static int
take_number(const char *option, const char *text, uint64_t min, uint64_t max, uint32_t *out)
{
	char advice[64];
	uint64_t n;

	if (is_number(text, min, max, &n)) {
		*out = (uint32_t)n;
		return 0;
	}
	snprintf(advice, sizeof(advice), "give a number from %llu to %llu", (unsigned long long)min,
		(unsigned long long)max);
	return usage_error(option, text, advice);
}

/* SIZE, in bytes or with K, M, G or T; a multiple of `unit_bytes`, and at least min. */
static bool
is_size(const char *text, uint64_t unit_bytes, uint64_t min, uint64_t *out)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;
	unsigned int shift = 0;

	errno = 0;
	*out = strtoull(text, &end, 10);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (unit != NULL) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' ||
		*out > UINT64_C(1) << FIDO_GADDR_BITS >> shift)
		return false;
	*out <<= shift;
	return *out % unit_bytes == 0 && *out >= min;
}

static int
take_size(const char *option, const char *text, uint64_t *out)
{
	return is_size(text, FIDO_GRANULE_SIZE, VMD_SIZE_MIN, out)
		? 0
		: usage_error(option, text,
			  "give a multiple of 2M, at least 8M, with M or G, as in 256M");
}

static int
take_ram(const char *text, uint64_t *out)
{
	return is_size(text, VMD_RAM_BLOCK, VMD_RAM_BLOCK, out)
		? 0
		: usage_error("--vm: ram", text,
			  "give a multiple of 128M, the size of a block of the guest's kernel");
}

static int
take_base(const char *text, uint64_t *out)
{
	if (is_number(text, FIDO_GRANULE_SIZE, (UINT64_C(1) << FIDO_GADDR_BITS) - 1, out) &&
		*out % FIDO_GRANULE_SIZE == 0)
		return 0;
	return usage_error("--base", text, "give a multiple of 2 MiB, as in 0x110000000000");
}

static int
take_directory(const char *text, char *out)
{
	if (text[0] != '/' || strchr(text, '\n') != NULL || strlen(text) >= VMD_PATH_MAX / 2)
		return usage_error("--memory", text,
			"give the absolute path of a folder, without a line break");
	strcpy(out, text);
	return 0;
}

static int
take_unix_group(const char *text, struct vmd_group *g)
{
	struct group *group = getgrnam(text);
	uint64_t id;

	if (group != NULL)
		g->gid = group->gr_gid;
	else if (is_number(text, 0, UINT_MAX - 1, &id))
		g->gid = (gid_t)id;
	else
		return usage_error("--gid", text, "there is no such group: give a name or number");
	g->shared = true;
	return 0;
}

static int
take_user(const char *text, uid_t *out)
{
	struct passwd *user = getpwnam(text);
	uint64_t id;

	if (user != NULL)
		*out = user->pw_uid;
	else if (is_number(text, 0, UINT_MAX - 1, &id))
		*out = (uid_t)id;
	else
		return usage_error("--vm: user", text,
			"there is no such user: give a name or number");
	return 0;
}

/* NAME, then :slots=N, :user=USER and :ram=SIZE in any order; count is 0 when it is not given. */
static int
take_vm(char *text, struct vmd_group *g)
{
	char *rest = text, *name = strsep(&rest, ":"), *part;
	struct vmd_vm vm = {.uid = geteuid()};
	int ret = 0;

	if (!fido_name_valid(name))
		return usage_error("--vm", name,
			"a name is 1 to 31 of A-Z a-z 0-9 _ . - and does not start with a dot");
	if (vmd_group_find(g, name) != g->vm_count)
		return usage_error("--vm", name,
			strcmp(name, VMD_HOST) == 0 ? "that is the host's name: give another one"
						    : "give each machine a name of its own");
	if (g->vm_count == VMD_VMS_MAX)
		return usage_error("--vm", name, "a group has at most 64 slots");
	snprintf(vm.name, sizeof(vm.name), "%s", name);
	while (ret == 0 && (part = strsep(&rest, ":")) != NULL)
		if (strncmp(part, "slots=", 6) == 0)
			ret = take_number("--vm: slots", part + 6, 1, FIDO_SLOTS_MAX, &vm.count);
		else if (strncmp(part, "user=", 5) == 0)
			ret = take_user(part + 5, &vm.uid);
		else if (strncmp(part, "ram=", 4) == 0)
			ret = take_ram(part + 4, &vm.ram);
		else
			ret = usage_error("--vm", part,
				"give NAME[:slots=N][:user=USER][:ram=SIZE]");
	g->vms[g->vm_count++] = vm;
	return ret;
}

/* ---- options ---- */

struct parsing {
	struct vmd_options *opt;
	unsigned int given; /* options, by their place in takers[] */
	uint32_t slots_per_vm;
};

static int
take_create_option(struct parsing *p, int key)
{
	struct vmd_group *g = &p->opt->create;

	switch (key) {
	case OPT_HOST:
		return take_number("--host", optarg, 0, FIDO_SLOTS_MAX,
			&g->vms[VMD_HOST_INDEX].count);
	case OPT_SLOTS_PER_VM:
		return take_number("--slots-per-vm", optarg, 1, FIDO_SLOTS_MAX, &p->slots_per_vm);
	case OPT_SIZE:
		return take_size("--size", optarg, &g->size);
	case OPT_BASE:
		return take_base(optarg, &g->layout.base);
	case OPT_SLOT_SHIFT:
		return take_number("--slot-shift", optarg, FIDO_GRANULE_SHIFT + 2,
			FIDO_GADDR_BITS - 1, &g->layout.slot_shift);
	case OPT_BELLS:
		return take_number("--bells", optarg, 0, FIDO_BELL_VECTORS_MAX, &g->bells);
	default:
		return take_unix_group(optarg, g);
	}
}

static int
take_option(struct parsing *p, int key)
{
	struct vmd_options *opt = p->opt;

	switch (key) {
	case OPT_VM:
		opt->vm = optarg;
		return opt->command == VMD_CREATE ? take_vm(optarg, &opt->create) : 0;
	case OPT_MEMORY:
		return opt->command == VMD_CREATE
			? take_directory(optarg, opt->create.memory)
			: take_size("--memory", optarg, &opt->memory_size);
	case OPT_FORMAT:
		return args_format_parse(optarg, &opt->format) == 0
			? 0
			: usage_error("--format", optarg, "give qemu, qmp, libvirt or firecracker");
	case OPT_DEVICE:
		return args_device_parse(optarg, &opt->device) == 0
			? 0
			: usage_error("--memory-device", optarg, "give nvdimm or virtio-pmem");
	case OPT_QMP:
		opt->qmp = optarg;
		return 0;
	case OPT_BUS:
		opt->bus = optarg;
		return 0;
	case OPT_FORCE:
		opt->force = true;
		return 0;
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_QUIET:
		opt->quiet = true;
		return 0;
	case OPT_VERSION:
		printf("fido-vmd %s (version %d of its frames)\n", FIDO_VERSION, FIDO_VM_VERSION);
		return 1;
	case 'h':
		print_usage();
		return 1;
	default:
		return take_create_option(p, key);
	}
}

static int
check_taker(const struct vmd_options *opt, int key, const char *option)
{
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (takers[i].key == key && (takers[i].commands & 1u << opt->command) == 0)
			return usage_error(option, command_names[opt->command],
				"this command does not take it; see fido-vmd --help");
	return 0;
}

/* ---- command and groups ---- */

static int
find_command(struct vmd_options *opt, const char *text)
{
	for (size_t i = 0; i < sizeof(command_names) / sizeof(command_names[0]); i++)
		if (strcmp(text, command_names[i]) == 0) {
			opt->command = (enum vmd_command)i;
			return 0;
		}
	return usage_error("unknown command", text,
		"give one of create, destroy, serve, args, list, plug; see fido-vmd --help");
}

static int
check_groups(const struct vmd_options *opt)
{
	bool many = opt->command == VMD_SERVE || opt->command == VMD_LIST;

	if (!many && opt->group_count == 0)
		return usage_error("no group", NULL, "name the group; see fido-vmd --help");
	if (!many && opt->group_count > 1)
		return usage_error("extra argument", opt->groups[1],
			"name one group; see fido-vmd --help");
	for (int i = 0; i < opt->group_count; i++) {
		/* As libfido writes it. */
		if (strncmp(opt->groups[i], "vm:", 3) == 0)
			opt->groups[i] += 3;
		if (!fido_name_valid(opt->groups[i]))
			return usage_error("group", opt->groups[i],
				"a name is 1 to 31 of A-Z a-z 0-9 _ . - and does not start with a "
				"dot");
	}
	return 0;
}

/* Of slots of the host: as many as there is room for. */
#define HOST_DEFAULT UINT32_MAX

/* Number the slots. */
static int
lay_out(struct vmd_group *g, uint32_t slots_per_vm)
{
	struct vmd_vm *host = &g->vms[VMD_HOST_INDEX];
	uint32_t next = 0, machines = 0;

	for (uint32_t i = VMD_HOST_INDEX + 1; i < g->vm_count; i++) {
		if (g->vms[i].count == 0)
			g->vms[i].count = slots_per_vm;
		machines += g->vms[i].count;
	}
	if (host->count == HOST_DEFAULT) {
		host->count = machines < FIDO_SLOTS_MAX ? FIDO_SLOTS_MAX - machines : 0;
		if (host->count > VMD_SLOTS_DEFAULT)
			host->count = VMD_SLOTS_DEFAULT;
	}
	for (uint32_t i = 0; i < g->vm_count; i++) {
		struct vmd_vm *vm = &g->vms[i];

		vm->first = next;
		next += vm->count;
	}
	g->layout.slots = next;
	if (next >= 2 && next <= FIDO_SLOTS_MAX)
		return 0;
	return usage_error("too many or too few slots", NULL,
		"a group has 2 to 64, those of the host included: give --slots-per-vm, --host or "
		"--vm NAME:slots=N");
}

static int
check_layout(const struct vmd_group *g)
{
	uint64_t room = (UINT64_C(1) << FIDO_GADDR_BITS) - g->layout.base;

	if (g->size > UINT64_C(1) << g->layout.slot_shift)
		return usage_error("--size", NULL,
			"it is more than a slot has: give a greater --slot-shift");
	if (room >> g->layout.slot_shift < g->layout.slots)
		return usage_error("--slot-shift", NULL,
			"the slots end beyond 48 bits: give a smaller one, or a lower --base");
	return 0;
}

static int
check_bells(const struct vmd_group *g)
{
	if (vmd_bell_ids(g) * g->bells <= VMD_BELLS_MAX)
		return 0;
	return usage_error("--bells", NULL,
		"machines and slots of the host have more than 768 together, with fido-vmd: give "
		"fewer");
}

static int
check_users(const struct vmd_group *g)
{
	for (uint32_t i = 0; i < g->vm_count && !g->shared; i++)
		if (g->vms[i].uid != g->vms[VMD_HOST_INDEX + 1].uid &&
			(i != VMD_HOST_INDEX || g->vms[i].count > 0) && g->vms[i].uid != 0)
			return usage_error("--vm: user", g->vms[i].name,
				"each machine reads the memory of all: give --gid, a Unix group "
				"with all of these users");
	return 0;
}

static int
check_create(struct parsing *p)
{
	struct vmd_group *g = &p->opt->create;
	int ret;

	snprintf(g->name, sizeof(g->name), "%s", p->opt->groups[0]);
	if (g->vm_count == 1)
		return usage_error("no machine", NULL, "give --vm NAME, once for each machine");
	ret = lay_out(g, p->slots_per_vm);
	if (ret == 0)
		ret = check_layout(g);
	if (ret == 0)
		ret = check_bells(g);
	return ret != 0 ? ret : check_users(g);
}

static int
check(struct parsing *p)
{
	struct vmd_options *opt = p->opt;
	int ret = check_groups(opt);

	if (ret != 0)
		return ret;
	if (opt->command == VMD_CREATE)
		return check_create(p);
	if ((opt->command == VMD_ARGS || opt->command == VMD_PLUG) && opt->vm == NULL)
		return usage_error("which machine", NULL, "give --vm NAME");
	if (opt->command == VMD_PLUG && opt->qmp == NULL)
		return usage_error("which QEMU", NULL,
			"give --qmp SOCKET: its argument was -qmp unix:SOCKET,server=on,wait=off");
	if (opt->device != ARGS_NVDIMM && opt->format != ARGS_QEMU)
		return usage_error("--memory-device", NULL, "it is for the format qemu only");
	return 0;
}

static void
set_defaults(struct vmd_options *opt)
{
	struct vmd_group *g = &opt->create;

	*opt = (struct vmd_options){
		.create = {.size = VMD_SIZE_DEFAULT,
			.layout = {FIDO_DEFAULT_BASE, FIDO_DEFAULT_SLOT_SHIFT, 0},
			.gid = (gid_t)-1,
			.vm_count = VMD_HOST_INDEX + 1}};
	g->vms[VMD_HOST_INDEX] =
		(struct vmd_vm){.name = VMD_HOST, .count = HOST_DEFAULT, .uid = geteuid()};
}

static int
take_options(struct parsing *p, int argc, char **argv)
{
	int key, ret;

	while ((key = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
		if (key == ':' || key == '?')
			return usage_error("option", argv[optind - 1],
				key == ':' ? "needs a value; see fido-vmd --help"
					   : "is unknown, or takes no value; see fido-vmd --help");
		ret = check_taker(p->opt, key, argv[optind - 1]);
		if (ret == 0)
			ret = take_option(p, key);
		if (ret != 0)
			return ret;
	}
	p->opt->groups = argv + optind;
	p->opt->group_count = argc - optind;
	return check(p);
}

int
vmd_options_parse(struct vmd_options *opt, int argc, char **argv)
{
	struct parsing p = {.opt = opt, .slots_per_vm = VMD_SLOTS_DEFAULT};
	int ret;

	set_defaults(opt);
	opterr = 0;
	if (argc < 2)
		return usage_error("no command", NULL,
			"give one of create, destroy, serve, args, list, plug; see fido-vmd "
			"--help");
	/* The command comes first: it tells what an option means. */
	if (argv[1][0] == '-') {
		int key = getopt_long(argc, argv, ":h", long_options, NULL);

		if (key == 'h' || key == OPT_VERSION)
			return take_option(&p, key);
		return usage_error("option", argv[1],
			"the command comes first; see fido-vmd --help");
	}
	ret = find_command(opt, argv[1]);
	return ret != 0 ? ret : take_options(&p, argc - 1, argv + 1);
}
