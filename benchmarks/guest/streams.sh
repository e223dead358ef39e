# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Streams of direct I/O on the bare dm-crypt devices, between marks by which the
# host counts instructions and time.  Further variables:
#
#	CELLS		a list of PATTERN:BLOCK:STREAMS:BYTES, see streams.c

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

bench_modules
make_devices
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
			streams "$1" "/dev/mapper/$variant" "$2" "$3" "$4" || exit 1
		done
	done
	round=$((round + 1))
done
# shellcheck disable=SC2086
dm_remove $VARIANTS
