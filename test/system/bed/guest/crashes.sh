#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Print what the kernel says of crashes, its own and those of programs; exit status 1 if nothing.
dmesg | grep -E 'segfault at|traps:|Oops|BUG:|WARNING:|general protection'
