# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# Two guests without the fido-grant module exchange packets through the kernel's own gntalloc; what
# it cannot do is refused with a message that names what to change.
need domA domB
limit=/sys/module/xen_gntalloc/parameters/limit

# MESSAGE: joining fails on domA with this message
refused()
{
	status=0
	try domA "pair xen:stock a b 1 1 poll" || status=$?
	expect_eq $status 1 "status of pair"
	# The last line is what the program gets from fido_last_error().
	output domA | tail -n 1 | grep -q "$1" || fail "no word of '$1': $(output domA)"
}

for name in domA domB; do
	on $name "rmmod fido_grant; [ ! -e /dev/xen/fido-grant ]"
done

# gntalloc's default limit is less than a control block.
on dom0 fido-group create stock "$(domid domA)" "$(domid domB)"
on domA "echo 1024 >$limit"
refused "echo [0-9]* > $limit"
on domA "echo 65536 >$limit"

bg domA pair 'pair xen:stock a b 16 2000 sleep'
bg domB pair 'pair xen:stock b a 16 2000 sleep'
for name in domA domB; do
	wait_bg $name pair 60
	output $name | grep -q 'sent=2000 received=2000 .* copied=0 ' || fail "$name: $(output $name)"
done

# A page of gntalloc's is for one domain.
on dom0 fido-group add stock 0
refused 'not exactly two Xen domains: load the fido-grant module'
on dom0 fido-group destroy stock
for name in domA domB; do
	on $name insmod /modules/fido-grant.ko
done
