#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: measure.sh [option]... mainline|acrypto|session
#
# What a request costs with a driver for the HIFN 795x on the model of the chip
# (tests/qemu/hifn795x.c), on Debian's 6.1 kernel, one CPU, time counted in
# instructions: a figure of a model, of use to compare drivers.  The module
# skload keeps so many encryptions in work, each in buffers of its own.
#
#	mainline	mainline's hifn_795x (mainline.sh)
#	acrypto		acrypto's driver, through acrypto_capi, no other device
#	session		the same by acrypto's own interface, as dm-crypt and ESP use it
#			(the module acload; AES-128 in CBC mode)
#
#  --sizes "N..."	bytes of a request (64 512 1504 4096; of 1500 bytes no cipher
#			with blocks of 16 makes anything)
#  --depths "N..."	requests in work (1 16)
#  --count N		requests of each kind (2000); what loading a module costs differs by
#			some 100000 instructions from run to run
#  --units N		with session: requests that make one session (1)
#  --in-place		source and destination are the same memory
#  --boards N		boards (1)
#  --device PROPERTIES	of the model (latency-ns=2000,rate=64M)
#  --cipher NAME		as the crypto API has it, with --key BYTES (cbc(aes), 16)
#  --modules DIR		acrypto's modules, built by scripts/modules.sh; else they
#			are built
#
# Printed, separated by tabs: driver, boards, data (in-place or apart), bytes, depth,
# requests a second, interrupts, doorbells, register reads, register writes and
# instructions a request.
# Exit 0 done, 1 failed, 2 wrong usage.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

here=$ACRYPTO_TOP/tests/hifn-model
sizes='64 512 1504 4096' depths='1 16' count=2000 boards=1 key=16
device=latency-ns=2000,rate=64M cipher='cbc(aes)' modules='' in_place=''
units=1
options sizes= depths= count= boards= device= cipher= key= modules= units= in-place \
	... -- "$@"
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage_error "which driver?"
for number in "$count" "$boards" "$key" "$units" $sizes $depths; do
	case $number in
	'' | *[!0-9]* | 0) usage_error "'$number' is no number above 0" ;;
	esac
done
[ -z "$modules" ] || [ -d "$modules" ] || refuse "no such folder: $modules"
driver=$1

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
headers=$("$ACRYPTO_TOP/scripts/stock.sh" headers)
image=$("$ACRYPTO_TOP/scripts/stock.sh" image)
plugin=$("$ACRYPTO_TOP/tests/qemu/build-device.sh" hifn795x)
counter=$("$ACRYPTO_TOP/tests/qemu/build.sh" insn)

mkdir "$tmp/modules"
load=skload
case $driver in
mainline)
	cp "$("$here/mainline.sh")" "$tmp/modules"
	wanted='libdes hifn_795x' name=''
	# cbc(aes) is cbc-aes-hifn0, cbc(des3_ede) is cbc-3des-hifn0
	match=$(sed 's/(/-/; s/)//; s/des3_ede/3des/' <<<"$cipher")-hifn0
	;;
acrypto | session)
	if [ -z "$modules" ]; then
		"$ACRYPTO_TOP/scripts/modules.sh" "$tmp/acrypto" >/dev/null
		modules=$tmp/acrypto
	fi
	find "$modules" -name '*.ko' -exec cp -t "$tmp/modules" {} +
	wanted='acrypto acrypto_hifn' match='' name="acrypto($cipher)"
	if [ "$driver" = session ]; then
		load=acload
	else
		wanted+=' acrypto_capi'
	fi
	;;
*)	usage_error "no driver '$driver'" ;;
esac
for folder in crypto lib; do
	find "$image/modules/$folder" -name '*.ko' -exec cp -t "$tmp/modules" {} +
done

skload()
{
	cp "$here"/{skload.c,load.h} "$1"
	printf 'obj-m := skload.o\n' >"$1/Kbuild"
	run_logged "building skload" "$ACRYPTO_CACHE/logs/skload.log" \
		make -C "$headers" M="$1" modules
}
folder=$(cached skload "$(hash_of "@$here/skload.c" "@$here/load.h" "$headers" \
	"$(declare -f skload)")" skload)
cp "$folder/skload.ko" "$tmp/modules"
if [ $load = acload ]; then
	mkdir "$tmp/acload"
	cp "$here"/{acload.c,load.h} "$tmp/acload"
	printf 'obj-m := acload.o\nccflags-y := -I%s\n' "$modules/include" >"$tmp/acload/Kbuild"
	run_logged "building acload" "$ACRYPTO_CACHE/logs/acload.log" make -C "$headers" \
		M="$tmp/acload" KBUILD_EXTRA_SYMBOLS="$modules/Module.symvers" modules
	cp "$tmp/acload/acload.ko" "$tmp/modules"
fi

# Debian's System.map doesn't tell where a function is, so the mark between the
# sections of the counts is a program: nothing else is ever executed where it lies.
mark=0x5ac00000
gcc -x assembler -nostdlib -static -no-pie "-Wl,-Ttext=$mark" -o "$tmp/marker" - <<'EOF'
	.globl _start
_start:	mov $60, %eax			# exit(0)
	xor %edi, %edi
	syscall
EOF
devices=()
for ((i = 0; i < boards; i++)); do
	devices+=(--qemu-arg -device --qemu-arg "hifn795x,$device")
done
status=0
"$ACRYPTO_TOP/scripts/guest.sh" --quiet --kernel "$image/vmlinuz" \
	--modules "$tmp/modules" --mem 512 --icount \
	--append cryptomgr.notests=1 --script "$here/load.sh" \
	--file "$tmp/marker:/bin/marker" \
	--env "MODULES=$wanted" --env "CIPHER=$name" --env "MATCH=$match" --env "KEY=$key" \
	--env "SIZES=$sizes" --env "DEPTHS=$depths" --env "COUNT=$count" \
	--env "IN_PLACE=${in_place:+1}" --env "LOAD=$load" --env "UNITS=$units" \
	--plugin "$counter,out=$tmp/counts,mark=$mark" --plugin "$plugin" \
	"${devices[@]}" --timeout 3600 --out "$tmp/out" || status=$?
if [ $status -ne 0 ]; then
	grep '^not ok' "$tmp/out/result.log" >&2 || true
	die "the guest failed"
fi

# the instructions of the section that begins at a mark
instructions()
{
	local section

	section=$(sed -n 's/^mark //p' "$tmp/out/result.log" | grep -nxF "$1" | cut -d: -f1)
	awk -v section="${section:-none}" '$1 == "section" && $2 == section { print $NF }' \
		"$tmp/counts"
}

data=apart
[ -z "$in_place" ] || data=in-place
printf 'driver\tboards\tdata\tbytes\tdepth\trequests/s\tinterrupts\tdoorbells\treads\twrites\tinstructions\n'
grep '^row ' "$tmp/out/result.log" |
	while read -r _ size depth n ns interrupts doorbells reads writes; do
		few=$(instructions "few.$size.$depth")
		many=$(instructions "many.$size.$depth")
		awk -v driver="$driver" -v boards="$boards" -v data="$data" -v size="$size" -v depth="$depth" \
			-v n="$n" -v ns="$ns" -v interrupts="$interrupts" \
			-v doorbells="$doorbells" -v reads="$reads" -v writes="$writes" \
			-v few="$few" -v many="$many" 'BEGIN {
			printf "%s\t%d\t%s\t%d\t%d\t%.0f\t%.3f\t%.3f\t%.3f\t%.3f\t%.0f\n",
				driver, boards, data, size, depth, n * 1e9 / ns,
				interrupts / n, doorbells / n, reads / n, writes / n,
				(many - few) / n }'
	done
