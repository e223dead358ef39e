# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# bonnie++ on ext3 on dm-crypt, as acrypto was measured in 2005.  The guest has
# little memory beside the ram disk, so that the file does not fit into the page
# cache.  Further variables:
#
#	FILE_MB		size of bonnie++'s file
#	FILES		number of files to make, in units of 1024

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

bench_modules

# field N of bonnie++'s CSV: K/s or operations per second; empty when it says
# +++++ (too fast to be measured)
field()
{
	echo "$line" | awk -F, -v n="$1" '$n ~ /^[0-9.]+$/ { print $n }'
}

one_run()
{
	local variant="$1" line n name unit

	make_device "$variant" ram0
	dd if=/dev/zero of="/dev/mapper/$variant" bs=1M count="$MEGABYTES" \
		oflag=direct 2>/dev/null || exit 1
	make_ext3 "/dev/mapper/$variant" || exit 1
	mount -t ext3 "/dev/mapper/$variant" /mnt || exit 1
	sync
	report "memory $(awk '/^MemFree:/ { print $2 }' /proc/meminfo) KiB free"
	echo 3 >/proc/sys/vm/drop_caches 2>/dev/null
	line=$(bonnie++ -u 0:0 -d /mnt -s "${FILE_MB}m" -r 0 -n "$FILES" -m "$variant" \
		-q) || exit 1
	report "bonnie $line"
	# where 2.00a has the figures; the one after each is the CPU's share in %
	for name in output-char:10 output-block:12 rewrite:14 input-char:16 \
	    input-block:18 seeks:20 create-seq:27 stat-seq:29 delete-seq:31 \
	    create-random:33 stat-random:35 delete-random:37; do
		n="${name#*:}"
		name="${name%:*}"
		unit=KiB/s
		[ "$n" -lt 20 ] || unit=/s
		[ -z "$(field "$n")" ] || sample "$name" "$variant" "$(field "$n")" $unit
	done
	umount /mnt
	dm_remove "$variant"
	freeramdisk /dev/ram0
}

round=0
while [ $round -lt "$ROUNDS" ]; do
	for variant in $(rotated $round); do
		one_run "$variant"
	done
	round=$((round + 1))
done
