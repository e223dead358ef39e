#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: build.sh NAME
#
# Builds the QEMU plugin NAME.c of this folder, if it isn't in the cache, and
# prints where it is.
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input, 3 no compiler can be had here

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

build_plugin()
{
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -fvisibility=hidden \
		-shared -o "$1/$2.so" "$ACRYPTO_TOP/tests/qemu/$2.c" -pthread
}

case ${1:-} in
-h | --help)
	show_help
	exit 0
	;;
'' | -*) usage_error "which plugin?" ;;
esac
[ $# -eq 1 ] || usage_error "one plugin at a time"
source=$ACRYPTO_TOP/tests/qemu/$1.c
[ -f "$source" ] || refuse "no such plugin: $source"
need_packages gcc libc6-dev
key=$(hash_of "@$source" "$(gcc --version)" "@$(readlink -f "$0")")
folder=$(cached "plugin-$1" "$key" build_plugin "$1")
printf '%s\n' "$folder/$1.so"
