/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_TREE_H
#define DOCTOR_TREE_H

/**
 * @file
 * Files of the machine: all that fido-ctl doctor reads of /proc, /sys, /dev and /run goes through
 * here. FIDO_DOCTOR_ROOT in the environment is put before each path, so that tests show it other
 * machines. Nothing is written, and no open blocks.
 *
 * Each path is a printf format.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DOCTOR_PATH_MAX 1024
#define DOCTOR_FORMAT(string, first) __attribute__((format(printf, string, first)))

/** @return true: FIDO_DOCTOR_ROOT is set: this is not the machine that the program runs on */
bool doctor_tree_is_fake(void);
/** Write the path to out, with FIDO_DOCTOR_ROOT. @return false: it is too long */
bool doctor_tree_path(char out[DOCTOR_PATH_MAX], const char *fmt, ...) DOCTOR_FORMAT(2, 3);
/** @return a file to read lines of (fclose()); NULL: it is not there, or not for this user */
FILE *doctor_tree_open(const char *fmt, ...) DOCTOR_FORMAT(1, 2);
/** Read the first line, without its end. @return false: there is none */
bool doctor_tree_line(char *out, size_t size, const char *fmt, ...) DOCTOR_FORMAT(3, 4);
/** @return the number that the file begins with (0x...: hexadecimal); `otherwise`: it has none */
uint64_t doctor_tree_number(uint64_t otherwise, const char *fmt, ...) DOCTOR_FORMAT(2, 3);
bool doctor_tree_exists(const char *fmt, ...) DOCTOR_FORMAT(1, 2);
/** @return true: this user may: R_OK, W_OK, X_OK */
bool doctor_tree_allows(int mode, const char *fmt, ...) DOCTOR_FORMAT(2, 3);
/**
 * Call fn for each entry of a folder, in no order, until it returns true.
 * @return true: it did
 */
bool doctor_tree_each(bool (*fn)(void *arg, const char *name), void *arg, const char *fmt, ...)
	DOCTOR_FORMAT(3, 4);
/** Find a program in PATH. @return false: it is not there */
bool doctor_tree_program(char out[DOCTOR_PATH_MAX], const char *name);

#endif
