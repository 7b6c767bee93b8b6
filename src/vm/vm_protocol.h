/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_VM_PROTOCOL_H
#define FIDO_VM_PROTOCOL_H

/**
 * @file
 * What members of a group `vm:NAME` and its daemon, fido-vmd, say to each other. A member is a
 * process in a virtual machine, which speaks by a port of virtio-serial, or a process of the host,
 * which speaks by a Unix socket. Both are streams of bytes, cut into frames (vm_frame.h).
 *
 *   member                           fido-vmd
 *     HELLO             ----->
 *                       <-----       WELCOME | REFUSE
 *                       <-----       PEER               another member, once for each generation
 *     CHANGED, RING     ----->                          to one member or, CHANGED, to all
 *                       <-----       CHANGED, RING      from one member
 *                       <-----       GONE               a member has left, or has certainly died
 *     LET_GO            ----->                          nothing of that generation is mapped now
 *     BYE               ----->                          the member leaves
 *                       <-----       WHO                say HELLO again: fido-vmd or its connection
 *                                                       is new, and frames may have been lost
 *
 * Frames carry no state: what a member exports, and its doorbells, are in its own memory
 * (vm_root.h), where its peers read them. So after frames were lost a member reads all of its
 * peers' memory again, rings its own doorbells, tells all that something has changed, and nothing
 * is missing.
 *
 * When it welcomes a member again, fido-vmd says GONE also for each ended generation that it
 * believes the member to map: a LET_GO may be among the frames that were lost. The member answers
 * LET_GO if that is so.
 *
 * Slots. A group has a fixed number of slots, each one file. Each virtual machine, and the host,
 * has some of them, and one process at a time has one. fido-vmd counts the members that map a
 * generation's memory: from PEER until LET_GO, or until that member's end. The slot is free when
 * there is none left.
 */

#include <stdint.h>

#include <fido/control_shm.h>
#include <fido/domain.h>
#include <fido/gaddr.h>

/** Version of these frames and of vm_root.h. */
#define FIDO_VM_VERSION 1
/** Name of the port of slot N in a guest: "fido.GROUP.N". */
#define FIDO_VM_PORT "fido.%s.%u"
/** The group's folder on the host, in the parent folder of all groups: "vm.GROUP". */
#define FIDO_VM_FOLDER "vm.%s"
/** In it: the socket for members of the host; the file, or a link to it, of slot N's memory. */
#define FIDO_VM_HOST_SOCKET "host.sock"
#define FIDO_VM_MEMORY "slot.%u.mem"
/**
 * Number of the file that is RAM of the guest of number N, if it has one (vm_ram.h); numbers below
 * are slots. Its name in the folder: "ram.N.mem".
 */
#define FIDO_VM_RAM(n) (FIDO_SLOTS_MAX + (n))
#define FIDO_VM_RAM_MEMORY "ram.%u.mem"
#define FIDO_VM_FILES_MAX (2 * FIDO_SLOTS_MAX)
/**
 * A slot's file begins with the header that makes a guest's kernel show it as device dax. The
 * memory at the slot's base follows; the guest sees that part only. In bytes.
 */
#define FIDO_VM_HEADER_SIZE (UINT64_C(2) << 20)
/**
 * Faster doorbells, if the group has them: vectors of devices (fido_bell.h). Each machine has a
 * device, each slot of the host is like one. In the folder: the socket from which the machine's
 * QEMU, or a member of the host, gets the eventfds behind the vectors, in the protocol of QEMU's
 * ivshmem-server. The daemon has the id 0.
 */
#define FIDO_VM_BELLS "%s.bell"
#define FIDO_VM_HOST_BELLS "host.bell.sock"
#define FIDO_VM_BELL_DAEMON 0
#define FIDO_VM_BELL_IDS_MAX (2 * FIDO_SLOTS_MAX + 1)
/** In a CHANGED: all other members. In a HELLO: any slot (members of the host). */
#define FIDO_VM_ANY UINT32_MAX

enum fido_vm_type {
	FIDO_VM_HELLO = 1,
	FIDO_VM_WELCOME,
	FIDO_VM_REFUSE,
	FIDO_VM_PEER,
	FIDO_VM_GONE,
	FIDO_VM_LET_GO,
	FIDO_VM_CHANGED,
	FIDO_VM_RING,
	FIDO_VM_BYE,
	FIDO_VM_WHO,
};

struct fido_vm_hello {
	uint32_t version;  /**< FIDO_VM_VERSION */
	uint32_t layout;   /**< FIDO_LAYOUT_VERSION */
	uint32_t slot;     /**< the one that it has, or wants; FIDO_VM_ANY: none yet */
	uint32_t observes; /**< 1: an observer, without links */
	uint64_t pid;      /**< in its own pid namespace; for people */
	char name[FIDO_NAME_MAX];
	uint32_t testament; /**< 1: its kernel can ring when it ends (fido_bell.h) */
	uint32_t pad;
};

struct fido_vm_welcome {
	uint64_t base; /**< the group's layout (struct fido_layout) */
	uint32_t slot_shift;
	uint32_t slots;
	uint32_t slot;    /**< the member's */
	uint32_t again;   /**< 1: this generation was welcomed before */
	uint64_t size;    /**< bytes of the slot's memory, without the file's header */
	uint64_t clock;   /**< members with the same number have the same time stamp counter */
	uint32_t members; /**< how many PEER frames follow at once */
	uint32_t bell_id; /**< of its machine's device; FIDO_VM_ANY: none */
	/** Vector of FIDO_VM_BELL_DAEMON that its kernel rings when it ends; FIDO_VM_ANY: none. */
	uint32_t testament;
	uint32_t pad;
};

enum fido_vm_reason {
	FIDO_VM_REASON_VERSION = 1, /**< another version of frames or of the layout */
	FIDO_VM_REASON_NAME,        /**< a living member has the name, or it is not valid */
	FIDO_VM_REASON_HELD,        /**< the slot's former memory is still mapped by others */
	FIDO_VM_REASON_FULL,        /**< no slot of the host is free */
	FIDO_VM_REASON_TAKEN,       /**< another process has the slot */
};

struct fido_vm_refuse {
	uint32_t reason; /**< enum fido_vm_reason */
	uint32_t pad;
	char who[FIDO_NAME_MAX]; /**< the member that has the name or maps the memory, if known */
};

struct fido_vm_peer {
	uint64_t generation;
	uint32_t slot;
	uint32_t observes;
	uint64_t clock;
	char name[FIDO_NAME_MAX];
	uint32_t bell_id; /**< ring its vectors there; FIDO_VM_ANY: by RING only */
	uint32_t pad;
};

/** Payload of GONE, LET_GO, CHANGED and RING: which member. */
struct fido_vm_member {
	uint64_t generation; /**< 0 with FIDO_VM_ANY */
	uint32_t slot;
	/**
	 * GONE: 1: it left, and held nothing. RING: the doorbell's number. CHANGED: 1: rings were
	 * lost, so ring all of your doorbells. LET_GO: 0.
	 */
	uint32_t value;
};

struct fido_vm_bye {
	uint64_t clean; /**< 1: it holds nothing, and nothing of it is out */
};

#endif
