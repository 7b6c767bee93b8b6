/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared code of the store tests. */

#include "blk_store_test.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* ---- store and channels ---- */

void
store_test_start(struct store_test *t)
{
	*t = (struct store_test){.domain = test_join("a")};
	assert_int_equal(blk_buffers_create(&t->buffers, t->domain, 8 << 20), 0);
}

void
store_test_end(struct store_test *t)
{
	store_test_close(t);
	assert_int_equal(blk_buffers_used(t->buffers), 0);
	blk_buffers_destroy(t->buffers);
	fido_domain_leave(t->domain);
	test_rundir_empty();
}

static int
try_open(struct store_test *t, bool read_only, const char *format, va_list args)
{
	struct blk_store_config config = {.domain = t->domain,
		.volume = "v",
		.read_only = read_only};
	char spec[PATH_MAX + 256];

	vsnprintf(spec, sizeof(spec), format, args);
	t->store = NULL;
	return blk_store_open(&t->store, &config, spec);
}

int
store_test_try(struct store_test *t, bool read_only, const char *spec, ...)
{
	va_list args;
	int ret;

	va_start(args, spec);
	ret = try_open(t, read_only, spec, args);
	va_end(args);
	return ret;
}

void
store_test_open(struct store_test *t, const char *spec, ...)
{
	va_list args;
	int ret;

	va_start(args, spec);
	ret = try_open(t, false, spec, args);
	va_end(args);
	if (ret != 0)
		fail_msg("cannot open: %s", fido_last_error());
	assert_string_equal(t->store->ops->kind, strncmp(spec, "nbd", 3) == 0 ? "nbd" : "file");
	t->channel = store_test_channel(t);
}

struct blk_channel *
store_test_channel(struct store_test *t)
{
	struct blk_channel_config config = {.buffers = t->buffers};
	unsigned int i = 0;

	while (t->channels[i] != NULL)
		i++;
	assert_true(i < STORE_CHANNELS);
	assert_int_equal(t->store->ops->channel_open(t->store, &config, &t->channels[i]), 0);
	assert_ptr_equal(t->channels[i]->store, t->store);
	return t->channels[i];
}

void
store_test_close(struct store_test *t)
{
	for (unsigned int i = 0; i < STORE_CHANNELS; i++)
		if (t->channels[i] != NULL)
			t->store->ops->channel_close(t->channels[i]);
	memset(t->channels, 0, sizeof(t->channels));
	t->channel = NULL;
	blk_store_close(t->store);
	t->store = NULL;
	assert_int_equal(t->finished, t->done);
}

/* ---- files ---- */

void
store_test_file(const char *name, size_t size, uint64_t seed)
{
	int fd = open(store_test_path(name), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (seed != 0) {
		void *p = store_memory(size, seed);

		assert_int_equal(pwrite(fd, p, size, 0), size);
		free(p);
	}
	close(fd);
}

void *
store_memory(size_t len, uint64_t seed)
{
	void *p = aligned_alloc(4096, (len + 4095) & ~(size_t)4095);

	assert_non_null(p);
	test_fill(p, len, seed);
	return p;
}

static char tmpfs[PATH_MAX];

/* Runs after a failure, before the test's folder is removed. */
static void
leave_tmpfs(void)
{
	umount2(tmpfs, MNT_DETACH);
}

/* In a user namespace as well, where that is needed. */
void
store_test_tmpfs(const char *name, size_t size)
{
	char options[64];
	const char *path = store_test_path(name);

	if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		TEST_SKIP("this user cannot create a mount namespace: %s", strerror(errno));
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(options, sizeof(options), "size=%zu,mode=0777", size);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("fido", path, "tmpfs", 0, options) != 0) {
		rmdir(path);
		TEST_SKIP("this user cannot mount a tmpfs: %s", strerror(errno));
	}
	strcpy(tmpfs, path);
	atexit(leave_tmpfs);
}

void
store_test_tmpfs_end(const char *name)
{
	assert_int_equal(umount(store_test_path(name)), 0);
	assert_int_equal(rmdir(store_test_path(name)), 0);
}

/* ---- requests ---- */

void
blk_io_done(struct blk_io *io, int error)
{
	struct store_io *r = (struct store_io *)io;

	io->error = error;
	r->done++;
	r->test->done++;
	assert_true(error <= 0);
	if (r->done != 1)
		fail_msg("completed %u times", r->done);
}

void
store_io_init(struct store_io *r, struct store_test *t, enum fido_blk_op op, uint64_t offset,
	void *p, size_t len)
{
	r->io = (struct blk_io){.op = op,
		.offset = offset,
		.length = len,
		.iov = r->iov,
		.error = 1};
	r->test = t;
	r->done = 0;
	r->channel = NULL;
	if (op == FIDO_BLK_READ)
		TEST_WAIT((p = blk_buffers_alloc(t->buffers, len)) != NULL);
	if (op == FIDO_BLK_READ || op == FIDO_BLK_WRITE) {
		r->iov[0] = (struct iovec){p, len};
		r->io.iovcnt = 1;
	}
}

void
store_io_submit(struct store_io *r)
{
	if (r->channel == NULL)
		r->channel = r->test->channel;
	r->test->store->ops->submit(r->channel, &r->io);
}

int
store_io_wait(struct store_io *r)
{
	const struct blk_store_ops *ops = r->test->store->ops;
	uint64_t until = test_now_ms() + TEST_LIMIT_MS;

	while (true) {
		struct pollfd p = {.fd = -1};

		r->test->finished += ops->poll(r->channel);
		if (r->done != 0)
			break;
		if (!ops->arm(r->channel, &p.fd, &p.events)) {
			if (p.fd < 0)
				fail_msg("nothing to wait for, but not completed");
			poll(&p, 1, 1000);
		}
		if (test_now_ms() > until)
			fail_msg("not completed after %d ms", TEST_LIMIT_MS);
	}
	return r->io.error;
}

int
store_io_run(struct store_io *r)
{
	store_io_submit(r);
	return store_io_wait(r);
}

void *
store_io_data(const struct store_io *r)
{
	return r->iov[0].iov_base;
}

void
store_io_free(struct store_io *r)
{
	if (r->io.op == FIDO_BLK_READ)
		blk_buffers_free(r->test->buffers, store_io_data(r));
}

int
store_write(struct store_test *t, uint64_t offset, const void *p, size_t len)
{
	static struct store_io r;

	store_io_init(&r, t, FIDO_BLK_WRITE, offset, (void *)(uintptr_t)p, len);
	return store_io_run(&r);
}

int
store_read(struct store_test *t, uint64_t offset, void *p, size_t len)
{
	static struct store_io r;
	int ret;

	store_io_init(&r, t, FIDO_BLK_READ, offset, NULL, len);
	ret = store_io_run(&r);
	if (ret == 0)
		memcpy(p, store_io_data(&r), len);
	store_io_free(&r);
	return ret;
}

int
store_op(struct store_test *t, enum fido_blk_op op, uint64_t offset, uint64_t len)
{
	static struct store_io r;

	store_io_init(&r, t, op, offset, NULL, len);
	return store_io_run(&r);
}

void
store_reads(struct store_test *t, uint64_t offset, size_t len, uint64_t seed)
{
	uint8_t *p = store_memory(len, 17);

	assert_int_equal(store_read(t, offset, p, len), 0);
	if (seed != 0)
		assert_true(test_filled(p, len, seed));
	for (size_t i = 0; seed == 0 && i < len; i++)
		assert_int_equal(p[i], 0);
	free(p);
}
