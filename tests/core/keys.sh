# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: is any key, or what was encrypted with it, left in memory when nobody
# uses it any more?  The host looks (memory.py).  Before that: sessions whose lists are
# shorter than they say are refused.
# PROVIDER: soft, padlock or hifn.  KINDS: of keys that it must have.

. /lib.sh
. /core.sh

DEVICE=${PROVIDER}0
ONE=8d1fc39b6427e05ab1730cf84d92a63e
OTHER=3bc2910f6a77d4e80529be61f3180ca6
DATA=-data@0

# look WHAT KEY...: see memory.py.  The machine stops until the host has looked.
mknod /dev/port c 1 4
printf '\001' >/tmp/one
look()
{
	local name=$1

	shift
	# what is freed by and by
	sleep 1
	echo "<6>look: $name: $*" >/dev/kmsg
	dd if=/tmp/one of=/dev/port bs=1 seek=$((0x505)) conv=notrunc 2>/dev/null
}

# each SIGN ROUND: the keys that the module has used, with a sign
each()
{
	dmesg | sed -n "s/.*acrypto_test: keys$2: \([^ ]*\) 0\$/$1\1/p" | xargs
}

# macs SIGN: what the HMACs of the data are; a cipher's second key has none of these
macs()
{
	local key number

	for key in $(each '' 0); do
		number=${key#*@}
		case $key in
		sha*)	[ $((number % 4)) -ne 1 ] || printf '%s ' "$1${key%@*}-mac@$number" ;;
		esac
	done
}

at_step()
{
	dmesg | grep -q "acrypto_test: keys: step $1\$"
}

step()
{
	echo "$1" >/sys/module/acrypto_test/parameters/step
	check "step $1" until_true at_step "$1"
}

[ -e /dev/kmsg ] || mknod /dev/kmsg c 1 11
for module in brd dm-mod dm-crypt acrypto_capi; do
	modprobe $module 2>/dev/null
done
check "the provider loads" modprobe "acrypto_$PROVIDER"
make_nodes
[ ! -e /sys/module/acrypto_capi ] || eager

kernel_tests short

# --- contexts ------------------------------------------------------------------------

dmesg -c >/dev/null
modprobe acrypto_test tests=keys device="$DEVICE" &
RUNNING=$!
check "step 0" until_true at_step 0
same "kinds of keys" "$(each '' 0 | tr ' ' '\n' | sed 's/@.*//' | xargs)" "$KINDS"
same "no session has failed" \
	"$(dmesg | grep -c 'acrypto_test: keys[01]: .* -[0-9]*$')" 0
# shellcheck disable=SC2046
look "keys in use, and data" +data@0 $(macs +) $(each + 0)
step 1
DATA="$DATA $(macs -)"
# shellcheck disable=SC2046,SC2086
look "keys in use, data are gone" $DATA $(each + 0)
step 2
# shellcheck disable=SC2046,SC2086
look "the keys have changed" $DATA $(each - 0) $(each + 1)
step 3
OLD="$(each - 0) $(each - 1)"
# shellcheck disable=SC2086
look "no context is left" $DATA $OLD
step 4
wait $RUNNING
kernel_results
check "the test goes" rmmod acrypto_test

# --- a disk --------------------------------------------------------------------------

# over a device as big as the data, which the page cache forgets
dm_create small "0 2048 linear /dev/ram0 0"
case $(uname -r) in
2.*)	CIPHER=aes-cbc-plain ;;
*)	CIPHER="capi:acrypto(cbc(aes))-plain64" ;;
esac

# 2.6.20 takes the message "key set" and goes on with the old key
new_key()
{
	case $(uname -r) in
	2.*)
		dmsetup reload c --table "0 2048 crypt $CIPHER $1 0 /dev/mapper/small 0"
		;;
	*)
		dmsetup suspend --noudevsync c &&
			dmsetup message c 0 key wipe &&
			dmsetup message c 0 key set "$1"
		;;
	esac && dmsetup resume --noudevsync --noudevrules c
}

crypted()
{
	local before

	before=$(counter sstarted "$PROVIDER*")
	dd if=/dev/zero of=/dev/mapper/c bs=64k count=4 oflag=direct 2>/dev/null &&
		dd if=/dev/mapper/c of=/dev/null bs=64k count=4 iflag=direct 2>/dev/null &&
		[ "$(counter sstarted "$PROVIDER*")" -gt "$before" ]
}
check "a disk" crypt c "$CIPHER" $ONE /dev/mapper/small
check "is used" crypted
look "the key of a disk" +aes128=$ONE
check "it gets another" new_key $OTHER
check "and is used on" crypted
look "the key of the disk has changed" -aes128=$ONE +aes128=$OTHER
check "the disk goes" dm_remove c
look "the disk is gone" -aes128=$ONE -aes128=$OTHER
dm_remove small

check "the provider goes" rmmod "acrypto_$PROVIDER"
# shellcheck disable=SC2086
look "the provider is gone" $DATA $OLD -aes128=$ONE -aes128=$OTHER
finish
