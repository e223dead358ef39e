# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest, on Debian's kernel: what the driver owes to others.  One thing that
# the chip can't do is no reason to lose the rest, nothing secret stays behind, and a
# board stands still when nobody looks after it.

. /lib.sh
. /hifn.sh

for module in brd dm-crypt acrypto acrypto_capi; do
	modprobe $module
done
eager
make_nodes
# shellcheck disable=SC2046
set -- $(boards)

# failed DEVICE: how many capabilities
failed()
{
	grep -c ' failed$' "$C/$1/capabilities"
}

# retest DEVICE
retest()
{
	echo 1 >"$C/$1/broken"
	await_state "$1" broken
	echo 0 >"$C/$1/broken"
}

# small NAME: dm-crypt on the first MiB of /dev/ram0, on the boards alone
dm_create part "0 2048 linear /dev/ram0 0"
small()
{
	crypt "$1" "capi:acrypto(cbc(aes))-plain64" $KEY /dev/mapper/part
}
dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null

# another kernel was here
arm "$1" left
check "a chip at work: the driver loads" modprobe acrypto_hifn $PATIENT
same "a chip at work: it happens" "$(model "$1" fired)" 1
same "a chip at work: it stands before it may write to memory" "$(model "$1" misuses)" 0
check "a chip at work: all is good" good hifn0
disarm "$1"

# 22 of the capabilities are MACs, alone and behind a cipher
check "the driver goes" rmmod acrypto_hifn
arm "$1" refused-mac 0 0
check "no MACs: the driver loads" modprobe acrypto_hifn $PATIENT
same "no MACs: the board is live" "$(attr hifn0 state)" live
same "no MACs: these are refused" "$(failed hifn0)" 22
same "no MACs: and nothing else" "$(grep failed $C/hifn0/capabilities | grep -vc hmac)" 0
same "no MACs: nor is the other board" "$(failed hifn1)" 0
arm "$1" refused-mac 0 0
retest hifn0
same "no MACs, tested anew: the board is live" "$(attr hifn0 state)" live
same "no MACs, tested anew: these are refused" "$(failed hifn0)" 22
check "no MACs: the board encrypts" small c
before=$(attr hifn0 scompleted)
check "no MACs: written" dd if=/tmp/data of=/dev/mapper/c bs=64k conv=fsync
check "no MACs: by it" await_more "$before" attr hifn0 scompleted
dm_remove c
disarm "$1"
retest hifn0
check "MACs again: all is good" good hifn0

# dead random numbers
check "random numbers" insmod /lib/modules/0.0.0/draw.ko
check "without an error" sh -c "dmesg | grep 'draw: 0$'"
rmmod draw
for board in "$@"; do
	arm "$board" rng
done
dmesg -c >/dev/null
resets=$(model "$1" resets)
insmod /lib/modules/0.0.0/draw.ko
check "dead generators: nobody has numbers" sh -c "dmesg | grep 'draw: -19$'"
rmmod draw
for dev in hifn0 hifn1; do
	check "dead generators: $dev has failed" sh -c "dmesg | grep '$dev: .*random'"
	check "dead generators: $dev is repaired" await_state $dev live
	same "dead generators: $dev hasn't any" \
		"$(grep -c '^rng .*failed$' $C/$dev/capabilities)" 1
	same "dead generators: $dev has all the rest" "$(failed $dev)" 1
done
check "dead generators: there was a reset" [ "$(model "$1" resets)" -gt "$resets" ]
for board in "$@"; do
	disarm "$board"
done
for dev in hifn0 hifn1; do
	retest $dev
	check "numbers again: all of $dev is good" good $dev
done

# keys
no_keys()
{
	[ "$(model "$1" keys)" -eq 0 ] && [ "$(model "$2" keys)" -eq 0 ]
}
check "no key of a self-test is left" until_true no_keys "$1" "$2"
small c
dd if=/tmp/data of=/dev/mapper/c bs=64k conv=fsync 2>/dev/null
check "a key is in commands while it is used" [ "$(model "$1" keys)" -gt 0 ]
dm_remove c
check "none is left when it has gone" until_true no_keys "$1" "$2"

# sleep
if [ -e /sys/power/pm_test ]; then
	echo devices >/sys/power/pm_test
	arm "$1" power 0 0
	arm "$2" power 0 0
	small c
	verified --size=256k --offset_increment=256k --runtime=15
	sleep 2
	dmesg -c >/dev/null
	check "the machine sleeps, with work" sh -c "echo freeze >/sys/power/state"
	check "it was switched off" [ "$(model "$1" fired)" -gt 0 ]
	before=$(attr hifn0 scompleted)
	check "it works again" await_more "$before" attr hifn0 scompleted
	check "all data were right" ended
	refused "no board has failed" sh -c "dmesg | grep 'hifn[01]: \|is broken'"
	dm_remove c
	disarm "$1"
	disarm "$2"
else
	skip "sleep" "this kernel can't try it"
fi

# what is freed; writes that aren't aligned go through the driver's own memory
check "the driver goes" rmmod acrypto_hifn
check "the other module loads" insmod /lib/modules/0.0.0/wiped.ko module=acrypto_hifn
check "the driver comes" modprobe acrypto_hifn $PATIENT
check "the driver goes once more" rmmod acrypto_hifn
rmmod wiped
dmesg | sed -n 's/.*wiped: /# wiped: /p' >&3
check "keys and data are wiped" sh -c "dmesg | grep 'wiped: [1-9][0-9]* freed, 0 of them'"

# no coherent caches
check "a machine with caches of its own" insmod /lib/modules/0.0.0/noncoherent.ko
check "the driver comes on it" modprobe acrypto_hifn $PATIENT
check "nobody reads what is the board's" good hifn0
check "the driver goes from it" rmmod acrypto_hifn
rmmod noncoherent
check "and all went that way" sh -c "dmesg | grep 'noncoherent: [1-9]'"
dm_remove part

# the machine goes down with the boards at work; the host looks at how they end
check "the driver comes at last" modprobe acrypto_hifn $PATIENT
finish
