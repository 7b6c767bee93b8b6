/* SPDX-License-Identifier: BSD-3-Clause */
/* Taking a name and a slot. */

#include "host_claim.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "domain_private.h"
#include "host_observe.h"
#include "host_session.h"
#include "log_private.h"

int
fido_host_claim_name(const struct fido_domain *d, const struct sockaddr_un *address)
{
	int fd = fido_host_connect(address);

	if (fd == -ENOENT)
		return 0;
	if (fd == -ECONNREFUSED) /* Left behind by a domain that was killed. */
		return unlink(address->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
	if (fd >= 0)
		close(fd);
	fido_log(FIDO_LOG_ERROR, "group %s: there is a domain %s already: choose another name (domain=NAME), or stop that one",
			d->group, d->name);
	return -EEXIST;
}

/* Whether any living domain still maps generation `generation` of slot n; asked one after the other. */
struct mapped_question {
	const struct fido_host_group *group;
	uint32_t slot;
	uint64_t generation;
};

static int
ask_mapped(void *arg, const char *name)
{
	const struct mapped_question *q = arg;
	const struct fido_control_shm *c;
	struct fido_observation o;
	int ret;

	ret = fido_host_observe(q->group, name, &o);
	if (ret == -ENOENT)
		return 0; /* Nobody behind that socket. */
	if (ret != 0)
		return 1; /* It does not answer: it may map anything. */
	c = o.control;
	ret = fido_load_acquire(&c->mapped[q->slot].generation) == q->generation;
	fido_host_observation_end(&o);
	return ret;
}

/* @return a descriptor, -EEXIST: not free, -errno (message written) */
static int
try_slot(struct fido_host_group *g, struct fido_domain *d, uint32_t n)
{
	int fd = fido_host_slot_claim(g, n, d->name, d->generation);

	if (fd < 0) {
		if (fd != -EEXIST)
			fido_log(FIDO_LOG_ERROR, "cannot write %s/slot.%u: %s: free some space there, or make the folder writable for this user",
					g->dir, n, strerror(-fd));
		return fd;
	}
	d->slot = n;
	return fd;
}

int
fido_host_claim_slot(struct fido_host_group *g, struct fido_domain *d)
{
	for (uint32_t n = 0; n < d->layout.slots; n++) {
		int ret = try_slot(g, d, n);

		if (ret != -EEXIST)
			return ret;
	}
	for (uint32_t n = 0; n < d->layout.slots; n++) {
		struct mapped_question q = {g, n, 0};

		if (!fido_host_slot_dead(g, n, &q.generation) ||
				fido_host_group_each(g, ask_mapped, &q) != 0)
			continue;
		fido_host_slot_free(g, n);
		return try_slot(g, d, n);
	}
	fido_log(FIDO_LOG_ERROR, "group %s: all %u slots are in use: stop a domain, or create the group with more slots",
			d->group, d->layout.slots);
	return -ENOSPC;
}
