#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: apply.sh [--pop] TREE
#
# Applies the acrypto patches for the kernel in TREE, at fuzz 0, and leaves TREE
# a quilt tree: TREE/patches and TREE/series are links into this project, so that
# quilt series, pop, push and refresh work there on the project's own patches.
#
#   --pop	takes the patches out again and restores TREE to the byte
#
# Everything is tried on copies of the touched files first.  A TREE that is no
# kernel, a version without a series, local changes in a file that a patch touches
# (where the kernel is one that goes on, as Debian's 6.1: in lines that it quotes) and
# patches that are applied already are refused, and nothing is changed.
# Exit 0 done, 1 failed, 2 wrong usage or unfit tree.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

pop=
options pop ... -- "$@"
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage_error "one kernel tree is needed"
tree=$1

[ -d "$tree" ] || refuse "$tree is no folder"
tree=$(readlink -f "$tree")
version=$(kernel_version "$tree") || refuse "$tree is no Linux kernel tree"
series=$(kernel_series "$version") ||
	refuse "no patches for Linux $version; there are patches for:" \
		"$(supported_kernels | tr '\n' ' ')"

need_packages quilt patch
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ours()
{
	[ -L "$tree/patches" ] && [ -L "$tree/series" ] &&
		[ "$(readlink -f "$tree/patches")" = "$ACRYPTO_TOP/patches" ] &&
		[ "$(readlink -f "$tree/series")" = "$series" ]
}

# copy_files LIST: the files of the list that exist, into $tmp/copy
copy_files()
{
	mkdir -p "$tmp/copy"
	(cd "$tree" && while read -r file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done <"$1" | xargs -0 -r cp -p --parents -t "$tmp/copy" --)
	ln -s "$ACRYPTO_TOP/patches" "$tmp/copy/patches"
	ln -s "$series" "$tmp/copy/series"
}

# remove_folders LIST: those that came with the patches; quilt leaves them behind.
# What was built in one since stays.
remove_folders()
{
	LC_ALL=C sort -r "$1" | while read -r folder; do
		rmdir "$tree/$folder" 2>/dev/null || true
	done
}

# --- take out ----------------------------------------------------------------

if [ -n "$pop" ]; then
	ours || refuse "$tree: the acrypto patches were not applied by apply.sh"
	if [ -s "$tree/.pc/applied-patches" ]; then
		# what quilt keeps of each patch names the files it touched
		(cd "$tree/.pc" && while read -r patch; do
			find "$patch" -type f ! -name .timestamp -printf '%P\n'
		done <applied-patches) | LC_ALL=C sort -u >"$tmp/files"
		copy_files "$tmp/files"
		cp -a "$tree/.pc" "$tmp/copy/.pc"
		(cd "$tmp/copy" && project_quilt pop -a -q) >"$tmp/log" 2>&1 || {
			tail -n 5 "$tmp/log" >&2
			refuse "$tree: changed since the patches were applied" \
				"(quilt refresh, or take the changes back)"
		}
		(cd "$tree" && project_quilt pop -a -q) >"$tmp/log" 2>&1 || {
			cat "$tmp/log" >&2
			die "$tree: could not take the patches out"
		}
	fi
	[ ! -f "$tree/.pc/.new-folders" ] || remove_folders "$tree/.pc/.new-folders"
	rm -rf "$tree/.pc"
	rm -f "$tree/patches" "$tree/series"
	say "$tree: Linux $version as it was"
	exit 0
fi

# --- put in ------------------------------------------------------------------

if [ -s "$tree/.pc/applied-patches" ]; then
	if ours; then
		refuse "$tree: $(wc -l <"$tree/.pc/applied-patches") of" \
			"$(series_patches "$series" | wc -l) patches are applied already" \
			"(apply.sh --pop takes them out)"
	fi
	refuse "$tree: quilt patches of another project are applied"
fi
for name in .pc patches series; do
	if [ -e "$tree/$name" ] || [ -L "$tree/$name" ]; then
		refuse "$tree/$name is in the way"
	fi
done

mapfile -t patches < <(series_patches "$series")
[ ${#patches[@]} -gt 0 ] || die "$series names no patch"
for patch in "${patches[@]}"; do
	[ -f "$ACRYPTO_TOP/patches/$patch" ] || die "$series names patches/$patch, which is missing"
	patch_files "$ACRYPTO_TOP/patches/$patch"
done | LC_ALL=C sort -u >"$tmp/files"

# where the content of vanilla files is known: tell a local change before patch does
touched=$(kernel_configs "$version")/touched
changed=
if [ -f "$touched" ]; then
	need_tool git git
	while read -r file; do
		grep -qxF "$file" "$tmp/files" || continue
		if [ ! -f "$tree/$file" ]; then
			changed="$changed $file(missing)"
		elif ! grep -qxF "$(git hash-object --no-filters "$tree/$file") $file" "$touched"; then
			changed="$changed $file"
		fi
	done < <(sed -e '/^#/d' -e 's/^[^ ]* //' "$touched" | LC_ALL=C sort -u)
fi
[ -z "$changed" ] || refuse "$tree has local changes in files to patch:$changed"

copy_files "$tmp/files"
(cd "$tmp/copy" && project_quilt push -a -q) >"$tmp/log" 2>&1 || {
	tail -n 12 "$tmp/log" >&2
	refuse "$tree: the series does not apply, nothing was changed"
}

# the folders that will be new
while read -r file; do
	folder=$(dirname "$file")
	while [ ! -e "$tree/$folder" ]; do
		printf '%s\n' "$folder"
		folder=$(dirname "$folder")
	done
done <"$tmp/files" | LC_ALL=C sort -u >"$tmp/folders"

ln -s "$ACRYPTO_TOP/patches" "$tree/patches"
ln -s "$series" "$tree/series"
if ! (cd "$tree" && project_quilt push -a -q) >"$tmp/log" 2>&1; then
	tail -n 12 "$tmp/log" >&2
	(cd "$tree" && project_quilt pop -a -f -q) >/dev/null 2>&1 || true
	remove_folders "$tmp/folders"
	rm -rf "$tree/.pc"
	rm -f "$tree/patches" "$tree/series"
	die "$tree: applying failed and was taken back"
fi
cp "$tmp/folders" "$tree/.pc/.new-folders"
say "$tree: ${#patches[@]} patches applied to Linux $version"
