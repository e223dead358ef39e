# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# fio with direct I/O on the bare dm-crypt devices.  Further variables:
#
#	CELLS		a list of PATTERN:BLOCK:STREAMS, fio's words
#	RUNTIME		milliseconds of each run, by the guest's clock
#	AMOUNT		if set, megabytes of each run instead, and the time is told
#			by the time stamp counter (see ticks.c)

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

bench_modules
make_devices
mhz=$(sed -n 's/^cpu MHz[^:]*: \([0-9]*\).*/\1/p' /proc/cpuinfo | head -n 1)

# run PATTERN BLOCK STREAMS VARIANT EXTRA...
run()
{
	local pattern="$1" block="$2" streams="$3" variant="$4" part

	shift 4
	part=$((MEGABYTES / streams))m
	fio --name=cell --filename="/dev/mapper/$variant" --thread --direct=1 \
		--ioengine=psync --rw="$pattern" --bs="$block" \
		--numjobs="$streams" --size=$part --offset_increment=$part \
		--group_reporting --randrepeat=1 --norandommap --gtod_reduce=1 \
		--scramble_buffers=0 --clocksource=clock_gettime --minimal \
		--output=/tmp/fio "$@" || {
		report "fio failed: $pattern $block $streams $variant"
		exit 1
	}
}

# KiB/s from fio's terse output: kilobytes done and milliseconds taken
speed()
{
	case $1 in
	*read) awk -F';' '/^3;/ { printf "%.1f", $6 * 1000 / $9 }' /tmp/fio ;;
	*) awk -F';' '/^3;/ { printf "%.1f", $47 * 1000 / $50 }' /tmp/fio ;;
	esac
}

for cell in $CELLS; do
	pattern="${cell%%:*}"
	streams="${cell##*:}"
	block="${cell#*:}"
	block="${block%:*}"
	name="$pattern-$block-$streams"
	round=0
	while [ $round -lt "$ROUNDS" ]; do
		for variant in $(rotated $round); do
			if [ -n "${AMOUNT:-}" ]; then
				start=$(ticks)
				run "$pattern" "$block" "$streams" "$variant" \
					--io_size=$((AMOUNT / streams))m
				end=$(ticks)
				sample "$name" "$variant" "$(per_second \
					$((AMOUNT << 20)) \
					$(((end - start) * 1000 / mhz)))" KiB/s
			else
				run "$pattern" "$block" "$streams" "$variant" \
					--time_based --runtime="${RUNTIME}ms"
				sample "$name" "$variant" "$(speed "$pattern")" KiB/s
			fi
		done
		round=$((round + 1))
	done
done
# shellcheck disable=SC2086
dm_remove $VARIANTS
