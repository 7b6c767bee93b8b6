# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Shared by the blk-nbdkit-*.sh tests, which source it first. See blk-client.bash for the rest.
#
#   serve NAME ARG...              start nbdkit with the plugin, wait until it answers

# shellcheck source=test/system/blk-client.bash
. "$(dirname "${BASH_SOURCE[0]}")/blk-client.bash"

serve()
{
	nbdkit_fido "$@" hugepages=off
}
