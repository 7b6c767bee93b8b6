#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Draws chain.svg: three domains, a packet that stays where it is, and what crosses instead.
#
#   chain.sh >doc/img/chain.svg
#
# The background is opaque, so that the drawing reads the same on light and on dark pages.
set -eu -o pipefail

ink='#24292f'
grey='#57606a'
blue='#0550ae'
green='#116329'
red='#a40e26'

# X Y CLASS TEXT
text()
{
	printf '<text x="%s" y="%s" class="%s">%s</text>\n' "$1" "$2" "$3" "$4"
}

# X Y WIDTH HEIGHT FILL STROKE
box()
{
	printf '<rect x="%s" y="%s" width="%s" height="%s" rx="8" ' "$1" "$2" "$3" "$4"
	printf 'fill="%s" stroke="%s" stroke-width="1.5"/>\n' "$5" "$6"
}

# X1 Y1 X2 Y2 COLOUR
arrow()
{
	printf '<line x1="%s" y1="%s" x2="%s" y2="%s" ' "$1" "$2" "$3" "$4"
	printf 'stroke="%s" stroke-width="2" marker-end="url(#%s)"/>\n' "${!5}" "$5"
}

# COLOUR: the head of its arrows
head()
{
	printf '<marker id="%s" markerWidth="9" markerHeight="8" ' "$1"
	printf 'refX="8" refY="4" orient="auto">'
	printf '<path d="M0,0 L9,4 L0,8 z" fill="%s"/></marker>\n' "${!1}"
}

# X NAME DOES: a domain and its memory
domain()
{
	box "$1" 56 200 232 '#f6f8fa' "$grey"
	text $(($1 + 100)) 84 name "$2"
	text $(($1 + 100)) 104 note "$3"
	box $(($1 + 16)) 182 168 90 '#ffffff' "$grey"
	text $(($1 + 28)) 202 left "memory of $2"
}

# X: what crosses between two domains
crossing()
{
	arrow "$1" 138 $(($1 + 106)) 138 blue
	text $(($1 + 55)) 128 blue descriptor
	arrow $(($1 + 110)) 172 $(($1 + 4)) 172 green
	text $(($1 + 55)) 162 green completion
}

cat <<-END
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 372"
 role="img" aria-labelledby="title desc">
<title id="title">A chain of three domains</title>
<desc id="desc">gen keeps packet P in its memory. Descriptors, 16 bytes each, pass from gen to fwd and
from fwd to sink; sink reads P in gen's memory, which it has mapped read-only. Completions go
back.</desc>
<style>
text { font: 14px Helvetica, Arial, sans-serif; fill: $ink; text-anchor: middle }
.name { font-weight: bold; font-size: 17px }
.note { fill: $grey }
.left { fill: $grey; text-anchor: start; font-size: 12px }
.blue { fill: $blue }
.green { fill: $green }
.red { fill: $red }
.packet { font-weight: bold }
</style>
<defs>
END
head blue
head green
head red
cat <<-END
</defs>
<rect width="900" height="372" rx="10" fill="#ffffff"/>
END
text 450 34 note 'one group: each domain maps the memory of the others, read-only'
domain 20 gen 'writes P'
domain 350 fwd "passes on P's address"
domain 680 sink 'reads P where it is'
crossing 230
crossing 560
box 66 214 108 40 '#ddf4ff' "$blue"
text 120 239 packet 'packet P'
# From sink below everything to P.
printf '<path d="M780,288 L780,326 L120,326 L120,258" fill="none" stroke="%s" ' "$red"
echo 'stroke-width="2" stroke-dasharray="7 4" marker-end="url(#red)"/>'
text 450 318 red 'sink reads P in the memory of gen: no copy, no system call, however many hops'
text 450 352 note "a descriptor has 16 bytes; completions give P's buffer back to gen, hop by hop"
echo '</svg>'
