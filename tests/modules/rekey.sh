# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# What it costs to give keys to many transforms, through acrypto and without.  A
# key change waits for nobody, and for no grace period; it took milliseconds once.
# Variables: CPUS, AES (yes: the CPU has AES instructions).

. /lib.sh
. /core.sh
. /capi-lib.sh

# cost ALGORITHM: nanoseconds for the key changes of TFMS transforms; the shell loads
# what fails twice
cost()
{
	dmesg -c >/dev/null
	insmod /lib/modules/0.0.0/rekey.ko test=time alg="$1" count=$TFMS 2>/dev/null
	dmesg | sed -n 's/.*rekey: time: .* first, \([0-9]*\) again/\1/p' | tail -n 1
}

# cheap STOCK OURS: at most 35 us each
cheap()
{
	report "# nanoseconds for a key change: stock $(($1 / TFMS)), acrypto $(($2 / TFMS))"
	[ "$2" -gt 0 ] && [ "$2" -le $((35000 * TFMS)) ]
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
check "keys of $TFMS transforms change, each by itself" cheap "$stock" "$ours"
check "all unloads" sh -c "rmmod acrypto_capi && rmmod acrypto_soft && rmmod acrypto"
finish
