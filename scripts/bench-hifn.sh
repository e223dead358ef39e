#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: bench-hifn.sh [option]...
#
# Measures acrypto's driver for the HIFN 7955 and 7956 on a model of the chip in
# QEMU, one CPU whose clock counts instructions.  The chip's speed is a property of
# the model, so these are figures of drivers, not of hardware:
#
#	driver	Debian's 6.1 kernel: encryptions by AES-128 in CBC mode, by mainline's
#		hifn_795x and by acrypto's driver through the crypto API, and by
#		acrypto's own interface, one in a session and several, as dm-crypt
#		has them: requests a second, interrupts and instructions a request
#	boards	there, too, by acrypto's own interface with one request in
#		a session: one board and two
#	crypt	Linux 2.6.20: how much of the CPU dm-crypt takes with a HIFN board,
#		and with the kernel's own AES
#
#  --only PART		one of these three
#  --count N		requests of each kind (16384), a multiple of 8
#  --device PROPERTIES	of the model (latency-ns=2000,rate=64M; a board does 64 MB/s)
#  --tree TREE		a built tree of 2.6.20, for crypt
#  --out DIR		where tables, CSV, plots and a page of all of them,
#			index.html, go (benchmarks/results)
#
# Prints the tables.  Without the source of Linux 2.6.20, crypt is left out.
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

KERNEL=2.6.20
SIZES='64 512 1504 4096'
# requests in a session, where there are several
UNITS=8
# megabytes that dm-crypt transfers
FEW=2 MANY=10

only='' count=16384 device=latency-ns=2000,rate=64M tree=''
out=$ACRYPTO_TOP/benchmarks/results
options only= count= device= tree= out= -- "$@"
case $only in
'' | driver | boards | crypt) ;;
*) usage_error "--only takes driver, boards or crypt, not '$only'" ;;
esac
if ! [[ $count =~ ^[1-9][0-9]*$ ]] || [ $((count % UNITS)) -ne 0 ]; then
	usage_error "--count takes a multiple of $UNITS"
fi
[ -z "$tree" ] || [ -d "$tree" ] || refuse "no such folder: $tree"

need_packages python3 qemu-system-x86
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
measure=$ACRYPTO_TOP/tests/hifn-model/measure.sh
emulator=$(qemu-system-x86_64 --version | head -n 1)

# wanted PART
wanted()
{
	[ -z "$only" ] || [ "$only" = "$1" ]
}

# report NAME TITLE COLUMN BY SHOW: the table on stdin, as hifn.py has it
report()
{
	python3 "$ACRYPTO_TOP/benchmarks/hifn.py" --name "$1" --out "$out" --title "$2" \
		--compare "$3" --by "$4" --show "$5" \
		--note "a model of the chip ($device), not hardware" \
		--note "emulator: $emulator" \
		--note "clock: instructions (one CPU, -icount)" \
		--note "acrypto: $(revision)"
	cat "$out/$1.txt"
	printf '\n'
}

modules=
if wanted driver || wanted boards; then
	"$ACRYPTO_TOP/scripts/modules.sh" >"$work/modules" ||
		die "the modules do not build"
	# DIR/crypto/acrypto/acrypto.ko
	modules=$(sed -n 's,/crypto/acrypto/acrypto\.ko$,,p' "$work/modules")
	release=$(cat "$("$ACRYPTO_TOP/scripts/stock.sh" image)/release")
fi

# figures NAME DEPTHS ARGUMENT...: the rows of measure.sh, under another name
figures()
{
	local name=$1 depths=$2

	shift 2
	say "$name, $*"
	"$measure" --sizes "$SIZES" --depths "$depths" --count "$count" \
		--device "$device" --modules "$modules" "$@" |
		awk -v name="$name" 'BEGIN { FS = OFS = "\t" } NR > 1 { $1 = name } { print }'
}

# of several tables one
joined()
{
	awk 'NR == 1 || $1 != "driver"'
}

if wanted driver; then
	{
		for place in '' --in-place; do
			# shellcheck disable=SC2086
			figures mainline "1 16 64" $place mainline
			# shellcheck disable=SC2086
			figures "acrypto, crypto API" "1 16 64" $place acrypto
		done
		figures acrypto "1 16 64" session
		figures "acrypto, $UNITS a session" "16 64" --units $UNITS session
	} | joined | report 6.1-hifn-driver \
		"HIFN 795x (model), Linux $release, AES-128-CBC" \
		driver data,bytes,depth requests/s:+,interrupts:-,instructions:-
fi

if wanted boards; then
	for boards in 1 2; do
		figures acrypto 128 --boards $boards session
	done | joined | report 6.1-hifn-boards \
		"HIFN 795x (model), Linux $release, AES-128-CBC, boards" \
		boards bytes,depth requests/s:+,interrupts:-,instructions:-
fi

if wanted crypt && [ -z "$tree" ] && ! kernel_at_hand $KERNEL; then
	warn "no source of Linux $KERNEL in $ACRYPTO_KERNELS: dm-crypt is left out"
elif wanted crypt; then
	[ -n "$tree" ] || tree=$(built_tree $KERNEL x86_64) || exit 1
	say "dm-crypt on Linux $KERNEL"
	plugin=$("$ACRYPTO_TOP/tests/qemu/build-device.sh" hifn795x)
	"$ACRYPTO_TOP/scripts/guest.sh" --quiet --tree "$tree" --icount --count --mem 256 \
		--script "$ACRYPTO_TOP/benchmarks/guest/hifn.sh" \
		--append "ramdisk_size=$((MANY * 1024))" \
		--env CIPHER=aes-cbc-essiv:sha256 \
		--env KEY=2b7e151628aed2a6abf7158809cf4f3c \
		--env "FEW=$FEW" --env "MANY=$MANY" --plugin "$plugin" \
		--qemu-arg -device --qemu-arg "hifn795x,$device" \
		--timeout 1800 --out "$work/crypt" || {
		grep '^not ok' "$work/crypt/result.log" >&2 || true
		die "the guest failed"
	}
	awk -v few=$FEW -v many=$MANY '
		# the sections of the counts begin with the marks, in order
		FILENAME ~ /result.log$/ && $1 == "mark" { name[++marks] = $2 }
		FILENAME ~ /result.log$/ && $1 == "time" { ns[$2 "." $3 "." $4] = $5 }
		FILENAME ~ /counts.log$/ && $3 == "cpu" { count[name[$2]] += $NF }
		END {
			printf "operation\tcipher\tKiB/s\tinstructions/KiB\tCPU %%\n"
			split("write read", operations)
			split("stock hifn", variants)
			for (i = 1; i <= 2; i++)
				for (j = 1; j <= 2; j++) {
					key = operations[i] "." variants[j]
					n = count[key "." many] - count[key "." few]
					t = ns[key "." many] - ns[key "." few]
					kib = (many - few) * 1024
					printf "%s\t%s\t%.0f\t%.0f\t%.1f\n", operations[i],
						variants[j], kib * 1e9 / t, n / kib,
						100 * n / t
				}
		}' "$work/crypt/result.log" "$work/crypt/counts.log" |
		report $KERNEL-hifn-crypt \
			"dm-crypt on a HIFN 795x (model), Linux $KERNEL, aes-cbc-essiv:sha256, 128-bit key" \
			cipher operation "KiB/s:+,instructions/KiB:-,CPU %:-"
fi
python3 "$ACRYPTO_TOP/benchmarks/page.py" "$out"
