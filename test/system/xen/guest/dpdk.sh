# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for the scenarios with DPDK in guests: what dpdk-jobs.sh leaves to the bed, then its own
# functions. $group is the name of the group; dom0 must be a member of it, where fido-ctl observes
# the others.
# shellcheck disable=SC2034,SC2154

transport=xen
# The memory is granted to every member of the group, page by page: more of it soon fills the grant
# table (32760 pages).
eal_mib=32
dev_options=
fido_ctl=fido-ctl
ctl_dir=/run

all_met()
{
	xenstore-ls -f "/fido/$group/member" 2>/dev/null |
		awk -v "n=$1" '$1 ~ "/maps/[0-9]+$" && NF - 2 >= n - 1 { met++ } END { exit met < n }'
}

# shellcheck source=test/system/bed/dpdk-jobs.sh
. /bed/dpdk-jobs.sh
