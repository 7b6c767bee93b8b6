# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: BSD-3-Clause
# Two members with libfido alone, in two machines, then in a machine and on the host: each reads
# every byte of the other's by pointer; sleepers are woken, and pollers are not rung.
vm_demo gen fwd

# FILE MODE: check what a member printed last.
pair_is_good()
{
	local doorbells='[0-9]*'
	[ "$2" = sleep ] || doorbells=0
	tail -n 1 "$1" | matches "sent=1000 received=1000 doorbells=$doorbells .* copied=0 " || fail "$1: $(cat "$1")"
}

for mode in poll sleep; do
	vm_job gen pair "pair vm:demo a b 32 1000 $mode"
	vm_job fwd pair "pair vm:demo b a 32 1000 $mode"
	for name in gen fwd; do
		vm_wait $name pair 60 >"$lib_dir/$name.out" || fail "$name: $(cat "$lib_dir/$name.out")"
		pair_is_good "$lib_dir/$name.out" $mode
	done
	vm_job gen pair "pair vm:demo a b 32 1000 $mode"
	start pair "$FIDO_BUILD/test/system/bed/pair" vm:demo b a 32 1000 $mode
	vm_wait gen pair 60 >"$lib_dir/gen.out" || fail "gen: $(cat "$lib_dir/gen.out") $(cat "$(log_of pair)")"
	finish pair 20
	pair_is_good "$lib_dir/gen.out" $mode
	pair_is_good "$(log_of pair)" $mode
done
wait_for 10 '[ -z "$(vm_list ".slots[] | select(.state != \"free\")")" ]' ||
	fail "slots that are not free: $(vm_list '.slots[]')"
