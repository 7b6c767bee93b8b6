#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# All unit and fault tests of the core that do not concern the host transport, over the vm transport
# in a virtual machine.
set -eu
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FIDO_VM_LONG=1 FIDO_VM_LIMIT=3600 "$top/test/system/vm/bed.sh" run 12-core-tests
