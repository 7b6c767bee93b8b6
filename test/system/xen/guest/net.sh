# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Helpers for scenarios that measure a network between domA and domB, each with a kernel interface,
# whatever lies between them. lib.sh has been sourced.
# shellcheck disable=SC2154
#
#   net_vifs                 give both an interface eth0 of Xen's own, on a bridge in dom0
#   net_measure LABEL INTERFACE MIDDLE
#                            ping, then transfer net_mib MiB by TCP from domA to domB, checked;
#                            MIDDLE (dom0 or a guest) is the domain between them. Print one line:
#
#   net LABEL: ping_ms= seconds= mib_s= pps= events_per_packet= segments_s= events_per_segment=
#       events_per_mib= events_a= events_b= events_middle=
#
#   net_compare LABEL OTHER  of two measured on this boot, print LABEL's figures, OTHER's, and their
#                            ratio. A busy machine moves these by half: they are not checked
#
# Packets are what the interfaces of domA and domB received, in both directions. An interface of
# Xen's own takes up to 64 KiB in one packet, if the kernel has them; others get more packets for
# the same bytes. So there are figures for each TCP segment too, which means the same for all.
# Events are the notifications that all three domains together got from the hypervisor; see
# counts.sh.

# shellcheck source=test/system/bed/transfer.sh
. /bed/transfer.sh
net_mib=4

# --- Xen's own network ---

net_bridge()
{
	[ ! -e /sys/class/net/xenbr0 ] || return 0
	on dom0 'for m in llc stp bridge xen-netback; do insmod /modules/$m.ko; done
		brctl addbr xenbr0 && ip link set xenbr0 up'
}

# NAME ADDRESS
net_vif()
{
	[ ! -e "/sys/class/net/vif$(domid "$1").0" ] || return 0
	# The last byte of the MAC is that of the address.
	on dom0 "xl network-attach $1 mac=00:16:3e:00:00:0${2##*.} bridge=xenbr0 script=/bed/vif.sh"
	on "$1" "insmod /modules/xen-netfront.ko
		n=0; until ip link set eth0 up 2>/dev/null; do
			n=\$((n + 1)); [ \$n -le 100 ] || exit 1; usleep 50000
		done; ip addr add $2/24 dev eth0"
}

net_vifs()
{
	net_bridge
	net_vif domA 10.0.50.1
	net_vif domB 10.0.50.2
}

# --- measuring ---

# Print the first address of domB's interface.
net_address()
{
	on domB "ip -4 -o addr show dev $1" >/dev/null
	output domB | sed -n 's,.* inet \([0-9.]*\)/.*,\1,p'
}

# INTERFACE MIDDLE: put the counters of domA, domB and the one between them into $net_counts
net_count()
{
	local interface=$1 middle=$2 name counts
	net_counts=
	for name in domA domB "$middle"; do
		[ "$name" != "$middle" ] || interface=none
		on "$name" "counts.sh $interface" >/dev/null
		counts=$(output "$name")
		net_counts="$net_counts $(echo "$counts" | head -n 1)"
	done
}

# LABEL PING_MS SECONDS BEFORE... AFTER...: print the line.
net_report()
{
	echo "$@" | awk -v "mib=$net_mib" '{
		for (i = 4; i <= 12; i++)
			d[i - 4] = $(i + 9) - $i
		events = d[0] + d[3] + d[6]
		packets = d[1] + d[4]
		segments = d[2] + d[5]
		printf "net %s: ping_ms=%s seconds=%s mib_s=%.1f pps=%.0f events_per_packet=%.3f", $1, $2, $3, mib / $3,
			packets / $3, events / packets
		printf " segments_s=%.0f events_per_segment=%.4f events_per_mib=%.1f events_a=%d events_b=%d events_middle=%d\n",
			segments / $3, events / segments, events / mib, d[0], d[3], d[6]
	}'
}

net_measure()
{
	local before
	transfer_prepare domA domB "$(net_address "$2")" $net_mib
	net_count "$2" "$3"
	before=$net_counts
	transfer_run
	net_count "$2" "$3"
	transfer_check
	# shellcheck disable=SC2086 # words
	net_report "$1" "$transfer_ping_ms" "$transfer_seconds" $before $net_counts >"$bed/net.$1"
	say "$(cat "$bed/net.$1")"
}

net_compare()
{
	[ -e "$bed/net.$1" ] && [ -e "$bed/net.$2" ] || {
		say "net $1 is not compared with $2: not both were measured on this boot"
		return
	}
	cat "$bed/net.$1" "$bed/net.$2" | tr ' ' '\n' | awk -F= -v "one=$1" -v "other=$2" '
		!($1 in was) { was[$1] = $2; next }
		$1 ~ /^(ping_ms|mib_s|segments_s|events_per_segment|events_per_mib)$/ && $2 > 0 {
			print "net " one " : " other ": " $1 " " was[$1] " : " $2 " = " sprintf("%.2f", was[$1] / $2)
		}' >$bed/net.ratio
	while read -r line; do
		say "$line"
	done <$bed/net.ratio
}
