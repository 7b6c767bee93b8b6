/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOSTILE_FRONT_H
#define HOSTILE_FRONT_H

/**
 * @file
 * A process that is client "evil" of the backend "disk": it sends valid and malformed commands and
 * meanwhile scribbles over all its memory. It uses volumes v1 and v2, and asks for exclusive use of
 * v0, which another client has open.
 */

/**
 * Act as that client. Print a line when its link is up. Does not return.
 * @param text a seed; or "greedy1", "greedy2": only read all of v1, v2 and keep it; print the line
 * when more requests wait
 */
int hostile_front_run(const char *text);

#endif
