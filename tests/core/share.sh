# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest, by the instruction clock: two devices of limited rate do
# nearly twice the work of one, for a single stream of dm-crypt.

. /lib.sh
. /core.sh

KEY=000102030405060708090a0b0c0d0e0f
RATE=2048
MB=6
for module in dm-mod dm-crypt acrypto_soft; do
	modprobe $module
done
dd if=/dev/urandom of=/tmp/data bs=1M count=$MB

# measure DEVICES: sets WRITE and READ to hundredths of a second
measure()
{
	modprobe acrypto_sim devices="$1" kind=1,1 rate_kbs=$RATE,$RATE
	break_device soft0
	crypt acrypto aes-cbc-essiv:sha256 $KEY /dev/ram0 acrypto
	make_nodes
	WRITE=$(now)
	dd if=/tmp/data of=/dev/mapper/acrypto bs=${MB}M oflag=direct
	WRITE=$(($(now) - WRITE))
	READ=$(now)
	dd if=/dev/mapper/acrypto of=/tmp/back bs=${MB}M count=1 iflag=direct
	READ=$(($(now) - READ))
	check "$1 device(s): the data are right" cmp /tmp/data /tmp/back
	dm_remove acrypto
	report "# $1 device(s) of $RATE KiB/s: $MB MiB written in ${WRITE}0 ms, read in ${READ}0 ms"
	rmmod acrypto_sim
	repair soft0
}

measure 1
WRITE1=$WRITE
READ1=$READ
check "one keeps its rate, writing" keeps_rate "$WRITE"
check "and reading" keeps_rate "$READ"
measure 2
report "# two devices: $((WRITE1 * 100 / WRITE)) % of one writing, $((READ1 * 100 / READ)) % reading"
check "two devices write 1.9 times as fast" [ $((WRITE1 * 10)) -ge $((WRITE * 19)) ]
check "and read" [ $((READ1 * 10)) -ge $((READ * 19)) ]
finish
