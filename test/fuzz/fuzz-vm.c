/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vm transport: a member survives whatever arrives at its port and whatever others write into
 * their roots.
 *
 * Two kinds of input, by the first byte. An odd one: the rest is a stream of bytes for the reader
 * of frames, which loses no byte and never fills up. An even one: steps of hostile members of a
 * group (vm_group.h) and of its fido-vmd. Only memory in a member's slot is mapped, and after its
 * end nothing of it is left.
 */

#include <sys/mman.h>

#include <fido/log.h>

#include "fuzz.h"
#include "peer.h"
#include "vm_group.h"
#include "vm_private.h"

#define X 2 /* the slot whose memory is written to */
#define CONTROL (2 * FIDO_GRANULE_SIZE)
#define STEPS_MAX 64
/* Extents that inputs write to. */
#define EXTENTS 12

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fido_domain *a;
static char *x_memory;
static struct fido_vm_root_shm *root;
static uint64_t generation;
static unsigned int open_fds;

/* ---- start ---- */

static void
silent(enum fido_log_level level, const char *message)
{
	(void)level;
	(void)message;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fido_layout layout = {FUZZ_BASE, FUZZ_SLOT_SHIFT, VM_GROUP_SLOTS};
	struct fido_link_config link = {.peer = "x"};
	struct fido_link *l;

	(void)argc;
	(void)argv;
	fido_log_set(silent);
	vm_group_start(&layout);
	a = vm_group_join("a");
	FUZZ_CHECK(fido_link_create(a, &link, &l) == 0);
	FUZZ_CHECK(fido_link_configure(l, FUZZ_QUEUES, FUZZ_QUEUES, FUZZ_RING) == 0);
	FUZZ_CHECK(fido_link_open(l) == 0);
	x_memory = mmap(NULL, VM_GROUP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vm_group_memory(X),
		FIDO_VM_HEADER_SIZE);
	FUZZ_CHECK(x_memory != MAP_FAILED);
	root = (void *)(x_memory + VM_GROUP_ROOT);
	return 0;
}

/* ---- a stream of frames ---- */

static void
check_frame(const struct fido_vm_frame *f)
{
	struct fido_vm_frame again;
	size_t len = fido_vm_frame_make(&again, f->type, f->generation, f->bytes);

	/* It is one that somebody made. */
	FUZZ_CHECK(len <= FIDO_VM_FRAME_MAX && len == FIDO_VM_FRAME_HEADER + f->len);
	FUZZ_CHECK(memcmp(&again, f, len) == 0);
}

/* The first bytes say how many are read at a time. */
static void
read_stream(struct fuzz_in *in)
{
	struct fido_vm_stream s = {0};
	size_t whole = 0, fed = 0, piece = 1 + fuzz_u16(in) % sizeof(s.bytes);
	struct fido_vm_frame f;

	while (in->left != 0) {
		size_t room, n = piece < in->left ? piece : in->left;
		char *to = fido_vm_stream_room(&s, &room);

		FUZZ_CHECK(room > 0 && to + room == s.bytes + sizeof(s.bytes));
		n = n < room ? n : room;
		memcpy(to, in->p, n);
		in->p += n;
		in->left -= n;
		fed += n;
		fido_vm_stream_added(&s, n);
		while (fido_vm_stream_next(&s, &f)) {
			check_frame(&f);
			whole += FIDO_VM_FRAME_HEADER + f.len;
		}
		FUZZ_CHECK(s.len < FIDO_VM_FRAME_MAX);
		FUZZ_CHECK(whole + s.skipped + s.len == fed);
	}
}

/* ---- a hostile member ---- */

static uint64_t
x_base(void)
{
	return fido_layout_slot_base(&a->layout, X);
}

/* x begins a life with a valid control region and root. */
static void
x_start(void)
{
	struct fido_control_shm *c = (void *)x_memory;

	generation++;
	memset(c, 0, sizeof(*c));
	c->magic = FIDO_CONTROL_MAGIC;
	c->version = FIDO_LAYOUT_VERSION;
	c->generation = generation;
	c->layout_base = a->layout.base;
	c->slot_shift = a->layout.slot_shift;
	c->slots = a->layout.slots;
	c->slot = X;
	c->control_size = CONTROL;
	c->epoch = 1;
	memset(root->bells, 0, sizeof(root->bells));
	memset(root->extents, 0, EXTENTS * sizeof(root->extents[0]));
	root->magic = FIDO_VM_ROOT_MAGIC;
	root->version = FIDO_VM_VERSION;
	root->slot = X;
	root->generation = generation;
	root->control_size = CONTROL;
	root->seq = 2;
	root->epoch = 1;
	root->count = 0;
}

static void
write_extent(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	struct fido_vm_extent_shm *e = &root->extents[how % EXTENTS];

	e->gaddr = x_base() + (uint64_t)(fuzz_u8(in) % 18) * FIDO_GRANULE_SIZE;
	e->len = (uint64_t)(fuzz_u8(in) % 8) * FIDO_GRANULE_SIZE;
	if (how >= 224)
		e->gaddr += fuzz_odd_number(in);
	if (how >= 192)
		e->len += fuzz_odd_number(in);
}

static void
write_bells(struct fuzz_in *in)
{
	uint8_t how = fuzz_u8(in);
	struct fido_vm_bells_shm *shm = &root->bells[how % FIDO_DOMAIN_LINKS_MAX];

	memset(shm->link, 0, sizeof(shm->link));
	shm->link[0] = how < 192 ? '0' : (char)fuzz_u8(in);
	if (how >= 224)
		memset(shm->link, fuzz_u8(in), sizeof(shm->link));
	shm->nrx = how < 128 ? FUZZ_QUEUES : fuzz_u16(in);
	shm->ntx = how < 128 ? FUZZ_QUEUES : fuzz_u16(in);
	shm->bells[fuzz_u8(in) % (2 * FIDO_LINK_QUEUES_MAX)] = fuzz_u8(in);
	shm->seq += 1 + (how & 64 ? 0 : 1);
}

static void
write_field(struct fuzz_in *in)
{
	uint8_t which = fuzz_u8(in);
	uint64_t value = fuzz_odd_number(in);

	switch (which % 8) {
	case 0:
		root->magic = value;
		break;
	case 1:
		root->generation = value;
		break;
	case 2:
		root->control_size = value;
		break;
	case 3:
		root->version = (uint32_t)value;
		root->slot = (uint32_t)(value >> 32);
		break;
	case 4:
		root->epoch = (uint32_t)value;
		break;
	case 5:
		root->seq = (uint32_t)value;
		break;
	case 6:
		root->count = (uint32_t)value;
		break;
	default: /* the control block */
		((uint64_t *)(void *)x_memory)[value % (sizeof(struct fido_control_shm) / 8)] =
			value >> 32;
		break;
	}
}

/* A valid frame with any payload, of a type that fido-vmd sends or does not. */
static void
say_frame(struct fuzz_in *in)
{
	struct fido_vm_frame f = {.type = 1 + fuzz_u8(in) % 10};
	uint8_t how = fuzz_u8(in);

	for (size_t i = 0; i < sizeof(f.bytes) && in->left != 0; i++)
		f.bytes[i] = (char)fuzz_u8(in);
	if (how & 1)
		f.member = (struct fido_vm_member){.generation = generation,
			.slot = how & 2 ? X : how >> 4,
			.value = how >> 2 & 3};
	if (f.type == FIDO_VM_PEER && how & 1)
		f.peer = (struct fido_vm_peer){.generation = 1 + (how >> 2 & 3),
			.slot = how >> 4,
			.name = {(char)('w' + (how >> 1 & 1))}};
	/* These end the membership. */
	if (f.type != FIDO_VM_WELCOME && f.type != FIDO_VM_REFUSE)
		vm_group_say(a->slot, f.type, f.bytes);
}

static void
say_bytes(struct fuzz_in *in)
{
	size_t n = fuzz_u8(in);

	n = n < in->left ? n : in->left;
	vm_group_say_bytes(a->slot, in->p, n);
	in->p += n;
	in->left -= n;
}

static void
one_step(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in);

	switch (what % 9) {
	case 0:
		vm_group_announce(X, generation, what & 128 ? "y" : "x");
		break;
	case 1:
		write_extent(in);
		break;
	case 2:
		root->count = what >> 4;
		root->seq += 2;
		break;
	case 3:
		write_bells(in);
		break;
	case 4:
		write_field(in);
		break;
	case 5:
		say_frame(in);
		break;
	case 6:
		say_bytes(in);
		break;
	case 7:
		vm_group_gone(X, generation, what & 128);
		x_start();
		break;
	default:
		vm_group_changed(X, generation);
		vm_group_turn();
		break;
	}
}

/* ---- checks ---- */

static void
check_mapped(void)
{
	for (const struct fido_peer *p = a->peers; p != NULL; p = p->next) {
		uint64_t base = fido_layout_slot_base(&a->layout, p->slot);

		for (size_t i = 0; i < p->extents.count; i++) {
			const struct fido_extent *e = &p->extents.items[i].extent;

			FUZZ_CHECK(e->gaddr >= base && e->len <= VM_GROUP_ROOT &&
				e->gaddr + e->len <= base + VM_GROUP_ROOT);
		}
	}
}

static void
end_all(void)
{
	struct fido_vm *v = a->transport;

	vm_group_turn();
	while (v->sessions != NULL)
		fido_vm_session_end(v, v->sessions, true);
	for (struct fido_peer *p = a->peers; p != NULL; p = p->next)
		p->gone_ns = 0; /* no need to wait */
	for (int i = 0; i < 3; i++)
		vm_group_turn();
	FUZZ_CHECK(a->peers == NULL);
	for (uint32_t i = 0; i < FIDO_SLOTS_MAX; i++)
		FUZZ_CHECK(v->held[i] == 0);
	FUZZ_CHECK(fuzz_open_fds() == open_fds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};

	if (fuzz_u8(&in) & 1) {
		read_stream(&in);
		return 0;
	}
	open_fds = fuzz_open_fds();
	x_start();
	vm_group_announce(X, generation, "x");
	vm_group_turn();
	for (int i = 0; in.left != 0 && i < STEPS_MAX; i++) {
		one_step(&in);
		check_mapped();
	}
	end_all();
	return 0;
}
