/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef FIDO_LOCAL_FOLDER_H
#define FIDO_LOCAL_FOLDER_H

/**
 * @file
 * A group's folder on the host transport: the domains in the group and the slots that they have.
 * There is no daemon: every domain maintains its own files. It claims a slot, and creates or
 * removes the folder, under the folder's lock. (The xen transport has such a folder for the
 * processes of one Xen domain.)
 *
 *   RUN/<group>/lock          flock: held to claim a slot and to create or remove the folder;
 *                             its bytes: which domain has which slot mapped (local_slot.h)
 *   RUN/<group>/group         the layout, written by the first domain
 *   RUN/<group>/keep          fido-ctl create made the folder: it stays when the last domain leaves
 *   RUN/<group>/<domain>.sock the domain's socket
 *   RUN/<group>/slot.<n>      "name generation pid"; its owner holds a flock on it as long as it
 *                             lives; its mtime changes whenever the owner's control thread runs
 *
 * RUN is what fido_group_run_dir() finds.
 *
 * Files and sockets get the folder's mode and Unix group, whatever the umask of their creator: a
 * user who may read and write the folder may read and write its files, and connect to its sockets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include <fido/domain.h>
#include <fido/group.h>

/** Sizes of a folder's path and of the path of a file in it, with the terminating zero. */
#define FIDO_LOCAL_DIR_MAX 960
#define FIDO_LOCAL_PATH_MAX (FIDO_LOCAL_DIR_MAX + FIDO_NAME_MAX + 8)
/** Default parent folder of root's groups. */
#define FIDO_LOCAL_RUN "/run/fido"
/** Temporary name of a slot's file. */
#define FIDO_LOCAL_NEW_SLOT "slot.new"

struct fido_local_folder {
	char dir[FIDO_LOCAL_DIR_MAX];
	int lock_fd;     /**< -1: not locked */
	mode_t mode;     /**< of the folder when last locked; 0: never locked */
	gid_t gid;       /**< of the folder when last locked */
	bool kept;       /**< fido-ctl create made it */
	mode_t run_mode; /**< of the parent folder */
	bool made;       /**< fido_local_folder_open() created the folder */
	bool made_run;   /**< fido_local_folder_open() created the parent folder */
};

/** What a folder is. */
enum fido_local_folder_kind {
	FIDO_LOCAL_FOLDER_GROUP,
	FIDO_LOCAL_FOLDER_EMPTY, /**< or a domain has just begun to create a group in it */
	FIDO_LOCAL_FOLDER_OTHER, /**< another program's */
};

/** Find the folder of a group; if `create`, create it. @return 0, -errno (message written) */
int fido_local_folder_open(struct fido_local_folder *g, const char *group, bool create);
/**
 * Take the folder's lock. Create the folder again if it was removed. Blocks for microseconds,
 * unless the holder of the lock is stopped: then -ETIMEDOUT after some seconds.
 * @return 0, -errno (message written)
 */
int fido_local_folder_lock(struct fido_local_folder *g);
/** The same without blocking and without a message. @return 0, -EAGAIN: it is taken, -errno */
int fido_local_folder_try_lock(struct fido_local_folder *g);
void fido_local_folder_unlock(struct fido_local_folder *g);
/**
 * Tell whether the folder is a group, without changing anything. A group has the file that fido-ctl
 * create makes, or a domain's layout of any version.
 */
enum fido_local_folder_kind fido_local_folder_look(const struct fido_local_folder *g);
/** Give a new file the folder's permissions. */
void fido_local_folder_share(const struct fido_local_folder *g, int fd);
/** @return the mode of a file of that folder; same_group: it has the folder's Unix group */
mode_t fido_local_shared_mode(const struct stat *dir, bool same_group);
/** @return true: no domain lives in the folder. */
bool fido_local_folder_is_empty(const struct fido_local_folder *g);
/**
 * If no domain lives, remove the files that killed domains left: a new group begins. Other files
 * stay. The lock is held.
 */
void fido_local_folder_clean_if_empty(struct fido_local_folder *g);
/** Remove the folder if no domain lives in it, unless it is kept. The lock is held. */
void fido_local_folder_remove_if_empty(struct fido_local_folder *g);
/**
 * Remove the folder, even if it is kept. No domain lives in it, and the lock is held.
 * @return 0, -errno (message written)
 */
int fido_local_folder_remove(struct fido_local_folder *g);
/**
 * Like fido_local_folder_remove_if_empty(), but called without the lock and after giving up the
 * caller's slot. Does not block: if another process holds the lock, that one removes the folder.
 */
void fido_local_folder_tidy(struct fido_local_folder *g);
/**
 * Read the group's layout, or write it if there is none.
 * @param layout in: the one wanted, fields of 0: any value; out: the group's
 * @return 0, -EINVAL (the group has another one), -EPROTO (another layout version), -errno;
 *         message written
 */
int fido_local_folder_layout(struct fido_local_folder *g, struct fido_layout *layout);
/** Write the path of a file of the folder to out, which has FIDO_LOCAL_PATH_MAX bytes. */
void fido_local_folder_path(const struct fido_local_folder *g, const char *file, char *out);
/** @return true: path and fd are the same file. */
bool fido_local_is_file(const char *path, int fd);
/** Fill in the address of a domain's socket. @return 0, -ENAMETOOLONG: too long, *out is empty */
int fido_local_folder_address(const struct fido_local_folder *g, const char *name,
	struct sockaddr_un *out);
/**
 * Connect to a domain's socket. Its path may be longer than an address. Does not block.
 * @return the socket (fido_fork_close()), -ENOENT, -ECONNREFUSED (nobody listens), -EAGAIN (its
 *         backlog is full), -errno
 */
int fido_local_folder_connect(const struct fido_local_folder *g, const char *name);
/** The same for another program's socket, which is a stream (SOCK_STREAM). */
int fido_local_folder_connect_stream(const struct fido_local_folder *g, const char *name);
/** Create a domain's socket and listen. @return it (fido_fork_close()), -errno (message written) */
int fido_local_folder_listen(const struct fido_local_folder *g, const char *name);
/** Call fn for each domain that has a socket. Needs no lock. @return 0, -errno, what fn returned */
int fido_local_folder_each(const struct fido_local_folder *g,
	int (*fn)(void *arg, const char *name), void *arg);

#endif
