/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring size that is not a power of two from 16 to 32768 is refused at both ends. */
#include "test.h"

static void
bad_sizes(void **state)
{
	static const uint32_t bad[] = {0, 1, 2, 8, 15, 17, 24, 48, 1000, 32767, 32769, 65536,
		1u << 31, UINT32_MAX};
	struct fido_sender_shm tx = {0};
	struct fido_receiver_shm rx = {0};
	struct fido_map map = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fido_sender *s = NULL;
		struct fido_receiver *r = NULL;

		assert_false(fido_ring_size_valid(bad[i]));
		assert_int_equal(fido_sender_create(&s, &tx, bad[i], 1), -EINVAL);
		assert_int_equal(fido_receiver_create(&r, &rx, &tx, bad[i], &map), -EINVAL);
		assert_null(s);
		assert_null(r);
	}
	fido_sender_destroy(NULL);
	fido_receiver_destroy(NULL);
}

TEST_MAIN_ONE(bad_sizes)
