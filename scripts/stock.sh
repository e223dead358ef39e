#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: stock.sh headers|image|source
#
# Fetches Debian's own kernel for this machine and prints the folder of the cache
# where it was unpacked; nothing is installed.
#
#   headers	a tree to build modules against: make -C FOLDER M=... modules
#   image	vmlinuz, config, System.map, and modules/ with what the tests need
#   source	linux-source-6.1.tar.xz, as Debian's developers patched it
#
# What is newest in the system's package lists is taken; without a network, what
# was fetched before.
# Exit 0 done, 1 failed, 2 wrong usage, 3 it can't be had here.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# folders of modules that are kept, and modules that are needed beside them
MODULES=(crypto arch/x86/crypto lib drivers/md drivers/block drivers/virtio
	drivers/crypto/padlock-aes.ko drivers/crypto/padlock-sha.ko
	drivers/char/hw_random drivers/ata drivers/scsi fs/ext4 fs/jbd2 fs/mbcache.ko
	drivers/net/ethernet/intel/e1000 drivers/net/veth.ko drivers/net/dummy.ko
	net/ipv4 net/ipv6 net/xfrm net/key)

# depends_of PACKAGE: what it depends on, of the kernel's packages
depends_of()
{
	apt-cache depends --no-recommends --no-suggests "$1" 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-[^ ]*\)$/\1/p'
}

# the packages with their versions, one a line
packages_of()
{
	local meta real name

	if [ "$1" = source ]; then
		printf 'linux-source-6.1\n'
		return 0
	fi
	meta=linux-$1-$(dpkg --print-architecture)
	real=$(depends_of "$meta" | head -n 1)
	[ -n "$real" ] || return 1
	printf '%s\n' "$real"
	[ "$1" = image ] || depends_of "$real" | grep -v '^linux-image'
}

with_versions()
{
	local name version

	while read -r name; do
		version=$(apt-cache policy "$name" |
			sed -n 's/^ *Candidate: //p')
		[ -n "$version" ] && [ "$version" != '(none)' ] || return 1
		printf '%s=%s\n' "$name" "$version"
	done
}

# unpack DIR PACKAGE=VERSION...: fetch and unpack them
unpack()
{
	local dir=$1 deb

	shift
	say "fetching Debian's $*"
	mkdir "$dir.debs"
	# apt checks what it fetches against the signed lists
	(cd "$dir.debs" && apt-get -q -o APT::Sandbox::User=root download "$@") >&2 ||
		unavailable "could not fetch Debian's $*"
	for deb in "$dir.debs"/*.deb; do
		dpkg-deb -x "$deb" "$dir"
	done
	rm -rf "$dir.debs"
}

build_headers()
{
	local dir=$1 makefile common

	unpack "$@"
	# the two halves name each other by where they would be installed
	for makefile in "$dir"/usr/src/linux-headers-*/Makefile; do
		[ "$(wc -l <"$makefile")" -lt 5 ] || continue
		common=$(sed -n 's,^include /usr/src/\([^/]*\)/Makefile$,\1,p' "$makefile")
		if [ -z "$common" ] || [ ! -d "$dir/usr/src/$common" ]; then
			die "$makefile is not as expected"
		fi
		# make, not the shell, is to expand this
		# shellcheck disable=SC2016
		printf 'include $(dir $(lastword $(MAKEFILE_LIST)))../%s/Makefile\n' \
			"$common" >"$makefile"
		ln -s "usr/src/$(basename "$(dirname "$makefile")")" "$dir/tree"
	done
	[ -e "$dir/tree/Module.symvers" ] || die "no tree in Debian's headers"
	# its links into / are of no use here
	rm -rf "${dir:?}/lib"
}

build_image()
{
	local dir=$1 all release name

	unpack "$@"
	all=$(echo "$dir"/lib/modules/*)
	release=$(basename "$all")
	for name in vmlinuz config System.map; do
		mv "$dir/boot/$name-$release" "$dir/$name"
	done
	printf '%s\n' "$release" >"$dir/release"
	mkdir "$dir/modules"
	for name in "${MODULES[@]}"; do
		(cd "$all/kernel" && find "$name" -name '*.ko' -exec \
			cp --parents -t "$dir/modules" {} +)
	done
	rm -rf "${dir:?}"/{lib,boot,usr}
}

build_source()
{
	local dir=$1

	unpack "$@"
	mv "$dir"/usr/src/linux-source-*.tar.xz "$dir/"
	rm -rf "${dir:?}/usr"
}

case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
headers | image | source)
	[ $# -eq 1 ] || usage_error "one argument"
	;;
*)
	usage_error "headers, image or source?"
	;;
esac
[ "$(dpkg --print-architecture)" = amd64 ] ||
	unavailable "for now, this is for amd64 alone"

mkdir -p "$ACRYPTO_CACHE"
list=$(packages_of "$1" | with_versions) || list=
if [ -z "$list" ] && [ "$(id -u)" -eq 0 ]; then
	say "reading Debian's package lists"
	with_lock apt apt-get -q update >"$ACRYPTO_CACHE/apt-update.log" 2>&1 || true
	list=$(packages_of "$1" | with_versions) || list=
fi
[ -n "$list" ] || unavailable "no package linux-$1 is known: apt-get update"
mapfile -t packages <<<"$list"
folder=$(cached "stock-$1" "$(hash_of "@$(readlink -f "$0")" "${packages[@]}")" \
	"build_$1" "${packages[@]}")
case $1 in
headers) folder=$folder/tree ;;
source)	folder=$(echo "$folder"/*.tar.xz) ;;
esac
printf '%s\n' "$folder"
