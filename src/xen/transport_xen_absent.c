/* SPDX-License-Identifier: BSD-3-Clause */
/* Stub of the xen transport, for builds without Xen's libraries: joining fails and logs why. */

#include <errno.h>

#include <fido/log.h>

#include "domain_private.h"

static int
absent(const char *group)
{
	fido_log(FIDO_LOG_ERROR,
		"group xen:%s: this libfido was built without Xen: install libxen-dev and build it "
		"again (meson configure -Dxen=enabled)",
		group);
	return -EPROTONOSUPPORT;
}

static int
absent_join(struct fido_domain *d, void **transport)
{
	(void)transport;
	return absent(d->group);
}

static int
absent_observe(const char *group, int (*fn)(void *arg, struct fido_observation *o), void *arg)
{
	(void)fn;
	(void)arg;
	return absent(group);
}

static void
absent_observe_end(struct fido_observation *o)
{
	(void)o;
}

/* The other ops are called only after joining. */
const struct fido_transport_ops fido_transport_xen = {
	.name = "xen",
	.join = absent_join,
	.observe = absent_observe,
	.observe_end = absent_observe_end,
};
