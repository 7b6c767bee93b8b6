# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Scenarios of the test beds, and the lines by which test/run.sh learns how they ended. Sourced by
# bed.sh.

declare -A reported=()
n_failed=0

# FOLDER: print the names of the bed's scenarios.
list_scenarios()
{
	local file
	for file in "$1"/scenarios/[0-9][0-9]-*.sh; do
		basename "$file" .sh
	done
}

# START: print the seconds since then; START is ${EPOCHREALTIME/./}.
seconds_since()
{
	local now=${EPOCHREALTIME/./}
	printf '%d.%d' $(((now - $1) / 1000000)) $(((now - $1) / 100000 % 10))
}

# passed|failed NAME SECONDS LOG
report()
{
	reported[$2]=1
	[ "$1" = passed ] || n_failed=$((n_failed + 1))
	printf '%s %s %s %s\n' "$1" "$2" "$3" "$4"
}

# LOG NAME...: those without a report have failed.
report_missing()
{
	local log=$1 name
	shift
	for name in "$@"; do
		[ -n "${reported[$name]:-}" ] || report failed "$name" 0 "$log"
	done
}

# FD SECONDS: read the next whole line into $line; false when there was none in time. The time may
# be over in the middle of a line: what has come of it is kept for the next call.
partial=
next_line_of()
{
	local part=
	if IFS= read -r -t "$2" -u "$1" part; then
		# shellcheck disable=SC2034 # for the caller
		line=$partial$part
		partial=
		return 0
	fi
	partial+=$part
	return 1
}
