# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# The agent of a guest. dom0 writes "SEQUENCE COMMAND" to data/cmd; the answer is the end of the command's
# output in data/out, then "SEQUENCE STATUS" in data/done.

# One command. Its output goes to the console as well.
answer()
{
	local sequence=${1%% *} status=0
	echo "+ ${1#* }"
	sh -c "${1#* }" </dev/null >/run/out 2>&1 || status=$?
	cat /run/out
	[ $status = 0 ] || echo "status $status"
	# Both at once: starting a program is slow in emulation. xenstored lets a guest's node have 2048 bytes.
	xenstore-write -R data/out "$(tail -c 1900 /run/out)" data/done "$sequence $status"
}

echo "domain $(xenstore-read domid) ($(cat /sys/hypervisor/guest_type)) is up"
xenstore-write data/status up
last=
# A watch fires once when it is set, and then for each write: none is missed.
xenstore-watch data/cmd | while read -r _; do
	command=$(xenstore-read -R data/cmd 2>/dev/null)
	if [ -n "$command" ] && [ "$command" != "$last" ]; then
		last=$command
		answer "$command"
	fi
done
echo "@@INIT the agent lost xenstore"
poweroff -f
