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

# fill_device VARIANT: write all of it once, because a ram disk allocates its memory
# at the first write; who does the work then is who is to be measured
fill_device()
{
	local before bytes

	before=$(acrypto_bytes)
	dd if=/dev/zero of="/dev/mapper/$1" bs=1M count="$MEGABYTES" oflag=direct \
		2>/dev/null || exit 1
	bytes=$(($(acrypto_bytes) - before))
	case $1 in
	acrypto*)	[ $bytes -ge $((MEGABYTES << 20)) ] ;;
	*)		[ $bytes -eq 0 ] ;;
	esac || {
		report "$1: acrypto did $bytes bytes of $MEGABYTES MiB"
		exit 1
	}
}

# one device per variant, each over a ram disk of its own
make_devices()
{
	local variant n=0

	for variant in $VARIANTS; do
		make_device "$variant" ram$n
		fill_device "$variant"
		n=$((n + 1))
	done
}

# set_up VARIANT DISK: /dev/mapper/VARIANT over /dev/mapper/DISK
set_up()
{
	case $1 in
	cryptoloop)
		modprobe cryptoloop || exit 1
		cryptoloop /dev/loop0 "/dev/mapper/$2" "$CIPHER" "$KEY" || exit 1
		ln -s ../loop0 /dev/mapper/cryptoloop
		;;
	*)	make_device "$1" "mapper/$2" ;;
	esac
}

take_down()
{
	case $1 in
	cryptoloop)
		rm /dev/mapper/cryptoloop
		losetup -d /dev/loop0
		;;
	*)	dm_remove "$1" ;;
	esac || exit 1
}

# make_disks: the same, each over a device-mapper target that passes everything on to a
# ram disk.  A ram disk is its own page cache: on it, cryptoloop, which works in the page
# cache of what is below, would be spared the way to the disk.
make_disks()
{
	local variant n=0

	for variant in $VARIANTS; do
		dm_create "disk-$variant" "0 $((MEGABYTES * 2048)) linear /dev/ram$n 0" ||
			exit 1
		set_up "$variant" "disk-$variant"
		fill_device "$variant"
		n=$((n + 1))
	done
}

# on_disk VARIANT: all that was written is; cryptoloop keeps it in the page cache of
# the device below, /dev/mapper/disk-VARIANT, which only make_disks makes
on_disk()
{
	sync
	[ ! -b "/dev/mapper/disk-$1" ] || fsync "/dev/mapper/disk-$1"
}

# file_system VARIANT: mkfs.ext3, /tmp/file copied onto it until it is on the disk,
# and read back after a new mount
file_system()
{
	local start end

	start=$(nanoseconds)
	make_ext3 "/dev/mapper/$1" && on_disk "$1" || exit 1
	end=$(nanoseconds)
	sample mkfs.ext3 "$1" \
		"$(awk -v t=$((end - start)) 'BEGIN { printf "%.6f", t / 1e9 }')" s
	mount -t ext3 "/dev/mapper/$1" /mnt || exit 1

	start=$(nanoseconds)
	cp /tmp/file /mnt/file && on_disk "$1" || exit 1
	end=$(nanoseconds)
	sample copy "$1" "$(per_second $((FILE_MB << 20)) $((end - start)))" KiB/s

	umount /mnt
	echo 1 >/proc/sys/vm/drop_caches
	mount -t ext3 "/dev/mapper/$1" /mnt || exit 1
	start=$(nanoseconds)
	dd if=/mnt/file of=/dev/null bs=1M 2>/dev/null || exit 1
	end=$(nanoseconds)
	sample read-back "$1" "$(per_second $((FILE_MB << 20)) $((end - start)))" KiB/s
	# a figure for data that came back wrong would be worth nothing
	cmp /tmp/file /mnt/file || exit 1
	umount /mnt
}

# file_systems: the same for all variants, turn and turn about
file_systems()
{
	local variant round=0

	while [ $round -lt "$ROUNDS" ]; do
		for variant in $(rotated $round); do
			file_system "$variant"
		done
		round=$((round + 1))
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
