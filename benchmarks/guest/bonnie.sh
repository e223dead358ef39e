# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# bonnie++ on ext3 on dm-crypt, as acrypto was measured in 2005.  There the file
# was twice the memory's size, so that reading came from the disk.  Here memory
# under pressure would mostly measure how long the kernel sleeps for it, so the
# page cache is emptied between the phases instead (bonnie++ asks before each).
# Writing includes the fsync() at the end of a phase.  Further variables:
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
	local variant="$1" line text pid n name unit

	make_device "$variant" ram0
	dd if=/dev/zero of="/dev/mapper/$variant" bs=1M count="$MEGABYTES" \
		oflag=direct 2>/dev/null || exit 1
	make_ext3 "/dev/mapper/$variant" || exit 1
	mount -t ext3 "/dev/mapper/$variant" /mnt || exit 1
	bonnie++ -yp -q -u 0:0 -d /mnt -s "${FILE_MB}m" -r 0 -n "$FILES" \
		-m "$variant" </tmp/answers >/tmp/questions &
	pid=$!
	exec 4>/tmp/answers
	line=
	while read -r text; do
		case $text in
		*:)
			sync
			echo 3 >/proc/sys/vm/drop_caches
			echo >&4
			;;
		*,*,*) line="$text" ;;
		esac
	done </tmp/questions
	exec 4>&-
	wait $pid || exit 1
	[ -n "$line" ] || exit 1
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

mkfifo /tmp/questions /tmp/answers
round=0
while [ $round -lt "$ROUNDS" ]; do
	for variant in $(rotated $round); do
		one_run "$variant"
	done
	round=$((round + 1))
done
