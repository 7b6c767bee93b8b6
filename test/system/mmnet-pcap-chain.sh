#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: packets of another driver (pcap) enter a chain of domains and leave it at another driver
# unchanged, byte by byte, both ways at once, in every Rx mode.
#
#	a.pcap --> net_pcap0 [a] net_mmnet ==> [b] ==> net_mmnet [c] net_pcap0 --> from-a.pcap
#	from-c.pcap <-- net_pcap0 [a] net_mmnet <== [b] <== net_mmnet [c] net_pcap0 <-- c.pcap
#
# Three processes, all fido-fwd.
set -eu
# shellcheck source=test/system/mmnet.bash
. "$(dirname "$0")/mmnet.bash"
need_hugepages 512
command -v perl >/dev/null || skip "perl is not installed: it makes and reads the files: apt-get install perl-base"
work=$(mktemp -d "$lib_dir/pcap.XXXXXX")

# make FILE SEED SIZE...: packets of random bytes
cat >"$work/make.pl" <<'PERL'
my ($path, $seed, @sizes) = @ARGV;
srand($seed);
open(my $f, '>:raw', $path) or die "cannot write $path: $!\n";
print $f pack('VvvVVVV', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1);
print $f pack('V4', $_, 0, $_, $_), join('', map { chr(int(rand(256))) } 1 .. $_) for @sizes;
close($f) or die "cannot write $path: $!\n";
PERL
# strip FILE: lengths and contents, without times
cat >"$work/strip.pl" <<'PERL'
open(my $f, '<:raw', $ARGV[0]) or die "cannot read $ARGV[0]: $!\n";
binmode(STDOUT);
read($f, my $head, 24) == 24 or die "$ARGV[0] is no pcap file\n";
while (read($f, $head, 16) == 16) {
	my (undef, undef, $kept, $len) = unpack('V4', $head);
	die "$ARGV[0]: a packet was cut\n" if $kept != $len;
	read($f, my $data, $kept) == $kept or die "$ARGV[0]: cut short\n";
	print pack('V', $len), $data;
}
PERL

make()
{
	local file=$work/$1 seed=$2
	shift 2
	perl "$work/make.pl" "$file" "$seed" "$@"
	perl "$work/strip.pl" "$file" >"$file.payload"
}

# same FILE FILE: packets and their order, whatever the times
same()
{
	perl "$work/strip.pl" "$work/$2" >"$work/$2.payload"
	echo_run cmp "$work/$1.payload" "$work/$2.payload" || fail "$2 is not $1"
}

# through RX [FORWARDER OPTION...]
through()
{
	local rx=rx=$1 n_a n_c
	local opt=(--mtu 9000 --idle adaptive --on-down hold --stats-period 0 --json "${@:2}")
	rm -f "$work"/from-*
	fido_fwd a "$(on 0)" "--vdev=net_pcap0,rx_pcap=$work/a.pcap,tx_pcap=$work/from-c.pcap" \
		"$(dev 0 a b "$rx")" -- --map "net_pcap0:net_mmnet0,net_mmnet0:net_pcap0" "${opt[@]}"
	fido_fwd c "$(on 0)" "--vdev=net_pcap0,rx_pcap=$work/c.pcap,tx_pcap=$work/from-a.pcap" \
		"$(dev 0 c b "$rx")" -- --map "net_pcap0:net_mmnet0,net_mmnet0:net_pcap0" "${opt[@]}"
	fido_fwd b "$(on 1)" "$(dev 0 b a "$rx")" "$(dev 1 b c "$rx")" -- "${opt[@]}"
	up a b c
	n_a=${#sizes_a[@]} n_c=${#sizes_c[@]}
	wait_for 30 "[ \$(xstat b 0 rx_good_packets) -ge $n_a ] && [ \$(xstat b 1 rx_good_packets) -ge $n_c ]" ||
		fail "rx=$1: not all packets came to b: $(xstat b 0 rx_good_packets), $(xstat b 1 rx_good_packets)"
	stop b
	stop a
	stop c
	expect_eq "$(result b .rx_packets),$(result b .tx_packets),$(result b .tx_dropped)" \
		"$((n_a + n_c)),$((n_a + n_c)),0" "b: received, sent, dropped"
	same a.pcap from-a.pcap
	same c.pcap from-c.pcap
}

mapfile -t sizes_a < <(seq 60 1514; seq 60 1514; echo 9014)
mapfile -t sizes_c < <(seq 1514 -1 60; for i in 60 64 9000 61; do echo $i; done)
make a.pcap 1 "${sizes_a[@]}"
make c.pcap 2 "${sizes_c[@]}"
through zero
expect_eq "$(result b .copies)" 0 "b: copies"
expect_eq "$(fwd_stat b 0 tx_forwarded_packets)" "${#sizes_c[@]}" "b: passed on to a"
through copy
through header --scatter
through auto
