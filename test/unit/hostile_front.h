/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOSTILE_FRONT_H
#define HOSTILE_FRONT_H

/**
 * @file
 * A process that is a block client "evil" of the backend "disk": says well-formed commands, malformed ones, and scribbles over all that
 * it owns meanwhile. It uses volumes v1 and v2, and asks for v0 for itself alone, which somebody else has.
 */

/**
 * Be that client. Prints a line when its link is up. Does not return.
 * @param text a seed; or "greedy1", "greedy2": it only reads all of v1, v2, keeps it, and prints the line when more has to wait
 */
int hostile_front_run(const char *text);

#endif
