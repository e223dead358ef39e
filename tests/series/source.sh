# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# source.sh.  Sourced by run.

check "source: into a new folder" "$top/scripts/source.sh" "$tmp/source"
# what the patches for every kernel add, and nothing else
result "source: the new files of the series" "$(diff \
	<(while read -r patch; do
		[ "$(patch_field "$top/patches/$patch" Kernel)" != all ] ||
			patch_files "$top/patches/$patch"
	  done < <(series_patches "$top/series") | LC_ALL=C sort -u) \
	<(cd "$tmp/source" && find . -type f -printf '%P\n' | LC_ALL=C sort))"
refused "source: into that folder again" "$top/scripts/source.sh" "$tmp/source"
refused "source: no folder named" "$top/scripts/source.sh"
mkdir "$tmp/empty"
check "source: into an empty folder" "$top/scripts/source.sh" "$tmp/empty"
result "source: the same twice" "$(diff -r "$tmp/source" "$tmp/empty")"
