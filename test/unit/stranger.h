/* SPDX-License-Identifier: BSD-3-Clause */
/** A peer that a test plays by hand, over the socket of a domain of TEST_GROUP. */
#ifndef FIDO_TEST_STRANGER_H
#define FIDO_TEST_STRANGER_H

#include <stdbool.h>
#include <stdint.h>

#include "host_session.h"

/** Size of its control region in bytes. */
#define TEST_STRANGER_SIZE (2u << 20)

/** @return a blocking socket connected to domain `name`; the caller closes it */
int test_stranger_connect(const char *name);
/** @return a valid control region for that slot, of generation 77; the caller closes it */
int test_stranger_control(uint32_t slot, bool seal);
/** @return a HELLO for such a region */
struct fido_host_hello test_stranger_hello(uint32_t slot, const char *name);

#endif
