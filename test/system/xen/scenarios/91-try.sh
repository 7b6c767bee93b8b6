# shellcheck shell=dash
# SPDX-License-Identifier: BSD-3-Clause
# limit: 400
need domA
on dom0 fido-group create v --base 0x2000000000 --slot-shift 32 --slots 16 --slots-per-domain 16 "$(domid domA)"
for t in region-read-only-in-peers domain-watching-peer-not-waited-for; do
	try domA "FIDO_TEST_GROUP=xen:v timeout 60 /unit/$t" || true
done
on dom0 fido-group destroy v
