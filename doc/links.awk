# SPDX-License-Identifier: BSD-3-Clause
# A Markdown page as Doxygen wants it: the page and each heading get a label made from the file's
# name and the anchor that GitHub gives the heading, and links are turned into references to these.
# A link to what is no page (source, a folder) becomes its text.

# PATH without "." and "..", seen from folder DIR
function resolve(dir, path,    parts, n, i, out)
{
	n = split(dir == "" ? path : dir "/" path, parts, "/")
	out = ""
	for (i = 1; i <= n; i++) {
		if (parts[i] == "." || parts[i] == "")
			continue
		if (parts[i] == "..") {
			if (!sub(/\/[^\/]*$/, "", out))
				out = ""
		} else {
			out = out == "" ? parts[i] : out "/" parts[i]
		}
	}
	return out
}

function page_label(path)
{
	gsub(/[^A-Za-z0-9]/, "-", path)
	return "page-" path
}

function anchor(heading)
{
	heading = tolower(heading)
	gsub(/[^a-z0-9 _-]/, "", heading)
	gsub(/ /, "-", heading)
	return heading
}

# TEXT TARGET: the link as Doxygen wants it
function link(text, target,    path, mark)
{
	if (target ~ /^[a-z]+:/)
		return "[" text "](" target ")"
	mark = ""
	path = target
	if (match(target, /#/)) {
		mark = substr(target, RSTART + 1)
		path = substr(target, 1, RSTART - 1)
	}
	path = path == "" ? self : resolve(dir, path)
	if (path !~ /\.md$/)
		return text
	return "[" text "](@ref " page_label(path) (mark == "" ? "" : "-" mark) ")"
}

# LINE with its links changed; what stands between backquotes stays
function links(line,    out, text, target)
{
	out = ""
	while (match(line, /`[^`]*`|!?\[[^]]*\]\([^ )]+\)/)) {
		out = out substr(line, 1, RSTART - 1)
		text = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (text ~ /^\[/) {
			target = text
			sub(/^\[[^]]*\]\(/, "", target)
			sub(/\)$/, "", target)
			sub(/^\[/, "", text)
			sub(/\]\(.*$/, "", text)
			text = link(text, target)
		} else if (text ~ /^!/) {
			# Doxygen looks images up by their name.
			sub(/\]\(.*\//, "](", text)
		}
		out = out text
	}
	return out line
}

BEGIN {
	self = ARGV[1]
	top = ENVIRON["FIDO_DOC_TOP"]
	if (index(self, top "/") == 1)
		self = substr(self, length(top) + 2)
	dir = self
	if (!sub(/\/[^\/]*$/, "", dir))
		dir = ""
}

/^```/ {
	code = !code
}

!code && /^#+ / && !/^#+ .*\{#/ {
	title = $0
	sub(/^#+ +/, "", title)
	label = page_label(self)
	if (!/^# /)
		label = label "-" anchor(title)
	# The same heading twice: GitHub numbers the second.
	if (seen[label]++)
		label = label "-" (seen[label] - 1)
	print links($0) " {#" label "}"
	next
}

{
	print code ? $0 : links($0)
}
