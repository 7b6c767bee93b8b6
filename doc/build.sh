#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes the HTML documentation: FOLDER/html/index.html. Exit status 1 when Doxygen warns, 77 when
# Doxygen is not installed.
#
#   doc/build.sh FOLDER
set -eu -o pipefail

[ $# = 1 ] || {
	echo "usage: doc/build.sh FOLDER" >&2
	exit 2
}
mkdir -p "$1"
FIDO_DOC_OUTPUT=$(cd "$1" && pwd)
cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
command -v doxygen >/dev/null || {
	echo "skip: Doxygen is not installed: apt-get install doxygen graphviz, or ./setup.sh" >&2
	exit 77
}
FIDO_DOC_VERSION=$(sed -nE "s/^project\(.* version: '([^']+)'.*/\1/p" meson.build)
FIDO_DOC_TOP=$(pwd -P)
FIDO_DOC_DOT=NO
! command -v dot >/dev/null || FIDO_DOC_DOT=YES
export FIDO_DOC_OUTPUT FIDO_DOC_VERSION FIDO_DOC_DOT FIDO_DOC_TOP

rm -rf "$FIDO_DOC_OUTPUT/html"
doxygen doc/Doxyfile
# Fields, constants and macros may do without words; files, structs, enums and functions may not.
! grep -vE '\((variable|enumvalue|macro definition)\) of .* is not documented\.$' \
	"$FIDO_DOC_OUTPUT/warnings" || exit 1
echo "documentation: $FIDO_DOC_OUTPUT/html/index.html"
