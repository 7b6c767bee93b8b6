#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# All unit and fault tests of the core that do not concern the host transport, over the xen
# transport on real Xen.
set -eu
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
FIDO_XEN_LONG=1 "$top/test/system/xen/bed.sh" run 12-core-tests
