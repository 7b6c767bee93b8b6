#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Background commands of a domain, by name.
#   job.sh start NAME COMMAND       run it with sh -c, in a process group of its own
#   job.sh wait NAME SECONDS        until it ends by itself: its output, its status; 124 if it does not
#   job.sh await NAME SECONDS REGEX until a line of its output matches: its output; 1 if it ends before, 124
#   job.sh kill NAME SIGNAL         signal the whole group
#   job.sh log NAME                 its output so far
#   job.sh clean                    kill all that still run, forget all
set -u
jobs=/run/jobs

start()
{
	mkdir -p $jobs
	[ ! -e "$jobs/$1.log" ] || {
		echo "job.sh: the name $1 is taken"
		return 1
	}
	: >"$jobs/$1.log"
	# The status is written by a shell outside the group, so that it outlives a kill.
	(
		setsid sh -c 'echo $$ >"$1.pid"; eval "$2"' sh "$jobs/$1" "$2" >"$jobs/$1.log" 2>&1
		echo $? >"$jobs/$1.status"
	) >/dev/null 2>&1 </dev/null &
	while [ ! -s "$jobs/$1.pid" ] && [ ! -e "$jobs/$1.status" ]; do
		usleep 10000
	done
}

ended()
{
	[ -s "$jobs/$1.status" ]
}

# Its name is free again afterwards.
wait_for()
{
	local n=0 status
	until ended "$1"; do
		n=$((n + 1))
		[ $n -le $(($2 * 20)) ] || {
			cat "$jobs/$1.log"
			echo "job.sh: $1 still runs after $2 s"
			return 124
		}
		usleep 50000
	done
	cat "$jobs/$1.log"
	status=$(cat "$jobs/$1.status")
	rm -f "$jobs/$1".*
	return "$status"
}

await()
{
	local n=0
	until grep -Eq "$3" "$jobs/$1.log"; do
		n=$((n + 1))
		! ended "$1" || grep -Eq "$3" "$jobs/$1.log" || {
			cat "$jobs/$1.log"
			echo "job.sh: $1 ended without a line '$3'"
			return 1
		}
		[ $n -le $(($2 * 20)) ] || {
			cat "$jobs/$1.log"
			echo "job.sh: no line '$3' from $1 in $2 s"
			return 124
		}
		usleep 50000
	done
	cat "$jobs/$1.log"
}

clean()
{
	local pid name
	for pid in "$jobs"/*.pid; do
		[ -e "$pid" ] || continue
		name=$(basename "$pid" .pid)
		ended "$name" || {
			echo "job.sh: $name was still running:"
			tail -n 5 "$jobs/$name.log"
			kill -KILL "-$(cat "$pid")"
		}
	done 2>/dev/null
	rm -rf "$jobs"
}

case $1 in
start) start "$2" "$3" ;;
wait) wait_for "$2" "$3" ;;
await) await "$2" "$3" "$4" ;;
kill) kill "-$3" "-$(cat "$jobs/$2.pid")" ;;
log) cat "$jobs/$2.log" ;;
clean) clean ;;
*) exit 2 ;;
esac
