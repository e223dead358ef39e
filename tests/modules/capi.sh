# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# The kernel's own users of ciphers on acrypto: "acrypto(cbc(aes))".  Variables:
# CPUS, AES (yes: the CPU has AES instructions).

. /lib.sh
. /capi-lib.sh

KEY128=00112233445566778899aabbccddeeff
KEY192=${KEY128}0123456789abcdef
KEY256=${KEY128}0123456789abcdeffedcba9876543210
# what a table says after "capi:acrypto(" beside its key and its stock name
CIPHERS="cbc(aes) $KEY128
cbc(aes) $KEY192
cbc(aes) $KEY256
ecb(aes) $KEY256
cbc(des3_ede) $KEY192
ecb(des3_ede) $KEY192
cbc(des) 0123456789abcdef
ecb(des) 0123456789abcdef"

# both SESSIONS SPEC KEY DEV: the same data by acrypto and by stock, each way; at
# least so many SESSIONS each (with full queues, requests go the usual way)
both()
{
	local stock="capi:$2" ours="capi:acrypto($2)" mode=-plain64 before

	case $2 in
	ecb*)	mode=-null ;;
	esac
	crypt ours "$ours$mode" "$3" "$4" || return 1
	passed "acrypto($2)" && warm ours || return 1
	before=$(sessions scompleted)
	dd if=/tmp/data of=/dev/mapper/ours bs=64k conv=fsync 2>/dev/null || return 1
	[ "$(sessions scompleted)" -ge $((before + $1)) ] || return 1
	cmp /tmp/data /dev/mapper/ours || return 1
	dm_remove ours || return 1
	crypt theirs "$stock$mode" "$3" "$4" || return 1
	cmp /tmp/data /dev/mapper/theirs || return 1
	dd if=/tmp/other of=/dev/mapper/theirs bs=64k conv=fsync 2>/dev/null || return 1
	dm_remove theirs || return 1
	crypt ours "$ours$mode" "$3" "$4" && warm ours || return 1
	before=$(sessions scompleted)
	cmp /tmp/other /dev/mapper/ours || return 1
	[ "$(sessions scompleted)" -ge $((before + $1)) ] || return 1
	dm_remove ours
}

# busy BEFORE: there have been more sessions
busy()
{
	[ "$(sessions scompleted)" -gt "$1" ]
}

# as many sessions came back as were started
idle()
{
	[ "$(sessions sstarted)" = "$(sessions sfinished)" ]
}

check "modules load" sh -c "modprobe brd && modprobe dm-crypt"
[ "$AES" = no ] || check "AES instructions are there" modprobe aesni-intel
check "acrypto loads" modprobe acrypto_soft
make_nodes
dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
dd if=/dev/urandom of=/tmp/other bs=64k count=64 2>/dev/null
# 4 MiB of brd's 16
dm_create small "0 8192 linear /dev/ram0 0"

check "the front end loads by the name of a cipher" \
	crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY128 /dev/mapper/small
dm_remove ours
echo "$CIPHERS" | while read -r spec key; do
	check "$spec, key of $((${#key} / 2)): passes the kernel's tests, data as stock's" \
		both 8192 "$spec" "$key" /dev/mapper/small || echo >>/tmp/failed
done
[ ! -e /tmp/failed ] || FAILED=$((FAILED + 1))

# what the kernel doesn't have is not looked for with each key
printf '#!/bin/sh\necho "$*" >>/tmp/modprobes\nexec /sbin/modprobe "$@"\n' >/tmp/counted
chmod +x /tmp/counted
modprobe=$(cat /proc/sys/kernel/modprobe)
echo /tmp/counted >/proc/sys/kernel/modprobe
refused "a cipher that nobody has: modprobe is asked" \
	crypt ours "capi:nobody(cbc(aes))-plain64" $KEY128 /dev/mapper/small
check "and that was noticed" grep nobody /tmp/modprobes
rm -f /tmp/modprobes
echo Y >/sys/module/acrypto_capi/parameters/eager
check "a key more" \
	crypt ours "capi:acrypto(cbc(des3_ede))-plain64" $KEY192 /dev/mapper/small
dm_remove ours
refused "it takes no module" cat /tmp/modprobes
echo "$modprobe" >/proc/sys/kernel/modprobe

check "in the caller's context" [ "$(sessions sinlined)" -ge 100000 ]

rmmod acrypto_capi
check "the front end loads again" modprobe acrypto_capi eager=Y
echo Y >/sys/module/acrypto_capi/parameters/queued
before=$(sessions sinlined)
check "by another thread: passes the kernel's tests, data as stock's" \
	both 256 "cbc(aes)" $KEY256 /dev/mapper/small
same "never in the caller's context" "$(sessions sinlined)" "$before"

# under load: what acrypto has is finished, the rest goes the usual way
crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY256 /dev/mapper/small
load()
{
	while [ ! -e /tmp/stop ]; do
		dd if=/tmp/data of=/dev/mapper/ours bs=64k conv=fsync 2>/dev/null &&
			echo 3 >/proc/sys/vm/drop_caches &&
			cmp /tmp/data /dev/mapper/ours || return 1
	done
}
for way in Y N; do
	echo $way >/sys/module/acrypto_capi/parameters/queued
	rm -f /tmp/stop
	load &
	pid=$!
	sleep 1
	echo 0 >/sys/module/acrypto/parameters/enabled
	sleep 1
	echo 1 >/sys/module/acrypto/parameters/enabled
	sleep 1
	check "the provider unloads under load (queued=$way)" rmmod acrypto_soft
	sleep 1
	check "and comes back" modprobe acrypto_soft
	sleep 1
	check "it has work again" until_true busy "$(sessions scompleted)"
	touch /tmp/stop
	check "no data and no error: queued=$way" wait $pid
done
refused "the front end is in use" rmmod acrypto_capi
check "all that was started came back" idle
dm_remove ours small
check "all unloads" sh -c "rmmod acrypto_capi && rmmod acrypto_soft && rmmod acrypto"
finish
