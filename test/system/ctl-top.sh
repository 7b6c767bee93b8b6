#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: `fido-ctl top` on a terminal uses an alternate screen and restores it; keys sort the
# queues, reverse the order, scroll and hold the screen; it fits any size of terminal, and a new
# size at once; q and signals quit it, and the terminal is as before. --sort orders the queues
# without a terminal too.
#
#   two-domains:  left ==[ link 0, 2 queues ]==> right <--- fido-ctl top, on a terminal of script(1)
#
# No hugepages, no privileges, no DPDK.
set -eu
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
ctl=$FIDO_BUILD/apps/fido-ctl/fido-ctl
[ -x "$ctl" ] || skip "fido-ctl was not built: it needs libcjson (apt-get install libcjson-dev)"
command -v script >/dev/null || fail "there is no script: run setup.sh"
FIDO_RUNDIR=$(mktemp -d /tmp/fido-top.XXXXXX)
export FIDO_RUNDIR
at_exit 'rm -rf "$FIDO_RUNDIR"'
group=$fido_group
screen=$lib_dir/screen
up=$'\033[A'
page_down=$'\033[6~'

# Print the screen: the last frame, without control characters.
frame()
{
	LC_ALL=C sed 's/\x1b\[H/\n\x01\n/g; s/\x1b\[[0-9]*;1H\x1b\[7m/\nfoot: /g' "$screen" | tr -d '\r' | LC_ALL=C sed 's/\x1b\[[0-9?]*[a-zA-Z]//g' |
		awk '/^\001$/ { n++; next } { text[n] = text[n] $0 "\n" } END { printf "%s", text[n - (text[n] !~ /foot: q/)] }'
}

# DOMAIN and QUEUE of the rows.
rows()
{
	frame | awk '/^DOMAIN/ { on = 1; next } /^foot/ { on = 0 } on && NF { printf "%s%s:%s", sep, $1, $2; sep = " " }'
}

# shows ROWS: wait until it shows these queues in this order
shows()
{
	wait_for 10 "[ \"\$(rows)\" = '$1' ]" || fail "the screen shows '$(rows)', not '$1'"
}

foot_says()
{
	wait_for 10 "frame | matches '^foot: .*$1'" || fail "no '$1' at the foot of the screen: $(frame)"
}

# top SIZE OPTION...: start it on a terminal of that many rows and columns
top()
{
	local size=$1
	shift
	: >"$screen"
	start top script -qfec "stty $size; stty -g; $ctl top --group $group --interval 0.2 $*; echo status \$?; stty -g" "$screen"
	wait_for 10 'frame | matches "^foot"' || fail "nothing on the screen: $(cat "$(log_of top)")"
}

# script(1) runs a shell that runs fido-ctl.
shell_of_top()
{
	pgrep -P "${lib_pid[top]}" | head -n 1
}

keys()
{
	printf '+ keys %q\n' "$1"
	printf '%s' "$1" >&8
}

# ended STATUS: it exited and restored the screen and the terminal
ended()
{
	finish top 10
	grep -aq $'\033\[?1049h' "$screen" || fail "no screen of its own"
	grep -aq $'\033\[?1049l' "$screen" || fail "the screen was not given back"
	grep -aq "status $1" "$screen" || fail "another exit status than $1: $(tail -n 4 "$screen")"
	expect_eq "$(grep -aoE '[0-9a-f]+(:[0-9a-f]+){10,}' "$screen" | sort -u | wc -l)" 1 "settings of the terminal, before and after"
}

rm -f "$lib_dir/in" "$lib_dir/keys"
mkfifo "$lib_dir/in" "$lib_dir/keys"
# script passes what is written to the second one to fido-ctl as keys.
exec 9<>"$lib_dir/in" 8<>"$lib_dir/keys"
lib_stdin=$lib_dir/in start domains "$FIDO_BUILD/test/system/helpers/two-domains" "$group"
wait_for 20 "[ -s '$(log_of domains)' ]" || fail "the domains do not start"
# So few that no ring is ever full: both queues of a side have the same number.
echo "send 200 700" >&9
wait_for 20 "[ \$(wc -l <'$(log_of domains)') -ge 2 ]" || fail "the domains do not send"
lib_stdin=$lib_dir/keys

by_name="left:tx0 left:tx1 left:rx0 left:rx1 right:tx0 right:tx1 right:rx0 right:rx1"
by_name_reversed="right:rx1 right:rx0 right:tx1 right:tx0 left:rx1 left:rx0 left:tx1 left:tx0"
by_total="left:tx0 left:tx1 right:rx0 right:rx1 left:rx0 left:rx1 right:tx0 right:tx1"

echo "--- keys"
top "rows 24 cols 100"
foot_says "by packets"
keys n
shows "$by_name"
foot_says "by name"
keys r
shows "$by_name_reversed"
foot_says reversed
keys rt
shows "$by_total"
keys ' '
foot_says "space: go on"
before=$(frame | head -n 1)
sleep 0.6
expect_eq "$(frame | head -n 1)" "$before" "a screen that is held"
keys ' '
foot_says "space: hold"
keys q
ended 0

echo "--- a small terminal, and another size"
top "rows 7 cols 30" --sort name
shows "left:tx0 left:tx1 left:rx0 left:rx1"
expect_ge 30 "$(frame | sed 's/^foot: //' | awk '{ if (length > n) n = length } END { print n }')" "columns"
keys "$page_down"
shows "right:tx0 right:tx1 right:rx0 right:rx1"
keys "$up"
shows "left:rx1 right:tx0 right:tx1 right:rx0"
tty=$(ps -o tty= -p "$(shell_of_top)")
echo "+ stty rows 5 cols 20, on $tty"
stty rows 5 cols 20 <"/dev/$tty"
shows "left:rx1 right:tx0"
echo "+ stty rows 2 cols 1"
stty rows 2 cols 1 <"/dev/$tty"
sleep 0.5
stty rows 30 cols 100 <"/dev/$tty"
shows "left:rx1 right:tx0 right:tx1 right:rx0 right:rx1"
keys $'\033[H'
shows "$by_name"
keys q
ended 0

echo "--- a signal"
top "rows 24 cols 100"
kill -TERM "$(pgrep -P "$(shell_of_top)" -x fido-ctl)"
ended 0

echo "--- without a terminal"
"$ctl" top --group "$group" --count 1 --interval 0.1 --sort total >"$lib_dir/out"
expect_eq "$(awk 'NR > 2 { printf "%s%s:%s", sep, $1, $2; sep = " " }' "$lib_dir/out")" "$by_total" "sorted by total"
[ -z "$(LC_ALL=C tr -d '[:print:]\n' <"$lib_dir/out")" ] || fail "control characters without a terminal"
for wrong in "top --sort size" "stats --sort name"; do
	status=0
	# shellcheck disable=SC2086 # several words
	"$ctl" $wrong --group "$group" >"$lib_dir/out" 2>&1 || status=$?
	expect_eq "$status" 2 "exit status of fido-ctl $wrong"
done
echo quit >&9
finish domains 10
