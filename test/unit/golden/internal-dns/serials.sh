#!/bin/sh
# Made by pulumi-intranet: what is changed here by hand is undone by the next `pulumi up`.
# Gives each zone a serial that rises when its content has changed.
set -eu
source=/etc/bind/intranet
served=/var/lib/bind/intranet

for file in "$source"/*.zone; do
	name=${file##*/}
	grep -q '0 ; serial' "$file" || continue
	last=0
	if [ -s "$served/$name" ]; then
		last=$(sed -n 's/^[[:blank:]]*\([0-9]*\) ; serial.*/\1/p' "$served/$name")
		last=${last:-0}
		sed "s/^\([[:blank:]]*\)$last ; serial/\10 ; serial/" "$served/$name" | cmp -s - "$file" && continue
	fi
	serial=$(date +%s)
	[ "$serial" -gt "$last" ] || serial=$((last + 1))
	sed "s/^\([[:blank:]]*\)0 ; serial/\1$serial ; serial/" "$file" >"$served/.$name.new"
	sync "$served/.$name.new"
	mv "$served/.$name.new" "$served/$name"
done
for file in "$served"/*.zone; do
	[ -e "$source/${file##*/}" ] || rm -f "$file"
done
