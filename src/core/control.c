/* SPDX-License-Identifier: BSD-3-Clause */
/* The control block: check and read a peer's, write our own. */

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <fido/control_shm.h>

#include "seqlock.h"

/* A reader gives up after this many torn copies: the owner notifies it after writing. */
#define READ_TRIES 100

int
fido_control_check(const struct fido_control_shm *c, uint64_t size)
{
	/* A8: pairs with R8 in control_init(). The block is complete before it is trusted. */
	if (size < FIDO_CONTROL_HEAP_OFFSET || fido_load_acquire(&c->magic) != FIDO_CONTROL_MAGIC ||
		fido_load_relaxed(&c->version) != FIDO_LAYOUT_VERSION)
		return -EPROTO;
	return 0;
}

/* Copy with relaxed atomics: the owner may be writing, or a peer reading. */
static void
copy_words(uint64_t *dst, const uint64_t *src, size_t words)
{
	for (size_t i = 0; i < words; i++)
		fido_store_relaxed(&dst[i], fido_load_relaxed(&src[i]));
}

void
fido_control_write_link(struct fido_link_shm *shm, const struct fido_link_shm *record)
{
	uint32_t seq = fido_seq_write_begin(&shm->seq);

	/* seq and state share the first word, so it is not copied as a whole. */
	fido_store_relaxed(&shm->state, record->state);
	copy_words((uint64_t *)(void *)shm + 1, (const uint64_t *)(const void *)record + 1,
		sizeof(*shm) / sizeof(uint64_t) - 1);
	fido_seq_write_end(&shm->seq, seq);
}

bool
fido_control_read_link(const struct fido_link_shm *shm, struct fido_link_shm *copy)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t seq = fido_seq_read_begin(&shm->seq);

		copy_words((uint64_t *)(void *)copy, (const uint64_t *)(const void *)shm,
			sizeof(*copy) / sizeof(uint64_t));
		if (fido_seq_read_whole(&shm->seq, seq))
			return true;
	}
	return false;
}

static bool
name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

void
fido_control_name(char out[FIDO_NAME_MAX], const char *in)
{
	size_t i;

	for (i = 0; i < FIDO_NAME_MAX - 1; i++) {
		/* Read once: the peer may change it after the check. */
		char c = fido_load_relaxed(&in[i]);

		if (c == '\0')
			break;
		out[i] = name_char(c) ? c : '?';
	}
	memset(out + i, 0, FIDO_NAME_MAX - i);
}

bool
fido_name_valid(const char *name)
{
	size_t n = name != NULL ? strlen(name) : 0;

	if (n == 0 || n >= FIDO_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!name_char(name[i]))
			return false;
	return true;
}
