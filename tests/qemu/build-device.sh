#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: build-device.sh NAME
#        build-device.sh --headers
#
# Builds NAME.c of this folder, a device for the installed QEMU that is loaded as
# a plugin, if it isn't in the cache, and prints where it is.  With guest.sh:
#
#	--plugin "$(tests/qemu/build-device.sh NAME)" --qemu-arg -device \
#		--qemu-arg NAME,property=value
#
# A device needs QEMU's own headers, which no package has: they come from
# Debian's source of exactly the installed version (24 MB, fetched once).
# --headers prints the folder with them.  device.h tells what a device must do.
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input, 3 QEMU or its source can't be
# had here

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

here=$ACRYPTO_TOP/tests/qemu

# What QEMU's configure and meson would have found out, as far as headers ask.
# Debian's patches matter, so the source is unpacked with them; of its 130,000
# files a few thousand headers stay.
build_headers()
{
	local dir=$1 source=$2 tmp part

	tmp=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$tmp'" EXIT
	fetch_source_package "$source" "$tmp/qemu"
	for part in include linux-headers target/i386 tcg/i386; do
		(cd "$tmp/qemu" && find "$part" -name '*.h' -o -name '*.h.inc') |
			(cd "$tmp/qemu" && xargs cp --parents -t "$dir")
	done
	mkdir "$dir/generated"
	(cd "$tmp/qemu" && python3 scripts/qapi-gen.py -o "$dir/generated/qapi" -b \
		qapi/qapi-schema.json)
	find "$dir/generated" -name '*.c' -delete
	# names that code for all targets must not use: nothing is kept from using them
	: >"$dir/generated/config-poison.h"
	printf '#define %s 1\n' CONFIG_LINUX CONFIG_POSIX CONFIG_IOVEC CONFIG_INT128 \
		CONFIG_TCG CONFIG_PLUGIN HOST_X86_64 >"$dir/generated/config-host.h"
	{
		printf '#define %s 1\n' TARGET_I386 TARGET_X86_64 TARGET_SUPPORTS_MTTCG \
			CONFIG_SOFTMMU CONFIG_TCG CONFIG_KVM CONFIG_I386_DIS
		printf '#define TARGET_NAME "x86_64"\n'
	} >"$dir/generated/config-target.h"
	rm -rf "$tmp"
	trap - EXIT
}

build_device()
{
	local dir=$1 name=$2 flags

	flags=$(pkg-config --cflags-only-I glib-2.0)
	# QEMU's headers are no business of our warnings
	# shellcheck disable=SC2086
	gcc -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Werror \
		-fPIC -fvisibility=hidden -shared "-DDEVICE_FOR_QEMU=\"$version\"" \
		-iquote "$here" -isystem "$headers/generated" -isystem "$headers/include" \
		-isystem "$headers/linux-headers" -isystem "$headers/target/i386" \
		-isystem "$headers/tcg/i386" ${flags//-I/-isystem } \
		-o "$dir/$name.so" "$here/$name.c"
}

case ${1:-} in
-h | --help)
	show_help
	exit 0
	;;
--headers) ;;
'' | -*) usage_error "which device?" ;;
esac
[ $# -eq 1 ] || usage_error "one device at a time"
source=$here/$1.c
[ "$1" = --headers ] || [ -f "$source" ] || refuse "no such device: $source"

[ "$(dpkg --print-architecture)" = amd64 ] ||
	unavailable "devices are for QEMU on amd64"
need_packages qemu-system-x86 gcc libc6-dev dpkg-dev python3 pkg-config libglib2.0-dev
# as QEMU names itself: "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"
version=$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version //p')
# shellcheck disable=SC2016
package=$(dpkg-query -W -f '${source:Package}=${source:Version}' qemu-system-x86)
[ -n "$version" ] || die "qemu-system-x86_64 doesn't tell its version"

key=$(hash_of "$package" "$(declare -f build_headers)")
headers=$(cached qemu-headers "$key" build_headers "$package")
if [ "$1" = --headers ]; then
	printf '%s\n' "$headers"
	exit 0
fi
key=$(hash_of "@$source" "@$here/device.h" "$version" "$headers" "$(gcc --version)" \
	"$(declare -f build_device)")
folder=$(cached "device-$1" "$key" build_device "$1")
printf '%s\n' "$folder/$1.so"
