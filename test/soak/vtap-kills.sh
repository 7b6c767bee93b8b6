#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Half an hour of test/system/vtap-middle-killed.sh: two kernels exchange checked data while the
# domain between them is killed 900 times.
set -eu -o pipefail
top=${FIDO_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
FIDO_KILLS=${FIDO_KILLS:-900} exec "$top/test/system/vtap-middle-killed.sh"
