# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the benchmarks' guest scripts share: `. /bench.sh`.  From bench.sh on
# the host come these variables:
#
#	VARIANTS	what is compared, the reference first.  `stock` and
#			`acrypto` are options of a dm-crypt table; a digit
#			after the name makes a second device of the same kind
#	VANILLA		"yes" if the kernel's dm-crypt does not know the two options
#	CIPHER, KEY	of the dm-crypt tables
#	MEGABYTES	size of each device
#	ROUNDS		how often every cell is measured with every variant
#	QUICK		"yes" for the smaller set of cells
#
# Each measurement is one line on the host:
#	sample CELL VARIANT VALUE UNIT

# shellcheck source=tests/guest/lib.sh
. /lib.sh

# load what the kernel has as modules
bench_modules()
{
	local name

	for name in acrypto acrypto_soft; do
		modprobe $name 2>/dev/null
	done
	modprobe dm-crypt
}

# make_device VARIANT RAMDISK: /dev/mapper/VARIANT over /dev/RAMDISK
make_device()
{
	local kind="${1%[0-9]}" table

	# shellcheck disable=SC2153
	table="0 $((MEGABYTES * 2048)) crypt $CIPHER $KEY 0 /dev/$2 0"
	[ "$VANILLA" = yes ] || table="$table 1 $kind"
	dm_create "$1" "$table" || {
		report "no device $1: $table"
		exit 1
	}
}

# what acrypto's devices have done so far
acrypto_bytes()
{
	cat /sys/class/acrypto/*/bytes 2>/dev/null | awk '{ n += $1 } END { printf "%.0f", n }'
}

# one device per variant, each over a ram disk of its own, written once
# because a ram disk allocates its memory at the first write; who does the work
# then is who is to be measured
make_devices()
{
	local variant before bytes n=0

	for variant in $VARIANTS; do
		make_device "$variant" ram$n
		before=$(acrypto_bytes)
		dd if=/dev/zero of="/dev/mapper/$variant" bs=1M \
			count="$MEGABYTES" oflag=direct 2>/dev/null || exit 1
		bytes=$(($(acrypto_bytes) - before))
		case $variant in
		acrypto*)	[ $bytes -ge $((MEGABYTES << 20)) ] ;;
		*)		[ $bytes -eq 0 ] ;;
		esac || {
			report "$variant: acrypto did $bytes bytes of $MEGABYTES MiB"
			exit 1
		}
		n=$((n + 1))
	done
}

sample()
{
	report "sample $*"
}

# the variants, beginning with another one each round
rotated()
{
	local n="$1" first rest

	# shellcheck disable=SC2086
	set -- $VARIANTS
	n=$((n % $#))
	while [ $n -gt 0 ]; do
		first="$1"
		shift
		rest="$*"
		# shellcheck disable=SC2086
		set -- $rest "$first"
		n=$((n - 1))
	done
	echo "$*"
}

nanoseconds()
{
	# date prints seconds and nine digits
	date +%s%N
}

# per_second BYTES NANOSECONDS: KiB/s
per_second()
{
	awk -v b="$1" -v t="$2" 'BEGIN { printf "%.1f", b / 1024 / (t / 1e9) }'
}
