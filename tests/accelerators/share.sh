# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest, by the instruction clock: two devices of limited rate do
# nearly twice the work of one, for a single stream of dm-crypt; four, nearly
# four times.

. /lib.sh
. /core.sh
. /disk.sh

RATE=1024
MB=4
for module in brd dm-crypt aesni-intel acrypto_soft acrypto_capi; do
	modprobe $module
done
eager
make_nodes
dd if=/dev/urandom of=/tmp/data bs=1M count=$MB

# measure DEVICES: sets WRITE and READ to hundredths of a second
measure()
{
	local list=$RATE i=1

	while [ $i -lt "$1" ]; do
		list=$list,$RATE
		i=$((i + 1))
	done
	# room for all of the stream: nothing goes the usual way
	modprobe acrypto_sim devices="$1" kind=1,1,1,1 rate_kbs="$list" \
		qlen=4096,4096,4096,4096 timeout_ms=60000,60000,60000,60000
	soft break
	disks
	WRITE=$(now)
	dd if=/tmp/data of=/dev/mapper/acrypto bs=${MB}M oflag=direct
	WRITE=$(($(now) - WRITE))
	check "$1 device(s): stock code reads what was written" \
		sh -c "dd if=/dev/mapper/stock bs=${MB}M count=1 iflag=direct | cmp - /tmp/data"
	READ=$(now)
	dd if=/dev/mapper/acrypto of=/tmp/back bs=${MB}M count=1 iflag=direct
	READ=$(($(now) - READ))
	check "$1 device(s): the data are right" cmp /tmp/data /tmp/back
	disks_gone
	report "# $1 device(s) of $RATE KiB/s: $MB MiB written in ${WRITE}0 ms, read in ${READ}0 ms"
	report "figure share $1 $((MB * 102400 / WRITE)) $((MB * 102400 / READ))"
	rmmod acrypto_sim
	soft repair
}

# faster PERCENT TIMES: at least
faster()
{
	check "$2 times as fast: at least $1 % of that, writing" \
		[ $((WRITE1 * 100)) -ge $((WRITE * $2 * $1)) ]
	check "and reading" [ $((READ1 * 100)) -ge $((READ * $2 * $1)) ]
}

measure 1
WRITE1=$WRITE
READ1=$READ
check "one keeps its rate, writing" keeps_rate "$WRITE"
check "and reading" keeps_rate "$READ"
measure 2
report "# two devices: $((WRITE1 * 100 / WRITE)) % of one writing, $((READ1 * 100 / READ)) % reading"
faster 97 2
measure 4
report "# four devices: $((WRITE1 * 100 / WRITE)) % of one writing, $((READ1 * 100 / READ)) % reading"
faster 95 4
finish
