/* SPDX-License-Identifier: BSD-3-Clause */
/* The doorbells that peers sent us. */

#include "bells.h"

#include <stdlib.h>
#include <string.h>

#include "doorbell_private.h"
#include "link_private.h"
#include "peer.h"

static void
set_free(struct fido_bell_set *set)
{
	for (uint16_t i = 0; i < set->nrx; i++)
		fido_doorbell_destroy(set->rx[i]);
	for (uint16_t i = 0; i < set->ntx; i++)
		fido_doorbell_destroy(set->tx[i]);
	free(set);
}

void
fido_bells_free(struct fido_peer *peer)
{
	struct fido_bell_set *set;

	while ((set = peer->bells) != NULL) {
		peer->bells = set->next;
		set_free(set);
	}
}

static bool
has_link(const struct fido_domain *d, const char *peer, const char *name)
{
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL && strcmp(d->links[i]->peer_name, peer) == 0 &&
			strcmp(d->links[i]->name, name) == 0)
			return true;
	return false;
}

void
fido_domain_peer_bells(struct fido_domain *d, struct fido_peer *peer, struct fido_bell_set *set)
{
	struct fido_bell_set **p, *old;

	/* Only for links that we have: a peer must not fill our table of file descriptors. A peer
	 * sends the doorbells of a link only after it has seen ours in our control block. */
	if (!has_link(d, peer->name, set->link)) {
		set_free(set);
		return;
	}
	/* Replace the old set: the peer sends doorbells each time it binds the link. */
	for (p = &peer->bells; (old = *p) != NULL && strcmp(old->link, set->link) != 0;
		p = &old->next)
		;
	set->next = old != NULL ? old->next : NULL;
	*p = set;
	for (uint32_t i = 0; i < FIDO_DOMAIN_LINKS_MAX; i++)
		if (d->links[i] != NULL)
			fido_link_set_bells(d->links[i], peer, set);
	if (old != NULL)
		set_free(old);
}

void
fido_domain_forget_bells(struct fido_domain *d, const char *peer_name, const char *link)
{
	/* A destroyed link may still exist when another of its name is created. */
	if (has_link(d, peer_name, link))
		return;
	for (struct fido_peer *peer = d->peers; peer != NULL; peer = peer->next) {
		struct fido_bell_set **p = &peer->bells, *set;

		if (strcmp(peer->name, peer_name) != 0)
			continue;
		while ((set = *p) != NULL && strcmp(set->link, link) != 0)
			p = &set->next;
		if (set != NULL) {
			*p = set->next;
			set_free(set);
		}
	}
}
