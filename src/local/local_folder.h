/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOCAL_FOLDER_H
#define FIDO_LOCAL_FOLDER_H

/**
 * @file
 * A group's folder on the host transport: who is in it and which slots they have. No daemon: every domain
 * keeps its own files; slots are claimed, and the folder is made and removed, under the folder's lock.
 *
 *   RUN/<group>/lock          flock: held while a slot is claimed, and while the folder is made or removed; its bytes:
 *                             who has which slot mapped (local_slot.h)
 *   RUN/<group>/group         the layout, written by the first domain
 *   RUN/<group>/keep          fido-ctl create made the folder: it stays when the last domain has left
 *   RUN/<group>/<domain>.sock the domain's socket
 *   RUN/<group>/slot.<n>      "name generation pid"; its owner holds a flock on it as long as it lives; changed (mtime)
 *                             whenever its control thread moves
 *
 * RUN is /run/fido for root, else $XDG_RUNTIME_DIR/fido, else /tmp/fido-<uid>; FIDO_RUNDIR overrides.
 *
 * Who may read and write the folder may read and write its files, and connect to its sockets, whatever the umask of who
 * makes them: the folder's mode and Unix group are theirs.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include <fido/domain.h>

/** Of a folder's path, and of the path of a file in one; with the terminating zero. */
#define FIDO_LOCAL_DIR_MAX 960
#define FIDO_LOCAL_PATH_MAX (FIDO_LOCAL_DIR_MAX + FIDO_NAME_MAX + 8)
/** Where root's groups are, by default. */
#define FIDO_LOCAL_RUN "/run/fido"
/** A slot's file before it has its name. */
#define FIDO_LOCAL_NEW_SLOT "slot.new"

struct fido_local_folder {
	char dir[FIDO_LOCAL_DIR_MAX];
	int lock_fd; /**< -1: not locked */
	mode_t mode; /**< of the folder, and its Unix group: as it was when it was last seen; 0: never */
	gid_t gid;
	bool kept;       /**< fido-ctl create made it */
	mode_t run_mode; /**< of the folder that it is in */
	bool made;       /**< fido_local_folder_open() made the folder; and the one that it is in */
	bool made_run;
};

/** What a folder is. */
enum fido_local_folder_kind {
	FIDO_LOCAL_FOLDER_GROUP,
	FIDO_LOCAL_FOLDER_EMPTY, /**< or a domain has just begun to make it a group */
	FIDO_LOCAL_FOLDER_OTHER, /**< another program's */
};

/** Find the folder of a group; make it when create. @return 0, -errno (message written) */
int fido_local_folder_open(struct fido_local_folder *g, const char *group, bool create);
/**
 * Take the folder's lock; makes the folder again if it has been removed. Waits for those that have it, which is for microseconds,
 * unless one of them is stopped: then -ETIMEDOUT after some seconds.
 * @return 0, -errno (message written)
 */
int fido_local_folder_lock(struct fido_local_folder *g);
/** The same without waiting and without a message. @return 0, -EAGAIN: somebody has it, -errno */
int fido_local_folder_try_lock(struct fido_local_folder *g);
void fido_local_folder_unlock(struct fido_local_folder *g);
/**
 * Look whether the folder is a group, without changing anything: it has what fido-ctl create made, or a domain's layout, of
 * whatever version.
 */
enum fido_local_folder_kind fido_local_folder_look(const struct fido_local_folder *g);
/** Give a file that was just made here the folder's permissions. */
void fido_local_folder_share(const struct fido_local_folder *g, int fd);
/** @return the mode of a file of that folder; same_group: it has the folder's Unix group */
mode_t fido_local_shared_mode(const struct stat *dir, bool same_group);
/**
 * Remove what domains that were killed left, if no domain lives: a new group begins. Whatever else is in the folder stays. The lock
 * is held.
 */
void fido_local_folder_clean_if_empty(struct fido_local_folder *g);
/** Remove the folder if no domain lives in it, unless it is kept. The lock is held. */
void fido_local_folder_remove_if_empty(struct fido_local_folder *g);
/** Remove the folder, also when it is kept. No domain lives in it, and the lock is held. @return 0, -errno (message written) */
int fido_local_folder_remove(struct fido_local_folder *g);
/**
 * As fido_local_folder_remove_if_empty() without the lock, and without waiting for it: when somebody else has it, who leaves last sees to it. The caller's
 * own slot has been given up.
 */
void fido_local_folder_tidy(struct fido_local_folder *g);
/**
 * Read the group's layout, or write it when there is none.
 * @param layout in: what is asked for, 0: anything; out: the group's
 * @return 0, -EINVAL (asked for another one), -EPROTO (another layout version), -errno; message written
 */
int fido_local_folder_layout(struct fido_local_folder *g, struct fido_layout *layout);
/** The path of a file of the folder; out is of FIDO_LOCAL_PATH_MAX bytes. */
void fido_local_folder_path(const struct fido_local_folder *g, const char *file, char *out);
/** @return true when path is the file that fd is. */
bool fido_local_is_file(const char *path, int fd);
/** The address of a domain's socket. @return 0, -ENAMETOOLONG: it is longer than an address, *out is empty */
int fido_local_folder_address(const struct fido_local_folder *g, const char *name,
	struct sockaddr_un *out);
/**
 * Connect to a domain's socket, whatever its path's length. Does not block.
 * @return the socket (fido_fork_close()), -ENOENT, -ECONNREFUSED (nobody listens), -EAGAIN (it does not take connections at the moment), -errno
 */
int fido_local_folder_connect(const struct fido_local_folder *g, const char *name);
/** Make a domain's socket and listen. @return it (fido_fork_close()), -errno (message written) */
int fido_local_folder_listen(const struct fido_local_folder *g, const char *name);
/** Call fn for each domain that has a socket. The lock need not be held. @return 0, -errno, or what fn did */
int fido_local_folder_each(const struct fido_local_folder *g,
	int (*fn)(void *arg, const char *name), void *arg);

#endif
