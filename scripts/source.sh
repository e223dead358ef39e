#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: source.sh DIR
#
# Lays the files that the patches add for every kernel ("Kernel: all") into DIR,
# which must not exist or be empty: for reading, editors and the unit tests.
# No kernel source is needed.
# Exit 0 done, 1 failed, 2 wrong usage.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
esac
[ $# -eq 1 ] || usage_error "one folder is needed"
dir=$1
if [ -e "$dir" ] && { [ ! -d "$dir" ] || [ -n "$(ls -A "$dir")" ]; }; then
	refuse "$dir exists and is not an empty folder"
fi

need_tool patch patch
mkdir -p "$(dirname "$dir")"
tmp=$(mktemp -d "$(dirname "$dir")/.source.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

count=0
while read -r patch; do
	file=$ACRYPTO_TOP/patches/$patch
	[ "$(patch_field "$file" Kernel)" = all ] || continue
	patch -d "$tmp" -p1 -F0 -s -f --no-backup-if-mismatch <"$file" >&2 ||
		die "patches/$patch does not apply to an empty folder"
	count=$((count + 1))
done < <(series_patches "$ACRYPTO_TOP/series")
[ "$count" -gt 0 ] || die "the series has no patch for every kernel"

chmod 755 "$tmp"
[ ! -d "$dir" ] || rmdir "$dir"
mv "$tmp" "$dir"
say "$count patches: $(find "$dir" -type f | wc -l) files in $dir"
