#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: modules.sh [--kernel-headers TREE] [DIR]
#	 modules.sh --source DIR
#
# Builds acrypto as modules for a kernel that is there already, without its source:
# lays the files that every kernel shares into DIR, which must not exist or be
# empty, and builds them against the kernel's headers.  Without DIR that is done in
# the cache, once for each state of the patches and the headers.
#
#   --kernel-headers TREE	headers or a built tree of the kernel, 6.1 or near;
#			default: those of the running kernel, if Debian's package
#			with them is installed, else those of Debian's newest
#			kernel, which are fetched
#   --source		lay out the files and build nothing; `make -C HEADERS M=DIR
#			modules` does that then, which is also what DKMS calls
#
# The modules' paths are printed.  They are loaded in this order: acrypto.ko, then
# acrypto_soft.ko and, for algorithms by the name acrypto(...), acrypto_capi.ko.
# Exit 0 done, 1 failed, 2 wrong usage or unfit headers, 3 what it needs can't be had
# here.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# the kernel that they are for
KERNEL=6.1.0

# lay_out DIR: all files, ready for kbuild; what is quoted is for make
# shellcheck disable=SC2016
lay_out()
{
	local dir=$1 file name folder folders=
	local -a options=()

	"$ACRYPTO_TOP/scripts/source.sh" --kernel "$KERNEL" "$dir"
	# what is built is what the Makefiles of those files offer, all of it
	while read -r file; do
		folder=$(dirname "${file#./}")
		# no folder of the kernel's own
		grep -q 'obj-\$(CONFIG_ACRYPTO' "$dir/$file" || continue
		folders+="$folder/ "
		while read -r name; do
			options+=("$name")
		done < <(sed -n 's/^obj-\$(\(CONFIG_ACRYPTO[A-Z0-9_]*\)).*/\1/p' "$dir/$file")
	done < <(cd "$dir" && find . -name Makefile | LC_ALL=C sort)
	[ ${#options[@]} -gt 0 ] || die "no Makefile names a module"
	{
		printf '%s\n' '# SPDX-License-Identifier: GPL-2.0' \
			'# make -C HEADERS M=$PWD modules'
		printf 'export %s := m\n' "${options[@]}"
		printf '%s\n' 'subdir-ccflags-y := -I$(src)/include' "obj-y := ${folders% }"
	} >"$dir/Kbuild"
}

# build_modules DIR: in a folder that is there
build_modules()
{
	local dir=$1
	local -a settings=()

	rmdir "$dir"
	lay_out "$dir"
	if command -v ccache >/dev/null; then
		# how Debian's headers take it, and how others do
		settings+=(DEBIAN_KERNEL_USE_CCACHE=1)
		[ -f "$headers/.kernelvariables" ] || settings+=("CC=ccache gcc")
	fi
	run_logged "building the modules for Linux $release" "$dir/build.log" \
		make -C "$headers" M="$(readlink -f "$dir")" -j"$(jobs_count)" \
		${settings[@]+"${settings[@]}"} modules || return 1
	if grep -E 'warning:|WARNING:' "$dir/build.log" >&2; then
		die "the modules do not build without warnings"
	fi
}

headers=
source=
options kernel-headers=headers source ... -- "$@"
shift $((OPTIND - 1))
[ $# -le 1 ] || usage_error "one folder at most"
dir=${1-}
if [ -n "$dir" ] && [ -e "$dir" ] && { [ ! -d "$dir" ] || [ -n "$(ls -A "$dir")" ]; }; then
	refuse "$dir exists and is not an empty folder"
fi
if [ -n "$source" ]; then
	[ -n "$dir" ] || usage_error "--source needs a folder"
	[ -z "$headers" ] || usage_error "--source needs no headers"
	lay_out "$dir"
	exit 0
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

if [ -n "$dir" ]; then
	mkdir -p "$dir"
	dir=$(readlink -f "$dir")
	build_modules "$dir"
else
	# of the patches, what they change: a header builds nothing
	key=$(hash_of "@$(readlink -f "$0")" "@$ACRYPTO_TOP/scripts/source.sh" \
		"@$headers/Module.symvers" "@$headers/include/generated/autoconf.h" \
		"$(gcc-12 --version)" "$(while read -r patch; do
			sed '1,/^---$/d' "$ACRYPTO_TOP/patches/$patch"
		done < <(series_patches "$(kernel_series "$KERNEL")") | sha256sum)")
	dir=$(cached modules "$key" build_modules)
fi
find "$dir" -name '*.ko' | LC_ALL=C sort
