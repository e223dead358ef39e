#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: kernel.sh VERSION DIR
#
# Puts the pristine source of Linux VERSION into DIR, which must not exist or be
# empty.  It is taken from $ACRYPTO_KERNELS (default ~/.cache/acrypto/kernels):
# a folder linux-VERSION, or linux-VERSION.tar.xz, .gz or .bz2; else it is fetched
# from kernel.org, or from $ACRYPTO_KERNEL_URL in its place, and kept there.
#
# VERSION 6.1 is that of Debian 12: its package linux-source-6.1, as apt has it.
#
# "Pristine" is checked: the git tree id of what was unpacked has to be that of
# the release (configs/kernels).  Exit 0 done, 1 failed, 2 wrong usage or source,
# 3 it can't be had here.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
esac
[ $# -eq 2 ] || usage_error "two arguments are needed: a version and a folder"
version=$1
dir=$2
url=${ACRYPTO_KERNEL_URL:-https://cdn.kernel.org/pub/linux/kernel}

pin='' folder=''
[ "$version" = 6.1 ] || read -r pin folder < <(awk -v v="$version" '$1 == v { print $2, $3 }' \
	"$ACRYPTO_TOP/configs/kernels") ||
	refuse "Linux $version is not known; known:" \
		"$(awk '/^[0-9]/ { printf "%s ", $1 }' "$ACRYPTO_TOP/configs/kernels")"
if [ -e "$dir" ] && { [ ! -d "$dir" ] || [ -n "$(ls -A "$dir")" ]; }; then
	refuse "$dir exists and is not an empty folder"
fi
mkdir -p "$(dirname "$dir")"
dir=$(readlink -m "$dir")
parent=$(dirname "$dir")

tmp=$(mktemp -d "$parent/.kernel.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# unpack FILE: into $tmp/tree
unpack()
{
	local -a top

	rm -rf "$tmp/unpacked" "$tmp/tree"
	mkdir "$tmp/unpacked"
	case $1 in
	*.xz)	need_tool xz xz-utils ;;
	*.bz2)	need_tool bzip2 bzip2 ;;
	esac
	(umask 022 && tar -xf "$1" -C "$tmp/unpacked" --no-same-owner \
		--no-same-permissions) || return 1
	mapfile -t top < <(ls -A "$tmp/unpacked")
	if [ ${#top[@]} -ne 1 ] || [ ! -d "$tmp/unpacked/${top[0]}" ]; then
		return 1
	fi
	mv "$tmp/unpacked/${top[0]}" "$tmp/tree"
}

# check SOURCE: $tmp/tree is the release
check()
{
	local id

	id=$(tree_id "$tmp/tree") || die "could not compute the tree id of $1"
	[ "$id" = "$pin" ] ||
		refuse "$1 is not the pristine Linux $version: its git tree id is $id, not $pin"
}

fetch()
{
	local suffix name

	for suffix in xz gz bz2; do
		name=linux-$version.tar.$suffix
		say "fetching $url/$folder/$name"
		download "$url/$folder/$name" "$tmp/$name" || continue
		unpack "$tmp/$name" || refuse "$url/$folder/$name is damaged"
		check "$url/$folder/$name"
		mkdir -p "$ACRYPTO_KERNELS"
		mv "$tmp/$name" "$ACRYPTO_KERNELS/.$name.part"
		mv "$ACRYPTO_KERNELS/.$name.part" "$ACRYPTO_KERNELS/$name"
		return 0
	done
	unavailable "no source of Linux $version: put linux-$version.tar.xz from" \
		"https://www.kernel.org/pub/linux/kernel/$folder/ into $ACRYPTO_KERNELS," \
		"or an unpacked folder linux-$version, and call this again"
}

if [ "$version" = 6.1 ]; then
	archive=$("$ACRYPTO_TOP/scripts/stock.sh" source)
	say "unpacking $archive"
	unpack "$archive" || die "$archive can't be unpacked"
elif [ -d "$ACRYPTO_KERNELS/linux-$version" ]; then
	say "copying $ACRYPTO_KERNELS/linux-$version"
	mkdir "$tmp/tree"
	tar -C "$ACRYPTO_KERNELS/linux-$version" --exclude=./.git -cf - . |
		tar -C "$tmp/tree" -xf - --no-same-owner
	check "$ACRYPTO_KERNELS/linux-$version"
elif archive=$(kernel_archive "$version"); then
	say "unpacking $archive"
	unpack "$archive" || refuse "$archive is damaged"
	check "$archive"
else
	fetch
fi

chmod 755 "$tmp/tree"
[ ! -d "$dir" ] || rmdir "$dir"
mv "$tmp/tree" "$dir"
say "Linux $version, as it was released: $dir"
