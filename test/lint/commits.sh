#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Proves: subjects of commits are "area: imperative verb ...", at most 72 characters. See CONTRIBUTING.md.
set -eu -o pipefail

# shellcheck source=test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$FIDO_TOP"
# The rule holds for what came after this one.
first=72bfbedd3687
longest=72
# What begins a clause, or names what is done instead of asking for it.
not_imperative='(what|who|how|when|where|that|which|of|in|on|to|for|as|if|a|an|the|is|are|was|no|not|new|more|some|all)'

git rev-parse -q --verify "$first^{commit}" >/dev/null || skip "not a clone of the project with its history"
bad=$(git log --no-merges --format='%h %s' "$first..HEAD" | awk -v max=$longest -v no="^$not_imperative\$" '{
	hash = $1
	subject = substr($0, length(hash) + 2)
	verb = subject
	sub(/^[^:]*: /, "", verb)
	sub(/ .*/, "", verb)
	if (length(subject) > max)
		print hash ": " length(subject) " characters: " subject
	else if (subject !~ /^[a-z0-9_][a-z0-9_.\/, -]*: [a-z]/)
		print hash ": not \"area: verb ...\": " subject
	else if (verb ~ no || (verb ~ /(ed|ing)$/ && verb !~ /^(bring|embed|exceed|feed|need|proceed|ring|seed|speed)$/))
		print hash ": \"" verb "\" is no imperative: " subject
}')
[ -z "$bad" ] || fail "subjects:
$bad"
