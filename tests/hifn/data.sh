# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: both chips pass their tests; then what dm-crypt writes by them
# alone, without any other device.  /dev/hda is as tests/dm-crypt/disk.py makes it.

. /lib.sh
. /hifn.sh
. /cases.sh

for parameter in clock=66 clock=ext clock=ext19 clock=ext134 clock=pci33x \
	timeout_ms=99 timeout_ms=60001 batch=0 batch=65; do
	dmesg -c >/dev/null
	refused "$parameter is refused" modprobe acrypto_hifn $parameter
	check "and the kernel says why" sh -c "dmesg | grep '${parameter%=*}=.*must be'"
done

check "the driver loads" modprobe acrypto_hifn $PATIENT clock=pci33
same "both chips are devices" "$(cat $C/crypto_sessions/devices)" "hifn0 hifn1"
for dev in hifn0 hifn1; do
	check "$dev passed all its self-tests" good $dev
	same "$dev is live" "$(attr $dev state)" live
	check "$dev delivers random numbers" grep "^rng random " $C/$dev/capabilities
done
cat $C/hifn0/capabilities
for board in $(boards); do
	check "$board: cipher and HMAC in one pass" [ "$(model "$board" fused)" -gt 0 ]
	same "$board: nothing was misused" "$(model "$board" misuses)" 0
	same "$board: nor was a command bad" "$(model "$board" bad)" 0
done

# region NAME CIPHER KEY IVOFFSET NUMBER
region()
{
	dm_create "$1" "0 $REGION crypt $2 $3 $4 /dev/hda $(($5 * REGION))"
}

holds_data()
{
	dd if="/dev/mapper/$1" bs="$2" iflag=direct 2>/dev/null | cmp - /data
}

modprobe dm-crypt
total=$(echo "$CASES" | grep -c .)
n=0
while read -r cipher key offset; do
	[ -n "$cipher" ] || continue
	case $cipher in
	cipher_null*)
		# dm-crypt's own
		region c "$cipher" "$key" "$offset" $n
		dd if=/data of=/dev/mapper/c bs=64k oflag=direct 2>/dev/null
		dm_remove c
		continue
		;;
	esac
	name="$cipher $((${#key} * 4)) from $offset"
	check "$name: table" region c "$cipher" "$key" "$offset" $n || continue
	same "$name: goes to acrypto" "$(dmsetup status c | awk '{ print $4 }')" acrypto
	before=$(attr hifn0 scompleted)
	check "$name: written" dd if=/data of=/dev/mapper/c bs=64k oflag=direct
	check "$name: by the board" [ "$(attr hifn0 scompleted)" -gt "$before" ]
	check "$name: read back" holds_data c 20k
	dm_remove c
	region c "$cipher" "$key" "$offset" $((total + n))
	check "$name: reads what OpenSSL wrote" holds_data c 32k
	dm_remove c
	n=$((n + 1))
done <<END
$CASES
END
region c aes-cbc-essiv:sha256 $KEY 0 $((total * 2))
for seed in 1 2; do
	check "odd vectors, seed $seed" vectors /dev/mapper/c $((REGION * 512)) $seed 300
done
dm_remove c

# weak keys are left to others
for key in 0101010101010101 1f1f1f1f0e0e0e0e e0fee0fef1fef1fe; do
	region c des-cbc-plain $key 0 $((total * 2))
	same "$key is weak: not for the board" "$(dmsetup status c | awk '{ print $4 }')" stock
	dm_remove c
done

for board in $(boards); do
	same "$board: nothing was misused" "$(model "$board" misuses)" 0
	same "$board: no access was refused" "$(model "$board" aborts)" 0
	interrupts=$(model "$board" interrupts)
	commands=$(model "$board" commands)
	report "# $board: $commands commands, $interrupts interrupts, $(model "$board" doorbells) doorbells"
	check "$board: many commands for each interrupt" \
		[ "$commands" -gt $((4 * interrupts)) ]
done
same "no session is left" "$(cat $C/*/sessions | sort -u)" 0
check "the driver goes" rmmod acrypto_hifn
same "and its devices" "$(cat $C/crypto_sessions/devices)" ""
check "with one command for each interrupt" modprobe acrypto_hifn $PATIENT batch=1
check "it passes its tests, too" good hifn0
check "the driver goes again" rmmod acrypto_hifn
check "and the core" sh -c "rmmod dm-crypt; rmmod acrypto"
finish
