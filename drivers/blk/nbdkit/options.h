/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_OPTIONS_H
#define FIDO_NBDKIT_OPTIONS_H

/**
 * @file
 * Parameters after `nbdkit fido` on the command line. Main thread, before nbdkit serves clients.
 */

#include <stdbool.h>
#include <stdint.h>

/** Maximum number of volumes. */
#define OPTIONS_VOLUMES_MAX 32u

struct options {
	const char *group;
	const char *backend;
	const char *domain; /**< NULL: nbdkit-PID */
	const char *volumes[OPTIONS_VOLUMES_MAX];
	unsigned int volume_count;
	uint16_t queues;
	uint32_t depth;
	bool read_only;
	bool exclusive;
	bool no_hugepages;
	int timeout_ms; /**< -1: forever */
	unsigned int spin_us;
};

/** For nbdkit --help. */
#define OPTIONS_HELP                                                                             \
	"group=<GROUP>          (required) The Fido group.\n"                                    \
	"[volume=]<VOLUME>      (required) A volume to export; can be repeated. The first\n"     \
	"                       one is the default export.\n"                                    \
	"backend=<DOMAIN>       The domain that serves the volumes (default: disk).\n"           \
	"domain=<NAME>          Name of nbdkit in the group (default: nbdkit-PID).\n"            \
	"queues=<N>             Queues to the backend for each volume (default: 1).\n"           \
	"depth=<N>              Requests in flight on each queue (default: 128).\n"              \
	"readonly=<BOOL>        Export read-only (default: false, if the volume is writable).\n" \
	"exclusive=<BOOL>       Refuse other clients of the volume (default: false).\n"          \
	"timeout=<SECONDS>      Time to wait for the backend at start (default: 5; -1:\n"        \
	"                       forever).\n"                                                     \
	"hugepages=<BOOL>       Use huge pages if available (default: true).\n"                  \
	"spin=<MICROSECONDS>    Time to poll for an answer before sleeping (default: 0)."

/** Set a parameter. @return 0, or -1 after nbdkit_error() */
int options_set(struct options *options, const char *key, const char *value);
/** Set defaults, check required parameters. @return 0, or -1 after nbdkit_error() */
int options_complete(struct options *options);

#endif
