# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Streams of direct I/O on the bare devices, between marks by which the host counts
# instructions and time.  Beside cryptoloop a write ends when the data have left the
# page cache of what is below, in which that works; before a read it is emptied.
# Further variables:
#
#	CELLS		a list of PATTERN:BLOCK:STREAMS:BYTES, see streams.c

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

bench_modules
case " $VARIANTS " in
*" cryptoloop "*)
	below=/dev/mapper/disk-
	make_disks
	;;
*)
	below=
	make_devices
	;;
esac
[ "${SYMBOLS:-no}" = no ] || report_symbols

# the marks themselves are set by streams
round=0
while [ $round -lt "$ROUNDS" ]; do
	for cell in $CELLS; do
		# shellcheck disable=SC2046
		set -- $(echo "$cell" | tr : ' ')
		for variant in $(rotated $round); do
			report "mark $1-$(($2 >> 10))k-$3/$variant/$4"
			report "mark -"
			if [ -n "$below" ]; then
				on_disk "$variant"
				echo 1 >/proc/sys/vm/drop_caches
			fi
			streams "$1" "/dev/mapper/$variant" "$2" "$3" "$4" \
				${below:+"$below$variant"} || exit 1
		done
	done
	round=$((round + 1))
done
for variant in $VARIANTS; do
	take_down "$variant"
	[ -z "$below" ] || dm_remove "disk-$variant"
done
