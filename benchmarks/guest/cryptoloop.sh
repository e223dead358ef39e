# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# cryptoloop beside dm-crypt, with the same cipher, key and IVs, so that all of them
# write the same bytes, which is checked.  Direct I/O on the bare devices, and a file
# system.
#
# A write ends when the data have left the page cache of what is below, in which
# cryptoloop works; before a read it is emptied.
#
# Further variables:
#
#	CELLS		a list of PATTERN:BLOCK, of write and read
#	FILE_MB		how much each of them does, and size of the file that is copied

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

bench_modules

# sum FILE MEGABYTES: of its beginning
sum()
{
	dd if="$1" bs=1M count="$2" 2>/dev/null | md5sum
}

make_disks

dd if=/dev/urandom of=/tmp/file bs=64k count=$((FILE_MB * 16)) 2>/dev/null
n=0
for variant in $VARIANTS; do
	dd if=/tmp/file of="/dev/mapper/$variant" bs=64k oflag=direct 2>/dev/null || exit 1
	on_disk "$variant"
	if [ "$(sum /dev/ram$n "$MEGABYTES")" != "$(sum /dev/ram0 "$MEGABYTES")" ] ||
	   [ "$(sum /dev/ram$n "$FILE_MB")" = "$(sum /tmp/file "$FILE_MB")" ]; then
		report "$variant: the disk does not hold what ${VARIANTS%% *} writes"
		exit 1
	fi
	n=$((n + 1))
done

# --- direct I/O ----------------------------------------------------------------

transfer()
{
	case $1 in
	write)
		dd if=/tmp/file of="/dev/mapper/$2" bs="$3" count="$4" oflag=direct &&
			on_disk "$2"
		;;
	read)	dd if="/dev/mapper/$2" of=/dev/null bs="$3" count="$4" iflag=direct ;;
	esac 2>/dev/null || {
		report "$1 failed: $2, $3 bytes"
		exit 1
	}
}

for cell in $CELLS; do
	pattern="${cell%:*}"
	block="${cell#*:}"
	round=0
	while [ $round -lt "$ROUNDS" ]; do
		for variant in $(rotated $round); do
			on_disk "$variant"
			echo 1 >/proc/sys/vm/drop_caches
			start=$(nanoseconds)
			transfer "$pattern" "$variant" "$block" $(((FILE_MB << 20) / block))
			end=$(nanoseconds)
			sample "$pattern-$((block >> 10))k" "$variant" \
				"$(per_second $((FILE_MB << 20)) $((end - start)))" KiB/s
		done
		round=$((round + 1))
	done
done

# --- a file system ---------------------------------------------------------------

file_systems
for variant in $VARIANTS; do
	take_down "$variant"
done

# each reads what the other one wrote
case " $VARIANTS " in
*" cryptoloop "*)
	for pair in stock:cryptoloop cryptoloop:stock; do
		set_up "${pair%:*}" "disk-${pair#*:}"
		if ! mount -t ext3 -r "/dev/mapper/${pair%:*}" /mnt ||
		   ! cmp /tmp/file /mnt/file; then
			report "${pair%:*} does not read what ${pair#*:} wrote"
			exit 1
		fi
		umount /mnt
		take_down "${pair%:*}"
	done
	;;
esac
for variant in $VARIANTS; do
	dm_remove "disk-$variant"
done
