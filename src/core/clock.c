/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether this processor has the clock that <fido/clock.h> reads. */

#include <errno.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <fido/clock.h>
#include <fido/log.h>


#define LEAF_EXTENDED_FEATURES 0x80000001u
#define EDX_RDTSCP (1u << 27)

int
fido_clock_check(void)
{
#ifdef __x86_64__
	unsigned int a, b, c, d;

	if (!__get_cpuid(LEAF_EXTENDED_FEATURES, &a, &b, &c, &d) || !(d & EDX_RDTSCP)) {
		fido_log(FIDO_LOG_ERROR, "this processor has no RDTSCP, by which messages are dated: in a virtual machine, "
				"give it a processor model that has it (QEMU: -cpu max or -cpu host)");
		return -ENOTSUP;
	}
#endif
	return 0;
}
