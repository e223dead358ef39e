#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: mainline.sh [--rng]
#
# Prints the path of mainline's hifn_795x.ko for Debian's kernel for amd64, which
# doesn't have it: it is built from the one file of Debian's kernel source (package
# linux-source-6.1, 140 MB, of which only that file is kept) against Debian's
# headers, unchanged.  --rng: with its random number generator, which keeps the
# kernel's thread that collects such numbers busy (its wait is as long as the time
# since the last number); not to be measured with.
# Exit 0 done, 1 failed, 2 wrong usage, 3 the source can't be had here.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

package=linux-source-6.1

get_source()
{
	local dir=$1 name

	say "fetching Debian's $package $version"
	# the package is large: it goes through pipes
	(
		cd "$dir"
		apt-get -q -o APT::Sandbox::User=root download "$package=$version" ||
			unavailable "could not fetch Debian's $package"
		for name in ./*.deb; do
			dpkg-deb --fsys-tarfile "$name" |
				tar -xOf - "./usr/src/$package.tar.xz" |
				tar -xJf - --strip-components=3 \
					"$package/drivers/crypto/hifn_795x.c"
		done
		rm -f ./*.deb
	)
}

build_mainline()
{
	local dir=$1

	cp "$source/hifn_795x.c" "$dir"
	{
		printf 'obj-m := hifn_795x.o\n'
		[ -z "$rng" ] || printf 'ccflags-y := -DCONFIG_CRYPTO_DEV_HIFN_795X_RNG=1\n'
	} >"$dir/Kbuild"
	run_logged "building mainline's hifn_795x" "$ACRYPTO_CACHE/logs/hifn_795x.log" \
		make -C "$headers" M="$dir" modules
}

rng=
case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
--rng)	rng=-rng ;;
'') ;;
*)	usage_error "unknown argument '$1'" ;;
esac

need_packages xz-utils make gcc gcc-12 libelf1 zlib1g
headers=$("$ACRYPTO_TOP/scripts/stock.sh" headers)
version=$(apt-cache show "$package" 2>/dev/null | sed -n 's/^Version: //p' | head -n 1)
if [ -z "$version" ]; then
	# no package lists: one that was fetched before will do
	version=$(cat "$ACRYPTO_CACHE/hifn-mainline.version" 2>/dev/null) ||
		unavailable "no package $package: apt-get update"
fi
source=$(cached hifn-source "$(hash_of "$version" "$(declare -f get_source)")" get_source)
printf '%s\n' "$version" >"$ACRYPTO_CACHE/hifn-mainline.version"
folder=$(cached "hifn-mainline$rng" "$(hash_of "$source" "$headers" \
	"$(declare -f build_mainline)")" build_mainline)
printf '%s\n' "$folder/hifn_795x.ko"
