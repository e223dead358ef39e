#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: source.sh [--kernel VERSION] DIR
#
# Lays the files that the patches add for every kernel ("Kernel: all") into DIR,
# which must not exist or be empty: for reading, editors and the unit tests.
# No kernel source is needed.
#
#   --kernel VERSION	those of this kernel's series alone, and the new files that
#			are for it alone
#
# Exit 0 done, 1 failed, 2 wrong usage.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

series=$ACRYPTO_TOP/series
kernel=
case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
--kernel)
	[ $# -ge 2 ] || usage_error "$1 needs a version"
	kernel=$2
	series=$(kernel_series "$kernel") || refuse "no series for Linux $kernel"
	shift 2
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
	if [ "$(patch_field "$file" Kernel)" != all ]; then
		# of patches for one kernel, those that change no file of it
		if [ -z "$kernel" ] || grep -q '^--- a/' "$file"; then
			continue
		fi
	fi
	patch -d "$tmp" -p1 -F0 -s -f --no-backup-if-mismatch <"$file" >&2 ||
		die "patches/$patch does not apply to an empty folder"
	count=$((count + 1))
done < <(series_patches "$series")
[ "$count" -gt 0 ] || die "$series has no patch for every kernel"

chmod 755 "$tmp"
[ ! -d "$dir" ] || rmdir "$dir"
mv "$tmp" "$dir"
say "$count patches: $(find "$dir" -type f | wc -l) files in $dir"
