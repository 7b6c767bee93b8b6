#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Long run of test/stress/blk-kills.sh: 100 kills through the page cache, 100 with direct I/O.
set -eu -o pipefail
script=$(dirname "$0")/../stress/blk-kills.sh

KILLS=${KILLS:-100} "$script"
rm -f image state
KILLS=${KILLS:-100} STORE_OPTIONS=,direct=on "$script"
