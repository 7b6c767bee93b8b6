# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# dom0: start Xen's daemons, run the scenarios that the kernel's command line names, power off.
# Lines that start with @@ are for bed.sh.
# shellcheck source=test/system/xen/guest/lib.sh
. /bed/lib.sh
mkdir -p /run/xen /run/lock /run/xenstored /var/log/xen/console $bed

# A boot without them is useless.
start_daemons()
{
	local n=0
	xenstored --pid-file /run/xenstore.pid
	until xenstore-read -s / >/dev/null 2>&1; do
		n=$((n + 1))
		[ $n -le 100 ] || return 1
		usleep 100000
	done
	xen-init-dom0 && xenconsoled --log=guest --log-dir=/var/log/xen/console --pid-file=/run/xenconsoled.pid
}

# Also what a killed scenario was about to create.
destroy_all()
{
	local id
	job clean
	for id in $(xl list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
		say "destroy domain $id"
		timeout 60 xl destroy "$id"
	done
	rm -f $bed/*.domid
	dmesg -c >/dev/null
}

# Print the last output of the guests' jobs and kernels.
last_words()
{
	local name
	for name in $(running_guests); do
		on_limit=10 try "$name" 'for log in /run/jobs/*.log; do echo "$log:"; tail -n 10 "$log"; done; dmesg | tail -n 10' ||
			say "$name: no answer"
	done
}

# In its own process group, which is killed when it takes too long.
run_scenario()
{
	local file=/bed/scenarios/$1.sh limit status=0 pid watchdog
	limit=$(sed -n 's/^# limit: *//p' "$file")
	setsid sh -eu -c '. /bed/lib.sh; . "$1"; finish' sh "$file" </dev/null &
	pid=$!
	(
		sleep "${limit:-600}"
		say "FAIL: $1 took more than ${limit:-600} s"
		kill -KILL "-$pid"
	) &
	watchdog=$!
	wait $pid || status=$?
	kill $watchdog 2>/dev/null
	# The next one starts with working guests.
	[ $status = 0 ] || {
		last_words
		destroy_all
	}
	return $status
}

# Show the guests' consoles on dom0's.
for name in domA domB domC domD; do
	consoles="${consoles:-} $name=/var/log/xen/console/guest-$name.log"
done
# shellcheck disable=SC2086 # an argument each
follow $consoles &
start_daemons || {
	echo "@@ERROR xenstored or xenconsoled does not start"
	poweroff -f
}
# The scenarios wait for dom0: guests that poll must not delay it.
xl sched-credit2 -d 0 -w 65535 || true
xl info | grep -E 'xen_version|total_memory|free_memory|virt_caps|xen_commandline'
for scenario in $(argument bed.scenarios | tr : ' '); do
	echo "@@BEGIN $scenario"
	status=0
	run_scenario "$scenario" || status=$?
	# Print the rest of the guests' consoles.
	usleep 300000
	echo "@@END $scenario $status"
done
echo "@@DONE"
sync
poweroff -f
