# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# A group of 16 machines, made by one command, with all 64 slots: the last machine boots, has the
# memory of all, its own four writable, and its four ports; processes in all four of its slots meet.
# shellcheck disable=SC2046 # names
vm_group big $(printf 'v%d ' {0..15}) -- --size 16M
expect_eq "$(vm_list '.slots | length')" 64 "slots"
vm_start v15
vm_sh v15 'cat /proc/uptime; dmesg | tail -n 1; grep MemTotal /proc/meminfo' >&2
vm_sh v15 slots.sh >"$lib_dir/slots"
expect_eq "$(cut -d' ' -f1 "$lib_dir/slots" | xargs)" "$(seq -s ' ' 0 63)" "slots in v15"
expect_eq "$(awk '$3 == "rw" { print $1 }' "$lib_dir/slots" | xargs)" "60 61 62 63" "its own"
expect_eq "$(cut -d' ' -f4 "$lib_dir/slots" | sort -u)" $((16 << 20)) "bytes of each"
expect_eq "$(vm_sh v15 "cat /sys/class/virtio-ports/*/name | grep '^fido.big' | sort | xargs")" \
	"fido.big.60 fido.big.61 fido.big.62 fido.big.63" "its ports"
for name in a:b b:a c:d d:c; do
	vm_job v15 "${name%:*}" "pair vm:big ${name%:*} ${name#*:} 6 100 sleep"
done
for name in a b c d; do
	vm_wait v15 $name 60 | tail -n 1 | matches 'sent=100 received=100 ' || fail "$name: $(vm_log v15 $name)"
done
