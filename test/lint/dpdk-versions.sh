#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: the drivers and the applications compile with later LTS releases of DPDK as with 22.11, as
# far as those releases are known: against copies of DPDK's headers whose declarations are changed
# as in those releases. No name that later releases remove is used outside
# drivers/net/common/pmd_compat.h.
#
#	DPDK 22.11's headers --edited--> headers as of 24.11, 25.11 --cc -fsyntax-only--> no warning
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"
pmd=drivers/net/mmnet_pmd
copy=$lib_dir/dpdk

# Names that later releases lack, redefine or deprecate: the name, the release, the replacement.
names='
rte_tel_data_add_(dict|array)_u64 25.11 pmd_tel_add()
rte_kvargs_process 24.11 pmd_kvargs_each()
eth_queue_stats 25.11 pmd_queue_stats
RTE_VERSION(_NUM)? any pmd_compat.h
RTE_LOGTYPE_(EAL|PMD|MBUF|RING|MEMPOOL|MALLOC) 24.03 RTE_LOG_REGISTER()
RTE_MARKER(8|16|32|64)? 24.03 offsetof()
__rte_packed 25.03 __attribute__((packed))
rte_ctrl_thread_create 23.11 pmd_call_off_lcores()
rte_thread_setname 23.11 pthread_setname_np()
rte_(smp_)?[rw]?mb any fido/atomic.h
rte_atomic(16|32|64)_[a-z_]+ any fido/atomic.h
'

names_are_kept_in_one_file()
{
	local name since instead bad=0
	while read -r name since instead; do
		[ -n "$name" ] || continue
		! grep -rnwE --include='*.[ch]' --include='*.cc' --exclude=pmd_compat.h -- "$name" \
			apps drivers/net src test/bench test/fault test/system test/unit || {
			echo "    $name ($since): use $instead"
			bad=1
		}
	done <<<"$names"
	[ $bad = 0 ] || fail "names that other releases of DPDK do not have: see above"
}

# edit FILE EXPRESSION: as sed -E does; fail if it changes nothing
edit()
{
	cp "$1" "$copy/before"
	sed -E -i "$2" "$1"
	! cmp -s "$1" "$copy/before" || fail "nothing to change in ${1##*/}: $2"
}

# Copy the headers of the installed DPDK.
copy_headers()
{
	local flag dirs=()
	pkg-config --exists 'libdpdk >= 22.11' || fail "no DPDK: run setup.sh"
	pkg-config --exists 'libdpdk < 22.12' || skip "DPDK is later than 22.11: its own headers are such"
	for flag in $(pkg-config --cflags-only-I libdpdk); do
		[[ $flag != */dpdk ]] || dirs+=("$(realpath "${flag#-I}")")
	done
	dirs+=("$FIDO_BUILD/dpdk-headers")
	[ -e "$FIDO_BUILD/dpdk-headers/ethdev_driver.h" ] || fail "no DPDK driver headers: run setup.sh"
	mkdir -p "$copy/include"
	for flag in "${dirs[@]}"; do
		cp -rL "$flag/." "$copy/include/"
	done
}

# Apply the changes up to 24.11.
make_24_11()
{
	local h=$copy/include
	edit $h/rte_build_config.h 's/(RTE_VER_YEAR) .*/\1 24/'
	edit $h/rte_lcore.h 's/^rte_ctrl_thread_create/rte_removed/'
	edit $h/rte_thread.h '/^int rte_thread_join/i int rte_thread_create_control(rte_thread_t *, const char *, rte_thread_func, void *);'
	edit $h/ethdev_driver.h 's/(\*eth_dev_supported_ptypes_get_t\)\(struct rte_eth_dev \*dev)\)/\1, size_t *n)/'
	edit $h/rte_kvargs.h '/^int rte_kvargs_process\(/i int rte_kvargs_process_opt(const struct rte_kvargs *, const char *, arg_handler_t, void *);'
	edit $h/rte_telemetry.h '/^rte_tel_data_add_dict_u64\(/i rte_tel_data_add_dict_uint(struct rte_tel_data *d, const char *name, uint64_t val); int'
	edit $h/rte_ip.h 's/uint8_t +(src|dst)_addr\[16\];/struct rte_ipv6_addr \1_addr;/; s/raw_cksum\(ipv6_hdr->src_addr/raw_cksum(\&ipv6_hdr->src_addr/
		s/^struct rte_ipv6_hdr \{/struct rte_ipv6_addr { uint8_t a[16]; };\n&/'
	edit $h/rte_mbuf_core.h 's/RTE_MARKER64 rearm_data;/union { uint64_t rearm_data[1]; struct {/; s/^(\tuint16_t port;)/\1 }; };/'
	edit $h/rte_common.h '/define __rte_packed /d'
	grep -rlw __rte_packed $h | xargs sed -i 's/\b__rte_packed\b/__attribute__((__packed__))/'
	edit $h/rte_ethdev.h 's/^(int rte_eth_dev_info_get\(.*)/__attribute__((warn_unused_result)) \1/'
}

# Apply the further changes up to 25.11.
make_25_11()
{
	local h=$copy/include queues='uint64_t q_ipackets[16], q_opackets[16], q_ibytes[16], q_obytes[16], q_errors[16];'
	edit $h/rte_build_config.h 's/(RTE_VER_YEAR) .*/\1 25/'
	edit $h/rte_ethdev.h '/^\tuint64_t q_[a-z]+\[/d'
	edit $h/ethdev_driver.h "s/^typedef int \(\*eth_stats_get_t\)/struct eth_queue_stats { $queues };\n&/
		s/^(\t+struct rte_eth_stats \*igb_stats)\)/\1, struct eth_queue_stats *qstats)/
		s/^\teth_rx_queue_count_t +rx_queue_count;/& eth_rx_queue_count_t tx_queue_count;/
		s/^rte_eth_pkt_burst_dummy\(/rte_eth_tx_pkt_prepare_dummy(void *, struct rte_mbuf **, uint16_t);\nint rte_eth_queue_count_dummy(void *);\nint rte_eth_descriptor_status_dummy(void *, uint16_t);\nuint16_t &/"
	edit $h/rte_telemetry.h 's/rte_tel_data_add_(dict|array)_u64/rte_removed_\1/'
	edit $h/rte_ethdev_core.h 's/typedef uint32_t \(\*eth_rx_queue_count_t\)/typedef int (*eth_rx_queue_count_t)/'
}

# compiles SOURCE...
compiles()
{
	# shellcheck disable=SC2046 # the flags are separate words
	"${CC:-cc}" -fsyntax-only -std=gnu11 -D_GNU_SOURCE -DALLOW_INTERNAL_API -DALLOW_EXPERIMENTAL_API -Wall -Wextra -Werror \
		-Wno-unused-parameter -isystem "$copy/include" $(pkg-config --cflags-only-other libdpdk) -Isrc/include -Isrc/core \
		-Idrivers/net/common -I$pmd -Iapps "$@"
}

all_compile()
{
	local other
	compiles drivers/net/*/*.c &
	other=$!
	# shellcheck disable=SC2046 # several files
	compiles $(find apps/fido-fwd -name '*.c' ! -name '*_test.c') apps/examples/arena-send.c ||
		fail "the applications do not compile with headers as of DPDK $1"
	wait $other || fail "the drivers do not compile with headers as of DPDK $1"
	echo "headers as of DPDK $1: $(pkg-config --modversion libdpdk)'s, changed: no warning"
}

names_are_kept_in_one_file
copy_headers
make_24_11
all_compile 24.11
make_25_11
# Prove that the headers differ: code for 22.11 must fail.
edit "$copy/include/rte_build_config.h" 's/(RTE_VER_YEAR) .*/\1 22/'
! compiles $pmd/mmnet_ethdev.c 2>/dev/null || fail "the changed headers accept the driver as it is for 22.11"
edit "$copy/include/rte_build_config.h" 's/(RTE_VER_YEAR) .*/\1 25/'
all_compile 25.11
