/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DOCTOR_VMD_H
#define DOCTOR_VMD_H

/** @file Ask a fido-vmd whether it is there, without joining its group. */

/**
 * Say HELLO of a version that does not exist: fido-vmd refuses it, and so shows that it is there.
 * @param dir the group's folder
 * @return 0, -ECONNREFUSED or -ENOENT (it does not run), -EACCES, -ETIMEDOUT (it hangs), -errno
 */
int doctor_vmd_ask(const char *dir);

#endif
