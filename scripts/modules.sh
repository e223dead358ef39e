#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: modules.sh [--kernel-headers TREE] DIR
#
# Builds acrypto as modules for a kernel that is there already, without its source:
# lays the files that every kernel shares into DIR, which must not exist or be
# empty, and builds them against the kernel's headers.
#
#   --kernel-headers TREE	headers or a built tree of the kernel, 6.1 or near;
#			default: those of the running kernel, if Debian's package
#			with them is installed, else those of Debian's newest
#			kernel, which are fetched
#
# The modules' paths are printed.  They are loaded in this order: acrypto.ko, then
# acrypto_soft.ko and, for algorithms by the name acrypto(...), acrypto_capi.ko.
# Exit 0 done, 1 failed, 2 wrong usage or unfit headers.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

headers=
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		show_help
		exit 0
		;;
	--kernel-headers)
		[ $# -ge 2 ] || usage_error "$1 needs a value"
		headers=$2
		shift
		;;
	-*)
		usage_error "unknown option $1"
		;;
	*)
		break
		;;
	esac
	shift
done
[ $# -eq 1 ] || usage_error "one folder is needed"
dir=$1
if [ -e "$dir" ] && { [ ! -d "$dir" ] || [ -n "$(ls -A "$dir")" ]; }; then
	refuse "$dir exists and is not an empty folder"
fi

need_packages make gcc gcc-12 libelf1 zlib1g
if [ -z "$headers" ]; then
	headers=/lib/modules/$(uname -r)/build
	case $(uname -r) in
	6.1.*)	;;
	*)	headers= ;;
	esac
	if [ -z "$headers" ] || [ ! -f "$headers/Module.symvers" ]; then
		headers=$("$ACRYPTO_TOP/scripts/stock.sh" headers)
	fi
fi
for file in Makefile .config include/generated/autoconf.h; do
	[ -f "$headers/$file" ] || refuse "$headers: no headers of a built kernel: no $file"
done
release=$(make -s -C "$headers" kernelversion) || refuse "$headers: make fails there"
kernel_series "$release" >/dev/null ||
	refuse "$headers: of Linux $release; there are patches for:" \
		"$(supported_kernels | tr '\n' ' ')"

"$ACRYPTO_TOP/scripts/source.sh" "$dir"
dir=$(readlink -f "$dir")
# what is for this kernel alone, of new files: no hooks
need_tool patch patch
while read -r patch; do
	file=$ACRYPTO_TOP/patches/$patch
	if [ "$(patch_field "$file" Kernel)" = all ] || grep -q '^--- a/' "$file"; then
		continue
	fi
	patch -d "$dir" -p1 -F0 -s -f <"$file" >&2 || die "patches/$patch does not apply"
done < <(series_patches "$(kernel_series "$release")")

options=()
folders=
# option NAME FOLDER: build it if it is there
option()
{
	[ -f "$dir/$2/Makefile" ] && grep -q "CONFIG_$1\b" "$dir/$2/Makefile" || return 0
	options+=("CONFIG_$1=m")
	case " $folders" in
	*" $2/ "*) ;;
	*) folders+="$2/ " ;;
	esac
}
option ACRYPTO crypto/acrypto
option ACRYPTO_LB_RR crypto/acrypto
option ACRYPTO_SOFT crypto/acrypto
option ACRYPTO_TEST crypto/acrypto
option ACRYPTO_CAPI crypto/acrypto/capi
option ACRYPTO_CAPIDEV crypto/acrypto/capidev
option ACRYPTO_SIM drivers/crypto/acrypto
option ACRYPTO_HIFN drivers/crypto/acrypto
option ACRYPTO_PADLOCK drivers/crypto/acrypto
cat >"$dir/Kbuild" <<EOF
# SPDX-License-Identifier: GPL-2.0
subdir-ccflags-y := -I\$(src)/include
obj-y := $folders
EOF
cat >"$dir/Makefile" <<EOF
# SPDX-License-Identifier: GPL-2.0
# make [KERNEL=headers]
KERNEL ?= $(readlink -f "$headers")

modules clean:
	\$(MAKE) -C \$(KERNEL) M=\$(CURDIR) ${options[*]} \$@

.PHONY: modules clean
EOF
settings=()
if command -v ccache >/dev/null; then
	# how Debian's headers take it, and how others do
	settings+=(DEBIAN_KERNEL_USE_CCACHE=1)
	[ -f "$headers/.kernelvariables" ] || settings+=("CC=ccache gcc")
fi
run_logged "building the modules for Linux $release" "$dir/build.log" \
	make -C "$dir" -j"$(jobs_count)" "${settings[@]}" modules || exit 1
if grep -E 'warning:|WARNING:' "$dir/build.log" >&2; then
	die "the modules do not build without warnings"
fi
find "$dir" -name '*.ko' | LC_ALL=C sort
