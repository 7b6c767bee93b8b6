/* SPDX-License-Identifier: BSD-3-Clause */
/* Control blocks: a domain and an observer safely read whatever a peer publishes and changes. */

#include <fido/blk_shm.h>
#include <fido/observer.h>

#include "json.h"
#include "snapshot.h"
#include "text.h"
#include "volume_json.h"
#include "volume_text.h"

#include "fuzz.h"

#define STEPS_MAX 60

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the observer: sees only the peer, at another address than the domain does ---- */

static struct fido_observation observation;
static FILE *nowhere;

unsigned int __wrap_fido_observer_count(const struct fido_observer *o);
const struct fido_observation *__wrap_fido_observer_domain(const struct fido_observer *o,
	unsigned int i);

unsigned int
__wrap_fido_observer_count(const struct fido_observer *o)
{
	(void)o;
	return 1;
}

const struct fido_observation *
__wrap_fido_observer_domain(const struct fido_observer *o, unsigned int i)
{
	(void)o;
	(void)i;
	return &observation;
}

static void
observe(uint8_t how)
{
	struct ctl_options opt = {.command = how & 3,
		.group = "f",
		.json = how & 4,
		.rates = how & 8,
		.interval = 1};
	struct ctl_view view = {.sort = how >> 4 & 3, .reverse = how & 0x40, .first = how >> 7};
	struct ctl_snapshot *before, *now;
	size_t rows;

	observation = (struct fido_observation){.name = "x",
		.control = fuzz_x.c,
		.size = FUZZ_PEER_CONTROL,
		.generation = fuzz_x.generation,
		.socket = fuzz_x.socket,
		.alive = true};
	FUZZ_CHECK(ctl_snapshot_take(&before, NULL) == 0 && ctl_snapshot_take(&now, NULL) == 0);
	switch (how & 7) {
	case 0:
		ctl_text_list(nowhere, now, &opt);
		break;
	case 1:
		ctl_text_links(nowhere, now, &opt);
		break;
	case 2:
		ctl_text_stats(nowhere, before, now, &opt);
		break;
	case 3:
		ctl_text_top(nowhere, before, now, &opt, &view, &rows);
		break;
	case 4:
		ctl_json_list(nowhere, now, &opt);
		break;
	case 7:
		if (how & 8)
			ctl_text_volumes(nowhere, before, now, &opt);
		else
			ctl_json_volumes(nowhere, before, now, &opt, false);
		break;
	case 5:
		ctl_json_links(nowhere, now, &opt);
		break;
	default:
		ctl_json_queues(nowhere, before, now, &opt, how & 16);
		break;
	}
	ctl_snapshot_destroy(before);
	ctl_snapshot_destroy(now);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	nowhere = fopen("/dev/null", "we");
	FUZZ_CHECK(nowhere != NULL);
	fuzz_domain_start();
	return 0;
}

/* ---- what the peer writes ---- */

/* Choose a value that is meaningful here, or nearly. */
static uint64_t
choose_value(struct fuzz_in *in)
{
	const uint64_t slot = FUZZ_BASE + ((uint64_t)FUZZ_PEER_SLOT << FUZZ_SLOT_SHIFT);
	uint8_t kind = fuzz_u8(in);

	switch (kind & 7) {
	case 0:
		return kind >> 3;
	case 1:
		return fuzz_a.link->incarnation + (kind >> 6);
	case 2:
		return fuzz_a.d->generation + (kind >> 6);
	case 3:
		return slot + FIDO_CONTROL_HEAP_OFFSET + (kind >> 3) * UINT64_C(64);
	case 4:
		return slot + FUZZ_PEER_CONTROL - (kind >> 3) * UINT64_C(64);
	case 5:
		return UINT64_C(1) << (kind >> 3);
	default:
		return fuzz_odd_number(in);
	}
}

static void
write_record(struct fuzz_in *in)
{
	uint8_t which = fuzz_u8(in);
	struct fido_link_shm *rec =
		&fuzz_x.c->links[which < 200 ? 0 : which % FIDO_DOMAIN_LINKS_MAX];
	uint64_t value = choose_value(in);
	unsigned int queue = which >> 4 & 3;

	switch (which & 15) {
	case 0:
		rec->seq = (uint32_t)value;
		break;
	case 1:
		rec->state = (uint32_t)value;
		break;
	case 2:
		rec->incarnation = value;
		break;
	case 3:
		rec->peer_generation = value;
		break;
	case 4:
		rec->peer_incarnation = value;
		break;
	case 5:
		rec->quiesced = (uint32_t)value;
		break;
	case 6:
		rec->ntx = (uint16_t)value;
		break;
	case 7:
		rec->nrx = (uint16_t)value;
		break;
	case 8:
		memcpy(rec->peer, &value, sizeof(value));
		break;
	case 9:
		memcpy(rec->name, &value, sizeof(value));
		break;
	case 10:
		*(queue & 1 ? &rec->tx_stats : &rec->rx_stats) = value;
		break;
	case 11:
		rec->tx[queue].gaddr = value;
		break;
	case 12:
		rec->tx[queue].size = (uint32_t)value;
		break;
	case 13:
		rec->rx[queue].gaddr = value;
		break;
	case 14:
		rec->rx[queue].size = (uint32_t)value;
		break;
	default:
		memset(rec->tx, (int)value, sizeof(rec->tx));
		break;
	}
}

static void
write_ring_header(struct fuzz_in *in)
{
	uint8_t which = fuzz_u8(in);
	uint32_t *s = (uint32_t *)(void *)fuzz_peer_sender(which & 1);
	uint32_t *r = (uint32_t *)(void *)fuzz_peer_receiver(which & 1);
	uint64_t value = choose_value(in);

	/* queue_id, size, closed, attached, armed */
	(which & 2 ? s : r)[(which >> 2) % 7 < 6 ? (which >> 2) % 7 : 16] = (uint32_t)value;
}

static void
write_any(struct fuzz_in *in)
{
	uint32_t at = fuzz_u32(in);
	uint8_t len = fuzz_u8(in) % 32;
	size_t size = sizeof(struct fido_control_shm);

	if (at >> 31)
		at = (uint32_t)(FIDO_CONTROL_HEAP_OFFSET + at % (2 * FUZZ_QUEUES * 4096 - 32));
	else
		at = (uint32_t)(at % (size - 32));
	for (uint8_t i = 0; i < len; i++)
		((uint8_t *)fuzz_x.c)[at + i] = fuzz_u8(in);
}

/* Write a table of volumes, valid or nearly, behind the rings. */
static void
write_volumes(struct fuzz_in *in)
{
	const uint64_t slot = FUZZ_BASE + ((uint64_t)FUZZ_PEER_SLOT << FUZZ_SLOT_SHIFT);
	uint32_t at = FIDO_CONTROL_HEAP_OFFSET + 2 * FUZZ_QUEUES * 4096;
	struct fido_blk_shm *head = (void *)((char *)fuzz_x.c + at);
	uint64_t *words = (uint64_t *)(void *)head;
	uint8_t n = fuzz_u8(in);

	memset(head, 0, 4096);
	*head = (struct fido_blk_shm){.magic = FIDO_BLK_SHM_MAGIC,
		.version = FIDO_BLK_SHM_VERSION,
		.volume_count = n & 3,
		.queue_count = n >> 2 & 3,
		.volumes = slot + at + sizeof(*head),
		.queues = slot + at + 2048};
	fuzz_x.c->table_kind = FIDO_BLK_SHM_MAGIC;
	fuzz_x.c->table = slot + at;
	for (n >>= 4; n != 0; n--)
		words[fuzz_u16(in) % 384] = choose_value(in);
	if (fuzz_u8(in) < 16)
		fuzz_x.c->table = choose_value(in);
}

/* Overwrite what the domain reads next of its first receiver and sender. */
static void
write_next(struct fuzz_in *in)
{
	uint64_t w0 = choose_value(in);
	uint8_t how = fuzz_u8(in);
	const struct fido_rxq *q = fuzz_a.link->rxq[how >> 7];
	const struct fido_sender *s = fuzz_a.link->txq[how >> 7]->sender;

	if (how & 1 && q->count != 0) {
		const struct fido_receiver *r = q->receivers[0];
		struct fido_desc_shm *d = &fuzz_peer_sender(how >> 7)->desc[r->cons & r->mask];

		d->w0 = w0 | (uint64_t)(how >> 1 & 1) << FIDO_GADDR_BITS;
		d->w1 = (uint64_t)fuzz_u16(in) << 32 |
			(uint64_t)((r->cons + (how >> 2 & 3)) % 18) << 16 |
			(uint16_t)((r->cons >> r->shift) + 1);
	} else if (s != NULL) {
		fuzz_peer_receiver(how >> 7)->comp[s->cons & s->mask] =
			(uint64_t)(how >> 2 & 3) << 48 | (uint64_t)(how >> 4 & 7) << 32 |
			(uint64_t)(fuzz_u8(in) % 17) << 16 | (uint16_t)((s->cons >> s->shift) + 1);
	}
}

static void
one_step(struct fuzz_in *in)
{
	struct fido_host_header h;
	uint8_t what = fuzz_u8(in);
	struct fido_mapped_shm *m;

	switch (what & 15) {
	case 0:
		write_any(in);
		break;
	case 1:
	case 2:
		write_record(in);
		break;
	case 3:
		fuzz_x.incarnation += what >> 7;
		fuzz_peer_record((what >> 4 & 7) % 6);
		break;
	case 4:
		write_ring_header(in);
		break;
	case 5:
	case 6:
		write_next(in);
		break;
	case 7:
		m = &fuzz_x.c->mapped[what & 128 ? what >> 4 & 7 : fuzz_a.d->slot];
		/* generation, epoch, bytes, received, ended, newest, held */
		((uint64_t *)m)[(what >> 4) % 7] = choose_value(in);
		break;
	case 8:
		fuzz_peer_say(FIDO_HOST_CHANGED, &h, sizeof(h), NULL, 0);
		break;
	case 9:
		write_volumes(in);
		break;
	case 10:
		fuzz_a.link->ready_ns = 1; /* long enough */
		fuzz_turn();
		break;
	case 11:
		observe(what >> 4 | (what & 16));
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
	if (start < 200)
		fuzz_peer_connect();
	else
		fuzz_peer_hello();
	for (int i = 0; in.left != 0 && i < STEPS_MAX; i++)
		one_step(&in);
	observe(start);
	fuzz_peer_end();
	return 0;
}
