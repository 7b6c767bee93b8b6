# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# dom0: starts Xen's daemons, runs the scenarios that the kernel's command line names, ends. The lines
# that start with @@ are for bed.sh.
# shellcheck source=test/system/xen/guest/lib.sh
. /bed/lib.sh
mkdir -p /run/xen /run/lock /run/xenstored /var/log/xen/console $bed

# A boot without them is of no use.
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

# Also what a scenario that was killed was just about to create.
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

# What the guests' jobs and kernels said last.
last_words()
{
	local name
	for name in $(running_guests); do
		on_limit=10 try "$name" 'for log in /run/jobs/*.log; do echo "$log:"; tail -n 10 "$log"; done; dmesg | tail -n 10' ||
			say "$name: no answer"
	done
}

# In a process group of its own, which is killed when it takes too long.
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
	# The next one starts with guests that work.
	[ $status = 0 ] || {
		last_words
		destroy_all
	}
	return $status
}

# The guests' consoles appear on ours.
for name in domA domB domC domD; do
	consoles="${consoles:-} $name=/var/log/xen/console/guest-$name.log"
done
# shellcheck disable=SC2086 # an argument each
follow $consoles &
start_daemons || {
	echo "@@ERROR xenstored or xenconsoled does not start"
	poweroff -f
}
# Guests that poll must not keep dom0 from its work: it is what the scenarios wait for.
xl sched-credit2 -d 0 -w 65535 || true
xl info | grep -E 'xen_version|total_memory|free_memory|virt_caps|xen_commandline'
for scenario in $(argument bed.scenarios | tr : ' '); do
	echo "@@BEGIN $scenario"
	status=0
	run_scenario "$scenario" || status=$?
	# What the guests' consoles still hold.
	usleep 300000
	echo "@@END $scenario $status"
done
echo "@@DONE"
sync
poweroff -f
