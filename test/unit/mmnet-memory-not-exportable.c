/* SPDX-License-Identifier: BSD-3-Clause */
/* Where some or all of EAL's memory cannot be exported, the driver says so once and goes on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fido/region.h>
#include <rte_eal.h>
#include <rte_log.h>

#include "mmnet_log.h"
#include "mmnet_mem.h"

int mmnet_logtype;

/* Replacements of libfido, as far as mmnet_mem.c uses it. */
static int export_result;
static unsigned int exports, regions;
static struct fido_region region;

int
fido_region_import(struct fido_domain *d, void *va, size_t len, size_t align,
	struct fido_region **out)
{
	(void)d;
	(void)va;
	(void)len;
	(void)align;
	regions++;
	*out = &region;
	return 0;
}

int
fido_region_export(struct fido_region *r, uint64_t offset, uint64_t len, int fd, uint64_t fd_offset)
{
	(void)r;
	(void)offset;
	(void)len;
	(void)fd;
	(void)fd_offset;
	exports++;
	return export_result;
}

int
fido_region_withdraw(struct fido_region *r, uint64_t offset, uint64_t len, unsigned int timeout_ms)
{
	(void)r;
	(void)offset;
	(void)len;
	(void)timeout_ms;
	return 0;
}

void
fido_region_destroy(struct fido_region *r)
{
	assert_ptr_equal(r, &region);
	regions--;
}

static unsigned int
count(const char *text, const char *word)
{
	unsigned int n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

/* Export with that result, then withdraw. @return the messages; the caller frees them */
static char *
export_with(int result)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	export_result = result;
	exports = regions = 0;
	assert_non_null(stream);
	rte_openlog_stream(stream);
	assert_int_equal(mmnet_mem_export((struct fido_domain *)&region), 0);
	assert_true(exports > 0);
	rte_openlog_stream(NULL);
	fclose(stream);
	return text;
}

static void
exported(void **state)
{
	char *text = export_with(0);

	(void)state;
	assert_int_equal(count(text, "mmnet:"), 0);
	assert_true(regions > 0);
	mmnet_mem_unexport();
	free(text);
}

static void
not_supported(void **state)
{
	char *text = export_with(-EOPNOTSUPP);

	(void)state;
	assert_int_equal(count(text, "mmnet:"), 1);
	assert_int_equal(count(text, "EAL's memory cannot be exported"), 1);
	assert_int_equal(count(text, "pools=arena"), 1);
	/* It does not try again and again, and takes no room in the slot. */
	assert_int_equal(exports, 1);
	assert_int_equal(regions, 0);
	mmnet_mem_unexport();
	free(text);
}

static void
some_of_it_not(void **state)
{
	char *text = export_with(-ENOSPC);

	(void)state;
	assert_int_equal(count(text, "mmnet:"), 1);
	assert_int_equal(count(text, strerror(ENOSPC)), 1);
	mmnet_mem_unexport();
	free(text);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(exported),
		cmocka_unit_test(not_supported),
		cmocka_unit_test(some_of_it_not),
	};
	char *eal[] = {argv[0], "--no-huge", "-m16", "--no-pci", "--no-shconf", "--no-telemetry",
		"--log-level=lib.eal:error", NULL};
	int ret;

	(void)argc;
	if (rte_eal_init((int)RTE_DIM(eal) - 1, eal) < 0)
		return 1;
	mmnet_logtype = rte_log_register("pmd.net.mmnet");
	rte_log_set_level((uint32_t)mmnet_logtype, RTE_LOG_NOTICE);
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return ret;
}
