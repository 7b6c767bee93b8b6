#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: each mode of fido-fwd changes a packet as documented and no more, its counters and its sum
# are true, it stops cleanly, and a wrong option ends in an error that says what to do.
#
#	in.pcap --> net_pcap0 ==[ fido-fwd ]==> net_pcap1 --> out.pcap
#
# No hugepages, no privileges, no other process. FIDO_BUILD: the build folder (default: build).

set -eu
export LC_ALL=C.UTF-8

repo=$(cd "$(dirname "$0")/../.." && pwd)
build=${FIDO_BUILD:-$repo/build}
fwd=$build/apps/fido-fwd/fido-fwd
work=$(mktemp -d "${TMPDIR:-/tmp}/fwd-null-modes.XXXXXX")
prefix=fwd-null-modes-$$
eal=(--no-huge -m 256 --no-pci --no-telemetry --no-shconf "--file-prefix=$prefix")
passed=0
failed=0
child=

# A child that is killed before exec still has these traps, and must not run them.
main=$BASHPID
clean_up()
{
	[ "$BASHPID" = "$main" ] || return 0
	if [ -n "$child" ]; then
		kill -KILL "$child" 2>/dev/null || true
	fi
	rm -rf "$work"
	rmdir "/var/run/dpdk/$prefix" 2>/dev/null || true
}
trap clean_up EXIT

if [ ! -x "$fwd" ]; then
	echo "fwd-null-modes: there is no $fwd: build first" \
		"(meson setup build && ninja -C build), or set FIDO_BUILD" >&2
	exit 1
fi
if ! command -v perl >/dev/null; then
	echo "SKIP: perl is not installed: it makes and checks the packets: apt-get install perl-base"
	exit 77
fi

pass()
{
	passed=$((passed + 1))
	echo "ok: $*"
}

fail()
{
	failed=$((failed + 1))
	echo "FAILED: $*" >&2
}

# check NAME COMMAND...: the command must succeed
check()
{
	local name=$1
	shift
	if "$@" >"$work/check" 2>&1; then
		pass "$name"
	else
		fail "$name: $(tail -n 3 "$work/check")"
	fi
}

# The packets: `make` writes them, `compare` checks a mode's output file against its input, `count`
# and `sum` compute what fido-fwd reports.
cat >"$work/packets.pl" <<'PERL'
use strict;
use warnings;

sub packets
{
	my ($path) = @_;
	my ($data, @packets);
	open(my $file, '<:raw', $path) or die "cannot read $path: $!\n";
	{ local $/; $data = <$file>; }
	my $magic = unpack('V', $data);
	die "$path is not a pcap file of this machine\n"
		unless $magic == 0xa1b2c3d4 || $magic == 0xa1b23c4d;
	for (my $at = 24; $at < length($data);) {
		my (undef, undef, $kept, $len) = unpack('V4', substr($data, $at, 16));
		die "$path: a packet is cut\n" if $kept != $len || $at + 16 + $kept > length($data);
		push @packets, substr($data, $at + 16, $kept);
		$at += 16 + $kept;
	}
	return @packets;
}

sub make
{
	my ($path, @sizes) = @_;
	srand(20090614);
	open(my $file, '>:raw', $path) or die "cannot write $path: $!\n";
	print $file pack('VvvVVVV', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1);
	for my $size (@sizes) {
		my $bytes = join('', map { chr(int(rand(256))) } 1 .. $size);
		print $file pack('V4', 0, 0, $size, $size), $bytes;
	}
	close($file) or die "cannot write $path: $!\n";
}

sub swapped
{
	my ($bytes) = @_;
	return $bytes if length($bytes) < 12;
	return substr($bytes, 6, 6) . substr($bytes, 0, 6) . substr($bytes, 12);
}

sub compare
{
	my ($mode, $in_path, $out_path) = @_;
	my @in = packets($in_path);
	my @out = packets($out_path);
	die scalar(@in), " packets in, ", scalar(@out), " out\n" if @in != @out;
	for my $i (0 .. $#in) {
		my $want = $mode eq 'mac' ? swapped($in[$i]) : $in[$i];
		die "packet $i of ", length($want), " bytes differs\n" if $want ne $out[$i];
	}
}

sub sum
{
	use integer;
	my $total = 0;
	for my $bytes (packets($_[0])) {
		$bytes .= "\0" x (-length($bytes) & 7);
		$total += $_ for unpack('q<*', $bytes);
	}
	return sprintf('0x%016x', $total);
}

my ($verb, @args) = @ARGV;
if ($verb eq 'make') {
	my ($path, $spec) = @args;
	make($path, map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split(/,/, $spec));
} elsif ($verb eq 'compare') {
	compare(@args);
} elsif ($verb eq 'sum') {
	print sum(@args), "\n";
} elsif ($verb eq 'count') {
	my @packets = packets(@args);
	my $bytes = 0;
	$bytes += length($_) for @packets;
	print scalar(@packets), " $bytes\n";
}
PERL

packets()
{
	perl "$work/packets.pl" "$@"
}

# field NAME FILE: the value of the first "NAME": in the JSON, which is that of the totals
field()
{
	sed -n "s/^{.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p;" <(sed "s/,\"streams\":.*//" "$2")
}

# run LCORES IN OPTION...: forward a file; leaves $work/out.pcap, $work/log and the JSON; sets rc.
# It stops when its time is over: on a busy machine that may be before it has forwarded all of the
# file.
run()
{
	local seconds packets
	packets=$(packets count "$2")
	for seconds in 0.3 3 30; do
		run_for $seconds "$@"
		[ "$rc" -eq 0 ] && [ "$(field rx_packets "$work/json")" -lt "${packets% *}" ] || break
	done
}

# run_for SECONDS LCORES IN OPTION...
run_for()
{
	local seconds=$1 lcores=$2 in=$3
	shift 3
	rm -f "$work/out.pcap" "$work/back.pcap"
	echo "+ fido-fwd -l $lcores --vdev=net_pcap0,rx_pcap=${in##*/},tx_pcap=back.pcap" \
		"--vdev=net_pcap1,tx_pcap=out.pcap -- --map net_pcap0:net_pcap1 --duration $seconds $*"
	rc=0
	timeout -k 5 60 "$fwd" -l "$lcores" "${eal[@]}" \
		"--vdev=net_pcap0,rx_pcap=$in,tx_pcap=$work/back.pcap" \
		"--vdev=net_pcap1,tx_pcap=$work/out.pcap" -- \
		--map net_pcap0:net_pcap1 --duration "$seconds" --json --quiet "$@" \
		>"$work/json" 2>"$work/log" || rc=$?
	[ "$rc" -eq 0 ] || tail -n 5 "$work/log" >&2
}

# counts_are PACKETS BYTES DROPPED: what the JSON must say
counts_are()
{
	local got
	got="$(field rx_packets "$work/json") $(field rx_bytes "$work/json")"
	got+=" $(field tx_packets "$work/json") $(field tx_bytes "$work/json")"
	got+=" $(field tx_dropped "$work/json") $(field lost "$work/json")"
	if [ "$got" != "$1 $2 $3 $4 $5 0" ]; then
		echo "rx, tx, dropped, lost: want $1 $2 $3 $4 $5 0, got $got"
		return 1
	fi
}

test_mode()
{
	local mode=$1 lcores=$2 in=$3
	local name="$mode, lcores $lcores, ${in##*/} ${*:4}"
	local packets bytes

	shift 3
	read -r packets bytes < <(packets count "$in")
	run "$lcores" "$in" --mode "$mode" "$@"
	check "$name: exit code" test "$rc" -eq 0
	check "$name: packets" packets compare "$mode" "$in" "$work/out.pcap"
	check "$name: counters" counts_are "$packets" "$bytes" "$packets" "$bytes" 0
	check "$name: no copy" test "$(field copies "$work/json")$(field headers "$work/json")" = 00
	if [ "$mode" = touch ]; then
		check "$name: sum" test "$(field sum "$work/json")" = "$(packets sum "$in")"
	fi
}

# A frame too long for a buffer, and for the transmitting port: dropped, and logged.
test_too_long()
{
	local packets bytes rest_packets rest_bytes

	packets make "$work/long.pcap" 60-100,9000,101-140
	packets make "$work/rest.pcap" 60-100,101-140
	read -r packets bytes < <(packets count "$work/long.pcap")
	read -r rest_packets rest_bytes < <(packets count "$work/rest.pcap")
	run 0 "$work/long.pcap" --mode mac
	check "too long: exit code" test "$rc" -eq 0
	check "too long: counters" counts_are "$packets" "$bytes" "$rest_packets" "$rest_bytes" 1
	check "too long: counted" grep -q '"too_long":1,' "$work/json"
}

status_line='^fido-fwd: [0-9.]+s rx 0\.000 Mpps 0\.000 Gbps tx 0\.000 Mpps drop 0 copies 0 '
status_line+='headers 0 zero-copy 0 cpu [0-9]+% idle [0-9]+%$'
total_line='^fido-fwd: total: rx 0 packets 0 bytes, tx 0 packets 0 bytes, dropped 0, lost 0,'

# Without --duration it runs until a signal, prints a line each period, and then the summary.
test_signal()
{
	local signal=$1
	shift
	local waited=0

	echo "+ fido-fwd -l 0 (two idle net_null ports) -- --stats-period 0.2 $*; kill -$signal"
	# Old output stays until the child has begun.
	: >"$work/out"
	"$fwd" -l 0 "${eal[@]}" --vdev=net_null0,no-rx=1 --vdev=net_null1,no-rx=1 -- \
		--stats-period 0.2 "$@" >"$work/out" 2>"$work/log" &
	child=$!
	while ! grep -q '^fido-fwd: .*s rx' "$work/out" && [ "$waited" -lt 300 ]; do
		sleep 0.1
		waited=$((waited + 1))
	done
	kill "-$signal" "$child"
	rc=0
	wait "$child" || rc=$?
	child=
	check "$signal $*: exit code 0" test "$rc" -eq 0
	check "$signal $*: status line" grep -Eq "$status_line" "$work/out"
	check "$signal $*: summary" grep -Eq "$total_line" "$work/out"
}

# wrong HINT EAL-OPTION... -- OPTION...: must fail, not crash, and print HINT
wrong()
{
	local hint=$1
	shift
	echo "+ fido-fwd $*"
	rc=0
	timeout -k 5 20 "$fwd" -l 0 "${eal[@]}" "$@" >"$work/out" 2>"$work/log" || rc=$?
	if [ "$rc" -eq 0 ] || [ "$rc" -eq 77 ] || [ "$rc" -ge 124 ]; then
		fail "$*: exit code $rc, want an error"
	elif ! grep -q "^fido-fwd: .*$hint" "$work/log"; then
		fail "$*: no message with '$hint': $(tail -n 2 "$work/log")"
	else
		pass "$*: refused"
	fi
}

packets make "$work/in.pcap" 60-1514
packets make "$work/odd.pcap" 1-80,1514,3,2000
packets make "$work/jumbo.pcap" 9000,60,8999,8998,1515-1600

for mode in io mac touch; do
	test_mode "$mode" 0 "$work/in.pcap"
	test_mode "$mode" 0 "$work/in.pcap" --burst 1
	test_mode "$mode" 0 "$work/in.pcap" --burst 512 --idle adaptive
	test_mode "$mode" 0 "$work/odd.pcap"
	test_mode "$mode" 0 "$work/jumbo.pcap" --mtu 9000
	if [ "$(nproc)" -gt 1 ]; then
		test_mode "$mode" 0-1 "$work/in.pcap"
	fi
done
test_too_long
test_signal TERM
test_signal INT --idle adaptive
test_signal TERM --idle interrupt --mode mac

null=(--vdev=net_null0 --vdev=net_null1)
wrong 'there are no ports' --
wrong 'needs an even number of ports' --vdev=net_null0 -- --pairs
wrong 'does not name two ports' "${null[@]}" -- --map 0:nobody
wrong 'does not name two ports' "${null[@]}" -- --map 0:7
wrong 'two routes begin at port 0' "${null[@]}" -- --map 0:1,0:0
wrong 'exclude each other' "${null[@]}" -- --pairs --chain
wrong 'give a number from 1 to 512' "${null[@]}" -- --burst 513
wrong 'give a number from' "${null[@]}" -- --rxq -1
wrong 'give a number of seconds' "${null[@]}" -- --duration soon
wrong 'give one of: io mac touch' "${null[@]}" -- --mode fast
wrong 'give one of: poll adaptive interrupt' "${null[@]}" -- --idle never
wrong 'give one of: drop hold' "${null[@]}" -- --on-down wait
wrong 'not known here' "${null[@]}" -- --colour
wrong 'needs a value' "${null[@]}" -- --mode
wrong 'is not an option' "${null[@]}" -- pairs
wrong 'does not fit in one buffer' "${null[@]}" -- --mtu 65535
wrong 'no memory' "${null[@]}" -- --mbufs 1000000
wrong 'EAL could not start' --vdev=net_nosuchdriver0 -- --pairs

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
