#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# watch.sh SOCKET NAME: be a member of the host (helpers/vmd-member.c) that maps nothing, lets go of
# whoever ends, and comes back to a restarted fido-vmd. Print what it hears, one line a frame, with
# the time (seconds since 1970) before it.
set -eu
coproc member { exec "$FIDO_BUILD/test/system/helpers/vmd-member" "$1" "$2" "${EPOCHREALTIME/./}"; }
slot=-1
while read -r what first second rest <&"${member[0]}"; do
	echo "$EPOCHREALTIME $what $first $second $rest"
	[ "$what" != WELCOME ] || slot=${first#slot=}
	case $what in
	CLOSED | NOT)
		sleep 0.02
		echo connect
		;;
	CONNECTED | WHO) echo "hello $slot" ;;
	GONE) echo "let_go ${first#slot=} ${second#generation=}" ;;
	esac >&"${member[1]}"
done
