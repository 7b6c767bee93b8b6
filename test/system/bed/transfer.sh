# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# A checked transfer by TCP between the kernels of two guests, of either bed, whatever lies between
# them. A bed provides on, bg, wait_bg, output and expect_eq.
#
#   transfer_prepare FROM TO ADDRESS MIB
#                            ping TO, $transfer_ping_ms: the mean time; make the data, and listen
#   transfer_run             send them; $transfer_seconds
#   transfer_check           fail unless the same data have arrived
# shellcheck disable=SC2034,SC2154

transfer_data=/tmp/transfer

transfer_prepare()
{
	transfer_from=$1 transfer_to=$2 transfer_address=$3
	# The same MiB of random data, many times.
	on "$1" "[ -e $transfer_data ] || {
		head -c 1048576 /dev/urandom >$transfer_data.1
		n=0; while [ \$n -lt $4 ]; do n=\$((n + 1)); cat $transfer_data.1; done >$transfer_data; rm $transfer_data.1; }
		md5sum <$transfer_data"
	transfer_sum=$(output "$1")
	# The first ping resolves the address.
	on "$1" "ping -c 1 -W 10 $3 && ping -c 10 -i 0.1 -W 10 $3"
	transfer_ping_ms=$(output "$1" | sed -n 's,.*min/avg/max = [0-9.]*/\([0-9.]*\)/.*,\1,p' | tail -n 1)
	# nc closes the connection at the end of its input: a pipe that it holds open itself has
	# none.
	bg "$2" transfer "rm -f /run/never; mkfifo /run/never; exec nc -l -p 5001 <>/run/never >$transfer_data"
	on "$2" "until grep -qs ':1389 .* 0A ' /proc/net/tcp /proc/net/tcp6; do usleep 20000; done"
}

transfer_run()
{
	on_limit=90 on "$transfer_from" "from=\$(cut -d' ' -f1 /proc/uptime); nc $transfer_address 5001 <$transfer_data &&
		echo \$from \$(cut -d' ' -f1 /proc/uptime)"
	transfer_seconds=$(output "$transfer_from" | awk '{ print $2 - $1 }')
}

transfer_check()
{
	wait_bg "$transfer_to" transfer 10
	on "$transfer_to" "md5sum <$transfer_data; rm $transfer_data"
	expect_eq "$(output "$transfer_to")" "$transfer_sum" "what came through the network"
}
