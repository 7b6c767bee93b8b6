/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Creating, joining and destroying a group changes nothing in another program's folder.
 *
 * Nor does it open the folder above.
 */
#include "test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fido/group.h>

static char place[] = "/tmp/fido-foreign.XXXXXX";
static char own_gid[16];

static char *
path_of(const char *file)
{
	static char path[2][128];
	static unsigned int n;
	char *p = path[n++ % 2];

	snprintf(p, sizeof(path[0]), "%s/%s", place, file);
	return p;
}

static bool
is_there(const char *file)
{
	struct stat st;

	return lstat(path_of(file), &st) == 0;
}

static mode_t
mode_of(const char *file)
{
	struct stat st;

	assert_int_equal(stat(path_of(file), &st), 0);
	return st.st_mode & 07777;
}

static void
put(const char *file, const char *text)
{
	FILE *f = fopen(path_of(file), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* @return a socket that listens there; when it is closed its file stays */
static int
put_socket(const char *file, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of(file));
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void
make_folder(const char *name)
{
	assert_int_equal(mkdir(path_of(name), 0755), 0);
	assert_int_equal(chmod(path_of(name), 0755), 0);
}

static void
begin(void)
{
	strcpy(place + strlen(place) - 6, "XXXXXX");
	assert_non_null(mkdtemp(place));
	assert_int_equal(setenv("FIDO_RUNDIR", place, 1), 0);
	snprintf(own_gid, sizeof(own_gid), "%u", (unsigned int)getegid());
}

static void
end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", place);
	assert_int_equal(system(command), 0);
	assert_int_equal(setenv("FIDO_RUNDIR", test_rundir(), 1), 0);
}

/* Files of another program: nothing in them says Fido, whatever their names. */
static void
make_foreign(int *sock)
{
	make_folder("other");
	sock[0] = put_socket("other/api.sock", SOCK_STREAM);
	sock[1] = put_socket("other/packets.sock", SOCK_SEQPACKET);
	put("other/file.sock", "text");
	put("other/group", "root:x:0:\n");
	put("other/keep", "text");
}

static void
check_foreign(void)
{
	static const char *const names[] = {"other/api.sock", "other/packets.sock",
		"other/file.sock", "other/group", "other/keep"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!is_there(names[i]))
			fail_msg("%s is gone", names[i]);
	assert_int_equal(mode_of("other"), 0755);
}

static void
foreign_folder(void **state)
{
	int sock[2];

	begin();
	make_foreign(sock);
	assert_int_equal(fido_group_destroy("other"), -ENOTEMPTY);
	test_message_has("/other", "no group of Fido", NULL);
	check_foreign();
	assert_false(is_there("other/lock"));
	assert_int_equal(fido_group_create("other",
				 &(struct fido_group_config){.unix_group = own_gid}),
		-ENOTEMPTY);
	test_message_has("/other", "no group of Fido", NULL);
	check_foreign();
	assert_false(is_there("other/lock"));
	/* An empty folder becomes a group; it is not removed before that. */
	make_folder("empty");
	assert_int_equal(fido_group_destroy("empty"), -ENOTEMPTY);
	assert_int_equal(mode_of("empty"), 0755);
	assert_int_equal(fido_group_create("empty",
				 &(struct fido_group_config){.unix_group = own_gid}),
		0);
	assert_int_equal(fido_group_destroy("empty"), 0);
	assert_false(is_there("empty"));
	close(sock[0]);
	close(sock[1]);
	end();
}

/* A symbolic link proves nothing about what it points to. */
static void
symbolic_links(void **state)
{
	begin();
	make_folder("other");
	put("mark", "");
	put("layout", "fido 2\nbase 0x2000000000\nslot_shift 32\nslots 16\n");
	assert_int_equal(symlink("../mark", path_of("other/keep")), 0);
	assert_int_equal(symlink("../layout", path_of("other/group")), 0);
	assert_int_equal(fido_group_destroy("other"), -ENOTEMPTY);
	assert_true(is_there("other/keep"));
	assert_true(is_there("other/group"));
	end();
}

/* A domain in another program's folder removes only its own files. */
static void
last_domain_leaves(void **state)
{
	struct fido_domain_config config = test_config("a");
	struct fido_domain *a;
	int sock[2];

	begin();
	make_foreign(sock);
	config.group = "other";
	assert_int_equal(fido_domain_join(&a, &config), -EPROTO);
	check_foreign();
	assert_int_equal(unlink(path_of("other/group")), 0);
	assert_int_equal(fido_domain_join(&a, &config), 0);
	assert_true(is_there("other/a.sock"));
	fido_domain_leave(a);
	assert_false(is_there("other/group"));
	assert_false(is_there("other/a.sock"));
	put("other/group", "root:x:0:\n");
	check_foreign();
	close(sock[0]);
	close(sock[1]);
	end();
}

/* Files of killed domains are removed. */
static void
dead_sockets(void **state)
{
	begin();
	assert_int_equal(fido_group_create("g", &(struct fido_group_config){.mode = 0}), 0);
	close(put_socket("g/dead.sock", SOCK_SEQPACKET));
	put("g/slot.3", "dead 1 1\n");
	assert_int_equal(fido_group_destroy("g"), 0);
	assert_false(is_there("g"));
	end();
}

static void
folder_above(void **state)
{
	begin();
	assert_int_equal(fido_group_create("g", &(struct fido_group_config){.mode = 0}), 0);
	assert_int_equal(mode_of("."), 0700);
	/* A foreign parent folder keeps its mode, and the creator is told. */
	assert_int_equal(fido_group_create("g", &(struct fido_group_config){.unix_group = own_gid}),
		0);
	assert_int_equal(mode_of("."), 0700);
	assert_int_equal(fido_group_destroy("g"), 0);
	/* A parent folder that is created with the group is open to the group's users. */
	assert_int_equal(setenv("FIDO_RUNDIR", path_of("run"), 1), 0);
	assert_int_equal(fido_group_create("g", &(struct fido_group_config){.unix_group = own_gid}),
		0);
	assert_int_equal(mode_of("run") & 0011, 0011);
	assert_int_equal(fido_group_destroy("g"), 0);
	assert_int_equal(setenv("FIDO_RUNDIR", path_of("own"), 1), 0);
	assert_int_equal(fido_group_create("g", &(struct fido_group_config){.mode = 0}), 0);
	assert_int_equal(mode_of("own") & 0007, 0);
	assert_int_equal(fido_group_destroy("g"), 0);
	end();
}

TEST_MAIN(cmocka_unit_test(foreign_folder), cmocka_unit_test(symbolic_links),
	cmocka_unit_test(last_domain_leaves), cmocka_unit_test(dead_sockets),
	cmocka_unit_test(folder_above))
