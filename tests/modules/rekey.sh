# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# What it costs to give keys to many transforms, through acrypto and without:
# a key change waits for nobody, so it takes no more than twice as long, nor does
# the first use of the front end.  Variables: CPUS, AES (yes: the CPU has AES
# instructions).

. /lib.sh
. /core.sh
. /capi-lib.sh

# cost ALGORITHM: nanoseconds for the key changes of TFMS transforms
cost()
{
	dmesg -c >/dev/null
	insmod /lib/modules/0.0.0/rekey.ko test=time alg="$1" count=$TFMS 2>/dev/null
	dmesg | sed -n 's/.*rekey: time: .* first, \([0-9]*\) again/\1/p'
}

# twice STOCK OURS
twice()
{
	report "# $TFMS key changes: stock $1 ns, acrypto $2 ns"
	[ -n "$1" ] && [ -n "$2" ] && [ "$2" -le $((2 * $1)) ]
}

TFMS=10000
check "modules load" modprobe acrypto_capi
check "the software provider loads" modprobe acrypto_soft
if [ "$AES" = yes ]; then
	check "AES instructions are there" modprobe aesni-intel
fi
before=$(cut -d. -f1 /proc/uptime)
cost "acrypto(cbc(aes))" >/dev/null
report "# first use and $TFMS transforms: $(($(cut -d. -f1 /proc/uptime) - before)) s"
stock=$(cost "cbc(aes)")
ours=$(cost "acrypto(cbc(aes))")
check "keys of $TFMS transforms change within twice stock's time" \
	twice "$stock" "$ours"
check "all unloads" sh -c "rmmod acrypto_capi && rmmod acrypto_soft && rmmod acrypto"
finish
