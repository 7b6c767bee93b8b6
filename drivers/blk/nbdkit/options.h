/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_NBDKIT_OPTIONS_H
#define FIDO_NBDKIT_OPTIONS_H

/**
 * @file
 * What stands behind `nbdkit fido` on the command line. Main thread, before nbdkit serves anybody.
 */

#include <stdbool.h>
#include <stdint.h>

/** Volumes that one nbdkit can serve. */
#define OPTIONS_VOLUMES_MAX 32u

struct options {
	const char *group;
	const char *backend;
	const char *domain; /**< NULL: one is made up */
	const char *volumes[OPTIONS_VOLUMES_MAX];
	unsigned int volume_count;
	uint16_t queues;
	uint32_t depth;
	bool read_only;
	bool exclusive;
	bool no_hugepages;
	int timeout_ms; /**< -1: for ever */
	unsigned int spin_us;
};

/** For nbdkit --help. */
#define OPTIONS_HELP                                                                         \
	"group=<GROUP>          (required) The Fido group.\n"                                \
	"[volume=]<VOLUME>      (required) A volume; can be repeated: each is an export,\n"  \
	"                       and the first one is the default export.\n"                  \
	"backend=<DOMAIN>       The domain that serves them (default: disk).\n"              \
	"domain=<NAME>          What nbdkit is called in the group (default: nbdkit-PID).\n" \
	"queues=<N>             Queues to the backend for each volume (default: 1).\n"       \
	"depth=<N>              Requests in flight on each queue (default: 128).\n"          \
	"readonly=<BOOL>        Read only (default: false, if the volume can be written).\n" \
	"exclusive=<BOOL>       Nobody else may have the volume open (default: false).\n"    \
	"timeout=<SECONDS>      How long to wait for the backend at start (default: 5; -1: " \
	"ever).\n"                                                                           \
	"hugepages=<BOOL>       Use huge pages if there are any (default: true).\n"          \
	"spin=<MICROSECONDS>    How long to poll for an answer before sleeping (default: 0)."

/** @return 0, or -1 with an error message of nbdkit's */
int options_set(struct options *options, const char *key, const char *value);
/** Fill in what was left out. @return 0, or -1 with an error message: something is missing */
int options_complete(struct options *options);

#endif
