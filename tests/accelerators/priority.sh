# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest, by the instruction clock: a device of limited rate has a queue of
# bulk; sessions of high priority overtake it, others wait for their turn.

. /lib.sh
. /core.sh
. /disk.sh

RATE=4096
BULK=128
PROBES=100
DEPTH=8

for module in aesni-intel acrypto_soft; do
	modprobe $module
done
modprobe acrypto_sim rate_kbs=$RATE depth=$DEPTH qlen=$((BULK + 8)) timeout_ms=60000
soft break

# wait PRIORITY: sets MEDIAN, P99 and LONGEST to microseconds
wait_behind()
{
	kernel_tests latency probes=$PROBES bulk=$BULK probe_priority="$1"
	# shellcheck disable=SC2046
	set -- "$1" $(sed -n 's/.*bytes: median \([0-9]*\), p99 \([0-9]*\), longest \([0-9]*\) us/\1 \2 \3/p' /tmp/said)
	check "priority $1: it was measured" [ $# -eq 4 ] || return
	MEDIAN=$2
	P99=$3
	LONGEST=$4
	report "figure priority $1 $2 $3 $4"
}

wait_behind 16
SAME_MEDIAN=$MEDIAN
SAME=$P99
check "of the same priority they wait for the queue" \
	[ "$SAME_MEDIAN" -ge $(((BULK - DEPTH) * 4 * 1000000 / RATE)) ]
check "and no longer" [ "$SAME" -le $((BULK * 4 * 1000000 / RATE)) ]
wait_behind 31
report "# p99: $((SAME / P99)) times as long without priority"
check "of high priority they overtake it: p99 is 1 / 445 at most" \
	[ $((P99 * 445)) -le "$SAME" ]
# measured: 236 us, and once a tick more
check "and wait for what they are themselves: p99 is 270 us at most" [ "$P99" -le 270 ]
check "none for more than a tick" [ "$LONGEST" -le 4800 ]
rmmod acrypto_sim
finish
