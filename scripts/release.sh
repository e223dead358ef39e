#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: release.sh [--dirty] DIR
#
# Makes what a release consists of in DIR, which must not exist or be empty:
#
#	acrypto-VERSION.tar.xz		the project
#	acrypto-KERNEL-VERSION.patch	the whole series for 2.6.20, and for Debian's 6.1,
#					in one patch
#	acrypto-source-VERSION.tar.xz	the new files alone; they build as modules for 6.1
#	acrypto-dkms_VERSION_all.deb	those modules as a Debian package for DKMS
#	SHA256SUMS
#
# VERSION is the date at the top of RELEASE-NOTES, and has to be the one that the modules
# have (ACRYPTO_VERSION in include/linux/acrypto.h).  If what is checked out has no tag
# of that name, it is a snapshot, and the version ends in -gREVISION.  The same commit
# makes the same files, to the byte (the patch for 6.1: with the same source package).
#
#   --dirty	what is there is taken, with changes that are not committed
#
# Prints the paths of the files.
# Exit 0 done, 1 failed, 2 wrong usage or unfit tree, 3 a kernel's source, or what else
# it needs, can't be had here.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

dirty=
options dirty ... -- "$@"
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage_error "one folder is needed"
out=$1
if [ -e "$out" ] && { [ ! -d "$out" ] || [ -n "$(ls -A "$out")" ]; }; then
	refuse "$out exists and is not an empty folder"
fi

need_packages git patch quilt diffutils xz-utils dpkg
version=$(project_version)
case $version in
*-dirty)
	[ -n "$dirty" ] ||
		refuse "$ACRYPTO_TOP has changes that are not committed (--dirty takes them)"
	;;
esac
modules=$(sed -n 's/^+#define ACRYPTO_VERSION[[:blank:]]*"\(.*\)".*/\1/p' \
	"$ACRYPTO_TOP/patches/core/api.patch")
[ "$modules" = "${version%%-*}" ] ||
	refuse "RELEASE-NOTES has version ${version%%-*}, the modules have ${modules:-none}"
case $version in
*-*)	warn "a snapshot: what is here has no tag ${version%%-*}" ;;
esac

mkdir -p "$(dirname "$out")"
tmp=$(mktemp -d "$(dirname "$out")/.release.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/out"

# pack FOLDER: of $tmp, as an archive in which nothing is of this machine or moment
pack()
{
	tar -C "$tmp" -c --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
		--owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX "$1" |
		xz -T1 -9 >"$tmp/out/$1.tar.xz"
}

# --- the project ----------------------------------------------------------------

top=$tmp/acrypto-$version
mkdir "$top"
project_files | (cd "$ACRYPTO_TOP" && xargs -0 cp -p --parents -t "$top" --)
# outside of git, this is how it knows what it is
SOURCE_DATE_EPOCH=$(project_date)
export SOURCE_DATE_EPOCH
printf '# SPDX-License-Identifier: GPL-2.0\n%s %s\n' "$version" "$SOURCE_DATE_EPOCH" \
	>"$top/.version"

# --- the patches ------------------------------------------------------------------

# take_files DIR SOURCE LIST: those of the list that there are, from a folder or archive
take_files()
{
	local name

	if [ -d "$2" ]; then
		(cd "$2" && while read -r file; do
			[ ! -e "$file" ] || printf '%s\0' "$file"
		done <"$3" | xargs -0 cp -p --parents -t "$1" --)
	else
		name=$(basename "$2")
		# tar complains of those that the patches add
		tar -xf "$2" -C "$1" --strip-components=1 --no-same-owner \
			-T <(sed "s,^,${name%.tar.*}/," "$3") 2>/dev/null || true
	fi
	[ -f "$1/init/main.c" ] || die "$2 is damaged"
}

# combine KERNEL: its series as one patch, made on copies of the files that it touches
combine()
{
	local kernel=$1 series source folder file from to status
	local a=$tmp/$1/a b=$tmp/$1/b patch=acrypto-$1-$version.patch

	series=$(kernel_series "$kernel")
	if [ "$kernel" = 6.1 ]; then
		source=$("$ACRYPTO_TOP/scripts/stock.sh" source)
	else
		# it fetches what is not at hand, if it can
		kernel_at_hand "$kernel" ||
			"$ACRYPTO_TOP/scripts/kernel.sh" "$kernel" "$tmp/fetched"
		source=$ACRYPTO_KERNELS/linux-$kernel
		[ -d "$source" ] || source=$(kernel_archive "$kernel")
	fi
	say "combining the patches for Linux $kernel"
	while read -r file; do
		patch_files "$top/patches/$file"
	done < <(series_patches "$series") | LC_ALL=C sort -u >"$tmp/files"
	kernel_landmarks | LC_ALL=C sort -u - "$tmp/files" >"$tmp/needed"
	folder=$(cached release-files "$(hash_of "$source" "$(stat -c '%s %Y' "$source")" \
		"@$tmp/needed")" take_files "$source" "$tmp/needed")
	mkdir -p "$tmp/$kernel"
	cp -a "$folder" "$a"
	cp -a "$folder" "$b"
	# it refuses files that are not the release's
	"$top/scripts/apply.sh" "$b"

	{
		printf 'acrypto %s for Linux %s: its whole series in one patch.\n' \
			"$version" "$(kernel_version "$a")"
		printf '\n\tcd linux && patch -p1 <%s\n\n' "$patch"
		printf 'Made by scripts/release.sh of these patches, whose headers say why.\n'
		printf 'GPL-2.0, see COPYING.\n\n'
		while read -r file; do
			printf '  %s\n' "$(patch_field "$top/patches/$file" Subject)"
		done < <(series_patches "$series")
		printf '%s\n' ---
		while read -r file; do
			from=a/$file to=b/$file status=0
			[ -e "$a/$file" ] || from=/dev/null
			[ -e "$b/$file" ] || to=/dev/null
			diff -upN --label "$from" --label "$to" "$a/$file" "$b/$file" ||
				status=$?
			[ "$status" -eq 1 ] || die "$file: diff gave $status"
		done <"$tmp/files"
	} >"$tmp/out/$patch"
}

while read -r kernel; do
	combine "$kernel"
done < <(supported_kernels)

# --- the archives and the package ------------------------------------------------

say "packing $version"
pack "acrypto-$version"
# those for every kernel, and 6.1's with its Kbuild
"$top/scripts/source.sh" "$tmp/acrypto-source-$version"
"$top/scripts/modules.sh" --source "$tmp/modules"
cp -a "$tmp/modules/." "$tmp/acrypto-source-$version/"
cp -p "$top/COPYING" "$top/RELEASE-NOTES" "$tmp/acrypto-source-$version/"
pack "acrypto-source-$version"
"$top/scripts/package.sh" "$tmp/out" >/dev/null

(cd "$tmp/out" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum --) \
	>"$tmp/SHA256SUMS"
mv "$tmp/SHA256SUMS" "$tmp/out/"
[ ! -d "$out" ] || rmdir "$out"
chmod 755 "$tmp/out"
mv "$tmp/out" "$out"
say "acrypto $version: $out"
find "$out" -type f | LC_ALL=C sort
