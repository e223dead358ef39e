#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: touched.sh TREE
#
# Prints, for the pristine kernel in TREE, the git blob id of each file that its
# series changes.  Kept as configs/VERSION/touched, this is how apply.sh knows a
# local change from a vanilla file:
#
#	scripts/touched.sh linux-2.6.20 > configs/2.6.20/touched
#
# Where a series is for a kernel that goes on, as Debian's 6.1 does with each update,
# there is no such list.
#
# Exit 0 done, 1 failed, 2 wrong usage or unfit tree.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
esac
[ $# -eq 1 ] || usage_error "one kernel tree is needed"
tree=$1
version=$(kernel_version "$tree") || refuse "$tree is no Linux kernel tree"
series=$(kernel_series "$version") || refuse "no series for Linux $version"
[ ! -s "$tree/.pc/applied-patches" ] || refuse "$tree is patched"

need_tool git git
name=${series##*/series}
name=${name#-}
printf '# Linux %s: vanilla content of the files that the series changes\n' "${name:-2.6.20}"
series_patches "$series" | while read -r patch; do
	patch_files "$ACRYPTO_TOP/patches/$patch"
done | LC_ALL=C sort -u | while read -r file; do
	[ ! -f "$tree/$file" ] ||
		printf '%s %s\n' "$(git hash-object --no-filters "$tree/$file")" "$file"
done
