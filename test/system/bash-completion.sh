#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: bash completes all words that Fido's programs accept: the options of --help, commands,
# values of options, existing groups and their domains; and offers nothing that does not begin with
# what was typed.
set -eu -o pipefail
# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
own_rundir
# shellcheck source=apps/completion/fido.bash
. "$FIDO_TOP/apps/completion/fido.bash"
PATH=$FIDO_BUILD/apps/fido-fwd:$FIDO_BUILD/apps/fido-ctl:$FIDO_BUILD/apps/fido-blkd:$FIDO_BUILD/apps/fido-blk-mount:$FIDO_BUILD/apps/fido-blk-perf:$FIDO_BUILD/apps/fido-vmd:$FIDO_TOP/apps/xen:$PATH

# complete_line WORD...: print what is offered for the last word, which may be empty
complete_line()
{
	local last=$(($# - 1))
	COMP_WORDS=("$@")
	COMP_CWORD=$last
	# bash gives an empty word for a lone =.
	_fido "$1" "$([ "${!#}" = = ] || echo "${!#}")" "${COMP_WORDS[last - 1]}"
	offered=$(printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} | sort | xargs)
}

# offers WANT WORD...
offers()
{
	local want=$1
	shift
	complete_line "$@"
	echo "+ $*: $offered"
	expect_eq "$offered" "$want" "what is offered for '$*'"
}

# all_options COMMAND HELP WORD...: after the words, all options in the command's --help are offered
all_options()
{
	local command=$1 options
	options=$($2 | sed -n '/^  -/p' | grep -oE -- '--[a-z][a-z-]*' | sort -u | xargs)
	shift 2
	[ "$(wc -w <<<"$options")" -ge 5 ] || fail "$command: --help has the options '$options' only"
	offers "$options" "$command" "$@" --
}

for command in fido-blk-mount fido-blk-perf fido-blkd fido-ctl fido-fwd fido-group fido-vmd; do
	complete -p "$command" | matches -- '-F _fido ' || fail "$command is not completed"
done
all_options fido-blk-mount "fido-blk-mount --help"
all_options fido-blk-perf "fido-blk-perf --help"
all_options fido-blkd "fido-blkd --help"
all_options fido-ctl "fido-ctl --help" list
all_options fido-fwd "fido-fwd -- --help" -l 0 --
all_options fido-group "fido-group --help" create
all_options fido-vmd "fido-vmd --help" create

offers "blk create destroy doctor links list record stats top" fido-ctl ""
offers "--group" fido-ctl doctor --gr
offers "links list" fido-ctl li
offers "" fido-ctl list ""
offers "--rates" fido-ctl stats --r
offers "bits copied doorbells kept name packets total" fido-ctl top --sort ""
offers "add create destroy list remove" fido-group ""
offers "args bells create destroy list plug serve" fido-vmd ""
offers "firecracker libvirt qemu qmp" fido-vmd args demo --format ""
offers "nvdimm virtio-pmem" fido-vmd args demo --memory-device ""
mkdir "$FIDO_RUNDIR/vm.demo" "$FIDO_RUNDIR/vm.other"
offers "demo other" fido-vmd destroy ""
offers "other" fido-vmd serve demo o
rmdir "$FIDO_RUNDIR"/vm.*
offers "io mac touch" fido-fwd -- --mode ""
offers "touch" fido-fwd -- --mode t
offers "adaptive interrupt poll" fido-fwd -- --idle =
offers "interrupt" fido-fwd -- --idle = i
offers "drop hold" fido-fwd -- --on-down ""
offers "--no-huge --no-pci" fido-fwd --no
offers "" fido-fwd -- --burst ""
offers "arena both malloc" fido-blk-perf --memory ""
offers "poll sleep" fido-blk-perf --idle ""
offers "adaptive poll" fido-blkd --idle ""
offers "" fido-blkd --threads ""

echo "--- groups and domains"
offers "" fido-ctl list --group ""
for domain in disk other; do
	start $domain "$FIDO_BUILD/apps/fido-blkd/fido-blkd" --group g-$domain --domain $domain --hugepages off --volume v=mem:1M
	wait_for 20 "[ -S '$FIDO_RUNDIR/g-$domain/$domain.sock' ]" || fail "$domain: $(tail -n 5 "$(log_of $domain)")"
done
offers "g-disk g-other" fido-ctl list --group ""
offers "g-other" fido-blk-perf -g g-o
offers "g-disk g-other" fido-blkd --group =
offers "disk" fido-ctl list --group g-disk --domain ""
offers "disk" fido-blk-perf --group = g-disk --backend = ""
offers "disk other" fido-ctl list --domain ""
offers "" fido-blkd --domain ""
mkdir "$FIDO_RUNDIR/vm.lab"
offers "g-disk g-other vm:lab" fido-ctl doctor --group ""
rmdir "$FIDO_RUNDIR/vm.lab"
stop disk
stop other
