/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VMD_MACHINE_H
#define FIDO_VMD_MACHINE_H

/**
 * @file
 * A virtual machine, by its QEMU: which process it is, and what QMP says of the processes in the
 * guest. What it takes for a member's death is certain: a member that is thought dead while it
 * lives would lose memory that it reads.
 *
 * The end of QEMU's process is the death of all. A port that closes is the death of the process
 * that had opened it. That event and the frames of the next process at the port come by different
 * connections, in any order. So an event is only a reason to ask QEMU how the ports are now: if the
 * port is closed, the member that lived at its slot when QEMU was asked is dead. If it is open,
 * that member is asked WHO, and another one that answers has taken its place.
 */

#include <stdbool.h>
#include <stdint.h>

#include "loop.h"
#include "qmp.h"
#include "state.h"

struct served;

struct machine {
	struct source process; /**< QEMU's */
	struct source monitor; /**< its QMP */
	struct qmp qmp;
	struct served *served;
	uint32_t index;
	uint64_t retry_ms; /**< when to connect to QMP again */
	bool asked;        /**< QEMU has been asked how the ports are */
	bool ask_again;    /**< something has happened since */
	uint64_t open;     /**< slots whose port a process has open, as far as is known */
	uint64_t moved;    /**< slots whose port was opened or closed since QEMU was asked */
	uint64_t suspects[FIDO_SLOTS_MAX]; /**< by slot: who lived there when QEMU was asked; 0 */
};

void machine_create(struct machine *m, struct served *served, uint32_t index);
/** Find out whether the machine that the state names runs. */
void machine_open(struct machine *m);
void machine_close(struct machine *m);
/**
 * A process has connected to one of the machine's sockets.
 * @param pid 0: not visible from here
 * @return false: another process, which runs, is the machine's QEMU: refuse it (message written)
 */
bool machine_has_process(struct machine *m, uint64_t pid, uint64_t start);
/** A member has said HELLO. If its port is closed by now, nobody will tell of its death. */
void machine_has_member(struct machine *m, uint32_t slot);
/** @return the number of the machine's clock (clock_number.h) */
uint64_t machine_clock(const struct machine *m);
/** Connect to QMP, if it is time. @return true: call again in a while */
bool machine_tick(struct machine *m);

#endif
