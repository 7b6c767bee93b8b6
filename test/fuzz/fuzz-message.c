/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control messages: a domain survives whatever a peer sends, with any descriptors, and leaks
 * nothing.
 */

#include "fuzz.h"

#define MESSAGES_MAX 40

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_domain_start();
	return 0;
}

static unsigned int
choose_fds(struct fuzz_in *in, int *fds, unsigned int n)
{
	if (n > FIDO_HOST_FDS_MAX)
		n = FIDO_HOST_FDS_MAX;
	for (unsigned int i = 0; i < n; i++)
		fds[i] = fuzz_peer_fd(fuzz_u8(in));
	return n;
}

/* Usually in the peer's own slot, and whole pages. */
static uint64_t
choose_gaddr(struct fuzz_in *in)
{
	uint8_t kind = fuzz_u8(in);
	uint64_t slot = FUZZ_BASE + ((uint64_t)FUZZ_PEER_SLOT << FUZZ_SLOT_SHIFT);

	if (kind < 160)
		return slot + (uint64_t)fuzz_u16(in) * (kind & 1 ? 4096 : FIDO_GRANULE_SIZE / 2);
	if (kind < 200)
		return slot + fuzz_odd_number(in);
	return fuzz_odd_number(in);
}

static uint64_t
choose_len(struct fuzz_in *in)
{
	uint8_t kind = fuzz_u8(in);

	return kind < 200 ? (uint64_t)(kind & 31) * (kind & 32 ? 4096 : FIDO_GRANULE_SIZE / 4)
			  : fuzz_odd_number(in);
}

static void
say_map(struct fuzz_in *in)
{
	struct fido_host_map m = {0};
	int fds[FIDO_HOST_FDS_MAX];
	uint8_t count = fuzz_u8(in);
	unsigned int n = count % 4 + (count > 250 ? 31 : 0), nfds;

	m.epoch = fuzz_u8(in);
	m.again = count >> 7;
	m.count = (uint16_t)n;
	for (unsigned int i = 0; i < n && i < FIDO_HOST_EXTENTS_MAX; i++) {
		m.extents[i].gaddr = choose_gaddr(in);
		m.extents[i].len = choose_len(in);
		m.extents[i].fd_offset = fuzz_u8(in) < 200 ? 0 : choose_len(in);
		m.extents[i].sealed = fuzz_u8(in) & 1;
	}
	nfds = choose_fds(in, fds, (count & 0x78) == 0x78 ? fuzz_u8(in) % 70 : n);
	fuzz_peer_say(FIDO_HOST_MAP, &m, sizeof(m), fds, nfds);
}

static void
say_bells(struct fuzz_in *in)
{
	struct fido_host_bells m = {0};
	int fds[FIDO_HOST_FDS_MAX];
	uint8_t shape = fuzz_u8(in);
	unsigned int nfds;

	m.nrx = shape & 3;
	m.ntx = shape >> 2 & 3;
	if (shape > 240)
		m.nrx = fuzz_u16(in);
	if (shape & 32)
		for (size_t i = 0; i < sizeof(m.link); i++)
			m.link[i] = (char)fuzz_u8(in);
	else
		strcpy(m.link, "0");
	nfds = choose_fds(in, fds, shape & 16 ? fuzz_u8(in) % 65 : (unsigned int)m.nrx + m.ntx);
	fuzz_peer_say(FIDO_HOST_BELLS, &m, sizeof(m), fds, nfds);
}

static void
say_raw(struct fuzz_in *in)
{
	uint64_t words[FIDO_HOST_MESSAGE_MAX / 8 + 8] = {0};
	char *bytes = (char *)words;
	int fds[FIDO_HOST_FDS_MAX];
	uint8_t type = fuzz_u8(in);
	size_t len = fuzz_u8(in), want = len;
	unsigned int nfds;

	if (len > 250)
		len = want = FIDO_HOST_MESSAGE_MAX + (len - 253);
	if (want > in->left)
		want = in->left;
	memcpy(bytes, in->p, want);
	in->p += want;
	in->left -= want;
	nfds = choose_fds(in, fds, type >> 4);
	type &= 15;
	if (type != 15 && len >= sizeof(struct fido_host_header))
		fuzz_peer_say(type, bytes, len, fds, nfds);
	else
		fuzz_peer_send(bytes, len, fds, nfds);
}

static void
say_hello(struct fuzz_in *in)
{
	struct fido_host_hello m = {.layout_base = FUZZ_BASE,
		.slot_shift = FUZZ_SLOT_SHIFT,
		.slots = FUZZ_SLOTS,
		.generation = fuzz_x.generation,
		.control_size = FUZZ_PEER_CONTROL,
		.slot = FUZZ_PEER_SLOT,
		.name = "x"};
	uint8_t which = fuzz_u8(in);
	int fd = which & 128 ? fuzz_peer_fd(fuzz_u8(in)) : fuzz_x.control_fd;
	uint64_t value = fuzz_odd_number(in);

	switch (which & 15) {
	case 0:
		m.slot = (uint32_t)value;
		break;
	case 1:
		m.control_size = value;
		break;
	case 2:
		m.generation = value;
		break;
	case 3:
		memcpy(m.name, &value, sizeof(value));
		break;
	case 4: /* the control block says otherwise */
		((uint64_t *)(void *)fuzz_x.c)[value % 8] = value;
		break;
	case 5:
		m.slots = (uint32_t)value;
		break;
	default:
		break;
	}
	fuzz_peer_say(FIDO_HOST_HELLO, &m, sizeof(m), &fd, which & 64 ? 0 : 1);
}

static void
say_again(struct fuzz_in *in)
{
	uint8_t shape = fuzz_u8(in);
	struct fido_host_again m = {.epoch = shape & 1 ? fuzz_odd_number(in) : shape >> 6,
		.hello = shape >> 1 & 1,
		.fds = shape >> 2 & 3};

	if ((shape & 0x30) == 0x30)
		m.fds = fuzz_u16(in);
	fuzz_peer_say(FIDO_HOST_AGAIN, &m, sizeof(m), NULL, 0);
}

static void
one_message(struct fuzz_in *in)
{
	uint8_t what = fuzz_u8(in);
	struct fido_host_unmap unmap = {0};
	struct fido_host_bye bye = {0};
	int fds[FIDO_HOST_FDS_MAX];

	switch (what % 11) {
	case 0:
		say_raw(in);
		break;
	case 1:
	case 2:
		say_map(in);
		break;
	case 3:
		unmap.gaddr = choose_gaddr(in);
		unmap.len = choose_len(in);
		unmap.epoch = fuzz_odd_number(in);
		fuzz_peer_say(FIDO_HOST_UNMAP, &unmap, sizeof(unmap), NULL, 0);
		break;
	case 4:
		say_bells(in);
		break;
	case 5:
		bye.clean = fuzz_u8(in) & 1;
		fuzz_peer_say(FIDO_HOST_BYE, &bye, sizeof(bye), NULL, 0);
		break;
	case 6: /* AGAIN, OBSERVE, REFUSE, CHANGED */
		if (what & 32) {
			say_again(in);
			break;
		}
		fuzz_peer_say(what & 128    ? FIDO_HOST_OBSERVE
				: what & 64 ? FIDO_HOST_REFUSE
					    : FIDO_HOST_CHANGED,
			&bye, sizeof(bye.h), NULL, 0);
		break;
	case 7:
		fuzz_peer_record((what >> 4) % 6);
		fuzz_peer_say(FIDO_HOST_CHANGED, &bye, sizeof(bye.h), NULL, 0);
		break;
	case 8: /* only descriptors */
		fuzz_peer_send("", 0, fds, choose_fds(in, fds, 1 + (what >> 4)));
		break;
	case 9:
		say_hello(in);
		break;
	default:
		fuzz_data_path(in);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = {data, size};
	uint8_t start = fuzz_u8(&in);

	fuzz_peer_start();
	if (start < 128)
		fuzz_peer_connect();
	else if (start < 192)
		fuzz_peer_hello();
	for (int i = 0; in.left != 0 && i < MESSAGES_MAX; i++)
		one_message(&in);
	fuzz_peer_end();
	return 0;
}
