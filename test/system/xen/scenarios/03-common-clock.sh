# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# The time stamp counter is one clock for dom0 and all guests: a later reading, in any domain, is
# larger, the rates agree, and reading it does not call the hypervisor.
need domA domB

# NAME: print the counter, its rate, the cost in ns; also on the console.
clock()
{
	on "$1" tsc >/dev/null
	output "$1"
}

# Time from one domain's reading to the next one's, in ms: as long as a few commands if the clocks
# are one, any number if they are not.
last=
for name in dom0 domA domB dom0 domB domA dom0; do
	# shellcheck disable=SC2046 # three words
	set -- $(clock $name)
	say "$name: counter $1, rate $2 Hz, $3 ns a read"
	expect_ge 1000 "$3" "ns to read the counter in $name: it is emulated"
	if [ -n "$last" ]; then
		expect_ge "$1" "$last" "$name's counter is behind"
		ms=$((($1 - last) / ($2 / 1000)))
		say "$name: $ms ms later"
		expect_ge 10000 $ms "$name's counter is ahead of the other's (ms)"
		# Xen corrects the clock that the rate is measured with: on a busy machine it was 2
		# % off.
		drift=$((($2 - rate) * 1000 / rate))
		expect_ge 100 ${drift#-} "the rates differ (1/1000)"
	fi
	last=$1 rate=$2
done
