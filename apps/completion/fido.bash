# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion for bash. It reads commands, options and option values from the --help of each program,
# so that it always matches the program.

_fido_help()
{
	case ${1##*/} in
	fido-fwd) "$1" -- --help ;;
	*) "$1" --help ;;
	esac 2>/dev/null </dev/null
}

# Print the lines of --help text $1 that begin with an option.
_fido_option_lines()
{
	grep -E '^  -' <<<"$1"
}

# Print the options in --help text $1.
_fido_options()
{
	_fido_option_lines "$1" | grep -oE -- '--[a-z][a-z-]*' | sort -u
}

# Print the values that --help text $1 lists for option $2: on one line (`--rw read|write|mix`), or
# on several (`--mode io`).
_fido_words()
{
	_fido_option_lines "$1" | grep -oE -- "$2 [a-z-]+(\|[a-z-]+)*" |
		sed 's/^[^ ]* //' | tr '|' '\n'
}

# Print the commands in --help text $1: the list of fido-ctl and fido-vmd, the usage of fido-group.
_fido_commands()
{
	sed -nE -e '/^commands:/,/^options:/s/^  ([a-z]+) .*/\1/p' \
		-e 's/^(usage:|      ) [^ ]*fido-group ([a-z]+) .*/\2/p' <<<"$1"
}

# Print the folder of all groups. Same rules as in libfido.
_fido_run_dir()
{
	if [ -n "${FIDO_RUNDIR:-}" ]; then
		echo "$FIDO_RUNDIR"
	elif [ "$EUID" = 0 ]; then
		echo /run/fido
	elif [ -n "${XDG_RUNTIME_DIR:-}" ]; then
		echo "$XDG_RUNTIME_DIR/fido"
	else
		echo "/tmp/fido-$EUID"
	fi
}

# Print the groups. The folder of a group vm:NAME is vm.NAME.
_fido_groups()
{
	local dir
	for dir in "$(_fido_run_dir)"/*/; do
		[ ! -d "$dir" ] || basename "$dir"
	done | sed 's/^vm\./vm:/'
}

_fido_vm_groups()
{
	local dir
	for dir in "$(_fido_run_dir)"/vm.*/; do
		[ ! -d "$dir" ] || basename "$dir" | sed 's/^vm\.//'
	done
}

# Print the domains of the group on the command line, or of all groups.
_fido_domains()
{
	local i group='*' socket
	for ((i = 1; i < COMP_CWORD - 1; i++)); do
		case ${COMP_WORDS[i]} in
		-g | --group)
			group=${COMP_WORDS[i + 1]}
			[ "$group" != = ] || group=${COMP_WORDS[i + 2]}
			;;
		esac
	done
	# shellcheck disable=SC2231 # the group may be a pattern
	for socket in "$(_fido_run_dir)"/$group/*.sock; do
		[ ! -e "$socket" ] || basename "$socket" .sock
	done
}

# Print the operands that can come next: a command, or for fido-group and fido-vmd a group after the
# command.
_fido_operands()
{
	local commands i
	commands=$(_fido_commands "$2")
	for ((i = 1; i < COMP_CWORD; i++)); do
		if grep -qxF -- "${COMP_WORDS[i]}" <<<"$commands"; then
			[[ ${1##*/} != fido-vmd ]] || _fido_vm_groups
			[[ ${1##*/} != fido-group || $i != $((COMP_CWORD - 1)) ]] ||
				"$1" list 2>/dev/null
			return
		fi
	done
	printf '%s\n' "$commands"
}

# The most common EAL options. fido-fwd --help prints all.
_fido_eal='-l --lcores -m -d --vdev --file-prefix --no-huge --no-pci --in-memory
--single-file-segments --'

# Succeed if the cursor is among the EAL options of fido-fwd, before --.
_fido_before_dashes()
{
	local i
	[[ ${1##*/} = fido-fwd ]] || return 1
	for ((i = 1; i < COMP_CWORD; i++)); do
		[ "${COMP_WORDS[i]}" != -- ] || return 1
	done
}

# COMMAND HELP CUR PREV: print the candidates for the current word.
_fido_candidates()
{
	if _fido_before_dashes "$1"; then
		echo "$_fido_eal"
		return
	fi
	case ${1##*/}$4 in
	fido-group*) ;;
	*-g | *--group) _fido_groups && return ;;
	fido-ctl--domain | *--backend) _fido_domains && return ;;
	esac
	case $4 in
	--?*)
		_fido_words "$2" "$4" | grep . && return
		# An option with a free value: let bash complete file names.
		! _fido_option_lines "$2" | grep -qE -- "$4 [A-Z[]" || return
		;;
	esac
	case $3 in
	-*) _fido_options "$2" ;;
	*) _fido_operands "$1" "$2" ;;
	esac
}

_fido()
{
	local cur=${2#=} prev=$3 help
	# bash splits --mode=io into three words.
	if [ "${COMP_WORDS[COMP_CWORD]}" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD - 1]}
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	help=$(_fido_help "$1")
	mapfile -t COMPREPLY < \
		<(compgen -W "$(_fido_candidates "$1" "$help" "$cur" "$prev")" -- "$cur")
}

complete -o default -F _fido fido-blk-mount fido-blk-perf fido-blkd fido-ctl fido-fwd fido-group fido-vmd
