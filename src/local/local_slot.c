/* SPDX-License-Identifier: BSD-3-Clause */
#include "local_slot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fork_guard.h"

/* ---- the bytes ---- */

static struct flock
byte_lock(uint32_t n, short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = n, .l_len = 1};
}

int
fido_local_slots_open(const struct fido_local_folder *g)
{
	char path[FIDO_LOCAL_PATH_MAX];
	int fd;

	fido_local_folder_path(g, "lock", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fido_fork_guard(fd);
}

int
fido_local_slot_hold(int slots, uint32_t n)
{
	struct flock l = byte_lock(n, F_RDLCK);

	return fcntl(slots, F_OFD_SETLK, &l) == 0 ? 0 : -errno;
}

void
fido_local_slot_let_go(int slots, uint32_t n)
{
	struct flock l = byte_lock(n, F_UNLCK);

	fcntl(slots, F_OFD_SETLK, &l);
}

bool
fido_local_slot_held(int slots, uint32_t n)
{
	struct flock l = byte_lock(n, F_WRLCK);

	return fcntl(slots, F_OFD_GETLK, &l) != 0 || l.l_type != F_UNLCK;
}

/* ---- the files ---- */

static void
slot_path(const struct fido_local_folder *g, uint32_t n, char *out)
{
	char file[16];

	snprintf(file, sizeof(file), "slot.%u", n);
	fido_local_folder_path(g, file, out);
}

int
fido_local_slot_claim(struct fido_local_folder *g, uint32_t n, const char *name,
	uint64_t generation)
{
	char path[FIDO_LOCAL_PATH_MAX], made[FIDO_LOCAL_PATH_MAX];
	int fd, err;

	slot_path(g, n, path);
	fido_local_folder_path(g, FIDO_LOCAL_NEW_SLOT, made);
	unlink(made); /* left by a domain that was killed here */
	fd = open(made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	fido_fork_guard(fd);
	fido_local_folder_share(g, fd);
	/* link() makes the file visible to others only when it is locked and filled. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		dprintf(fd, "%s %" PRIu64 " %d\n", name, generation, (int)getpid()) > 0 &&
		link(made, path) == 0) {
		unlink(made);
		return fd;
	}
	err = errno;
	fido_fork_close(fd);
	unlink(made);
	return -err;
}

void
fido_local_owner_read(int fd, struct fido_local_owner *out)
{
	char text[128] = "";
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

	*out = (struct fido_local_owner){.generation = 0};
	if (len <= 0 ||
		sscanf(text, "%31s %" SCNu64 " %d", out->name, &out->generation, &out->pid) < 2)
		out->generation = 0;
}

static int
open_slot(const struct fido_local_folder *g, uint32_t n)
{
	char path[FIDO_LOCAL_PATH_MAX];
	int fd;

	slot_path(g, n, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool
fido_local_owner_lives(int slot)
{
	/*
	 * The kernel drops the owner's lock with its last descriptor, when the process has ended.
	 */
	if (flock(slot, LOCK_SH | LOCK_NB) != 0)
		return true;
	flock(slot, LOCK_UN);
	return false;
}

bool
fido_local_slot_owner(const struct fido_local_folder *g, uint32_t n, struct fido_local_owner *out)
{
	int fd = open_slot(g, n);
	bool lives = fd == -EACCES || fd == -EMFILE || fd == -ENFILE; /* It may live. */

	*out = (struct fido_local_owner){.error = fd < 0 ? fd : 0};
	if (fd < 0)
		return lives;
	lives = fido_local_owner_lives(fd);
	fido_local_owner_read(fd, out);
	close(fd);
	return lives;
}

bool
fido_local_slot_dead(const struct fido_local_folder *g, uint32_t n, uint64_t *generation)
{
	struct fido_local_owner owner;
	int fd = open_slot(g, n);
	bool dead;

	if (fd < 0)
		return false;
	dead = !fido_local_owner_lives(fd);
	fido_local_owner_read(fd, &owner);
	*generation = owner.generation;
	close(fd);
	return dead;
}

int
fido_local_slot_open(const struct fido_local_folder *g, uint32_t n, uint64_t generation)
{
	struct fido_local_owner owner;
	int fd = open_slot(g, n);

	if (fd < 0)
		return fd == -ENOENT ? -ESTALE : fd;
	fido_local_owner_read(fd, &owner);
	if (owner.generation == generation && fido_local_owner_lives(fd))
		return fd;
	close(fd);
	return -ESTALE;
}

void
fido_local_slot_moved(int claim)
{
	futimens(claim, NULL); /* If this fails, observers cannot tell how long we have hung. */
}

/* @return when the slot's file changed, if a living domain of this name owns it; else 0 */
static uint64_t
moved_at(int fd, const char *name)
{
	struct fido_local_owner owner;
	struct stat st;

	fido_local_owner_read(fd, &owner);
	if (strcmp(owner.name, name) != 0 || !fido_local_owner_lives(fd) || fstat(fd, &st) != 0)
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)st.st_mtim.tv_nsec;
}

uint64_t
fido_local_slot_moved_at(const struct fido_local_folder *g, const char *name)
{
	uint64_t at = 0;

	for (uint32_t n = 0; n < FIDO_SLOTS_MAX && at == 0; n++) {
		int fd = open_slot(g, n);

		if (fd < 0)
			continue;
		at = moved_at(fd, name);
		close(fd);
	}
	return at;
}

void
fido_local_slot_free(struct fido_local_folder *g, uint32_t n)
{
	char path[FIDO_LOCAL_PATH_MAX];

	slot_path(g, n, path);
	unlink(path);
}

bool
fido_local_slot_is(const struct fido_local_folder *g, uint32_t n, int fd)
{
	char path[FIDO_LOCAL_PATH_MAX];

	slot_path(g, n, path);
	return fido_local_is_file(path, fd);
}
