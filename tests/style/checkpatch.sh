#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: checkpatch.sh
#
# Prints the path of the kernel's checkpatch.pl.  In Debian only linux-source-6.1
# has it: the package is fetched once, and the three files that count are kept.
# Exit 0 done, 1 failed, 3 it can't be had here.

set -eu
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

package=linux-source-6.1

get_checkpatch()
{
	local dir=$1 name

	# the package is large: its parts go through pipes
	(
		cd "$dir"
		apt-get -q -o APT::Sandbox::User=root download "$package=$version" ||
			unavailable "could not fetch Debian's $package"
		for name in ./*.deb; do
			dpkg-deb --fsys-tarfile "$name" |
				tar -xOf - "./usr/src/$package.tar.xz" |
				tar -xJf - --strip-components=2 \
					"$package/scripts/checkpatch.pl" \
					"$package/scripts/spelling.txt" \
					"$package/scripts/const_structs.checkpatch"
		done
		rm -f ./*.deb
	)
	[ -x "$dir/checkpatch.pl" ] && [ -f "$dir/spelling.txt" ]
}

need_packages perl xz-utils
version=$(apt-cache show "$package" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
if [ -z "$version" ]; then
	# no package lists: one that was fetched before will do
	version=$(cat "$ACRYPTO_CACHE/checkpatch.version" 2>/dev/null) ||
		unavailable "no package $package: apt-get update"
fi
folder=$(cached checkpatch "$(hash_of "$package" "$version")" get_checkpatch)
printf '%s\n' "$version" >"$ACRYPTO_CACHE/checkpatch.version"
printf '%s\n' "$folder/checkpatch.pl"
