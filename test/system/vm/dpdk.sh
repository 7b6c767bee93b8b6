# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the scenarios with DPDK in virtual machines: what dpdk-jobs.sh leaves to the bed, then
# its own functions. A scenario sets $group to the name that it gave vm_group; fido-ctl observes on
# the host, which needs a free slot. After dpdk_host, `host` is a place (verbs.sh)
# that has fido-fwd with the driver.
#
# Here testpmd and testpmd_cmd are not those of test/lib.sh: they start testpmd in a guest.
# shellcheck disable=SC2034,SC2154

# shellcheck source=test/system/vm/verbs.sh
. "$vm_bed/verbs.sh"
transport=vm
eal_mib=64
# EAL's own memory is the machine's: others cannot see it.
dev_options=,pools=arena
fido_ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
ctl_dir=$lib_dir

all_met()
{
	true
}

# shellcheck source=test/system/bed/dpdk-jobs.sh
. "$vm_bed/../bed/dpdk-jobs.sh"

# Installed drivers are found by themselves: these are not.
dpdk_host()
{
	lib_find_driver
	mkdir -p "$lib_dir/bin"
	cat >"$lib_dir/bin/fido-fwd" <<-END
		#!/bin/sh
		exec "$FIDO_BUILD/apps/fido-fwd/fido-fwd" -d "$mmnet_driver" --file-prefix "\$FIDO_PREFIX" "\$@"
	END
	chmod 755 "$lib_dir/bin/fido-fwd"
	place host env "PATH=$lib_dir/bin:$PATH" bash -c
}
