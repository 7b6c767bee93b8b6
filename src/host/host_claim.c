/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_claim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fido/log.h>

#include "domain_private.h"
#include "fork_guard.h"
#include "local_slot.h"
#include "peer.h"

static int
claim_name(struct fido_local_folder *g, const struct fido_domain *d)
{
	char path[FIDO_LOCAL_PATH_MAX], file[FIDO_NAME_MAX + 8];
	struct fido_local_owner owner;

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++) {
		if (!fido_local_slot_owner(g, n, &owner))
			continue;
		if (owner.error == -EMFILE || owner.error == -ENFILE) {
			fido_log(FIDO_LOG_ERROR, "group %s: %s cannot join: %s: %s", d->group,
				d->name, strerror(-owner.error),
				fido_memory_advice(d, owner.error));
			return owner.error;
		}
		if (strcmp(owner.name, d->name) != 0)
			continue;
		fido_log(FIDO_LOG_ERROR,
			"group %s: there is a domain %s already: choose another name "
			"(domain=NAME), or stop that one (process %d, or a child that inherited "
			"its descriptors)",
			d->group, d->name, owner.pid);
		return -EEXIST;
	}
	snprintf(file, sizeof(file), "%s.sock", d->name);
	fido_local_folder_path(g, file, path);
	/* A killed domain leaves its socket behind. */
	return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* @return 0, -EEXIST: slot n is not free, -errno (message written) */
static int
try_slot(struct fido_local_folder *g, struct fido_domain *d, uint32_t n, struct fido_host_claim *c)
{
	uint64_t generation;
	int ret;

	if (fido_local_slot_held(c->slots, n))
		return -EEXIST;
	if (fido_local_slot_dead(g, n, &generation))
		fido_local_slot_free(g, n);
	ret = fido_local_slot_hold(c->slots, n);
	if (ret == 0)
		ret = c->slot = fido_local_slot_claim(g, n, d->name, d->generation);
	if (ret >= 0) {
		d->slot = n;
		return 0;
	}
	fido_local_slot_let_go(c->slots, n);
	if (ret != -EEXIST)
		fido_log(FIDO_LOG_ERROR,
			"cannot write %s/slot.%u: %s: free some space there, or make the folder "
			"writable for this user",
			g->dir, n, strerror(-ret));
	return ret;
}

int
fido_host_claim(struct fido_local_folder *g, struct fido_domain *d, struct fido_host_claim *c)
{
	int ret = claim_name(g, d);

	*c = (struct fido_host_claim){.slots = -1, .slot = -1};
	if (ret != 0)
		return ret;
	c->slots = fido_local_slots_open(g);
	if (c->slots < 0) {
		fido_log(FIDO_LOG_ERROR, "cannot open %s/lock: %s: let this user read and write it",
			g->dir, strerror(-c->slots));
		return c->slots;
	}
	for (uint32_t n = 0; n < d->layout.slots; n++) {
		ret = try_slot(g, d, n, c);
		if (ret != -EEXIST)
			break;
	}
	if (ret == 0)
		return 0;
	fido_fork_close(c->slots);
	c->slots = -1;
	return ret == -EEXIST ? -EBUSY : ret;
}

void
fido_host_claim_explain(const struct fido_local_folder *g, const struct fido_domain *d)
{
	struct fido_local_owner owner;
	unsigned int living = 0;

	for (uint32_t n = 0; n < d->layout.slots; n++)
		living += fido_local_slot_owner(g, n, &owner);
	fido_log(FIDO_LOG_ERROR,
		"group %s: all %u slots are in use: %u by living domains, the rest by memory of "
		"ended domains that others still map, because they hold buffers in it or are "
		"stopped (fido-ctl list): stop a domain, or create the group with more slots",
		d->group, d->layout.slots, living);
}

/* @return 0, -EEXIST: another domain has our name or our slot, -EMFILE, -ENFILE: cannot tell now */
static int
check_taken(const struct fido_local_folder *g, const struct fido_domain *d)
{
	struct fido_local_owner owner;

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX; n++) {
		if (!fido_local_slot_owner(g, n, &owner))
			continue;
		if (owner.error == -EMFILE || owner.error == -ENFILE)
			return owner.error;
		if (owner.generation != d->generation &&
			(n == d->slot || strcmp(owner.name, d->name) == 0))
			return -EEXIST;
	}
	return 0;
}

static int
hold_again(struct fido_local_folder *g, const struct fido_domain *d, struct fido_host_claim *c,
	uint64_t mapped)
{
	int fd = fido_local_slots_open(g), ret = 0;

	if (fd < 0)
		return fd;
	for (uint32_t n = 0; n < FIDO_SLOTS_MAX && ret == 0; n++)
		if (n == d->slot || (mapped >> n & 1))
			ret = fido_local_slot_hold(fd, n);
	if (ret != 0) {
		fido_fork_close(fd);
		return ret;
	}
	fido_fork_close(c->slots);
	c->slots = fd;
	return 0;
}

int
fido_host_claim_again(struct fido_local_folder *g, const struct fido_domain *d,
	struct fido_host_claim *c, uint64_t mapped)
{
	char path[FIDO_LOCAL_PATH_MAX];
	uint64_t generation;
	int ret = check_taken(g, d), fd, *more;

	if (ret != 0)
		return ret;
	fido_local_folder_path(g, "lock", path);
	if (!fido_local_is_file(path, c->slots))
		ret = hold_again(g, d, c, mapped);
	if (ret != 0 || fido_local_slot_is(g, d->slot, c->slot))
		return ret;
	more = realloc(c->former, (c->former_count + 1) * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	c->former = more;
	if (fido_local_slot_dead(g, d->slot, &generation))
		fido_local_slot_free(g, d->slot);
	fd = fido_local_slot_claim(g, d->slot, d->name, d->generation);
	if (fd < 0)
		return fd;
	c->former[c->former_count++] = c->slot;
	c->slot = fd;
	return 0;
}

void
fido_host_claim_end(struct fido_local_folder *g, const struct fido_domain *d,
	struct fido_host_claim *c)
{
	/* Unlink before unlocking: a slot's file without a lock means a killed domain. */
	if (c->slot >= 0 && fido_local_slot_is(g, d->slot, c->slot))
		fido_local_slot_free(g, d->slot);
	fido_fork_close(c->slot);
	while (c->former_count > 0)
		fido_fork_close(c->former[--c->former_count]);
	free(c->former);
	fido_fork_close(c->slots);
	*c = (struct fido_host_claim){.slots = -1, .slot = -1};
}
