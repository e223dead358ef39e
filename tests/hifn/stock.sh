# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: the boards on a kernel that knows nothing of acrypto, and removed
# from the bus under load.

. /lib.sh
. /hifn.sh

for module in brd dm-crypt acrypto_capi; do
	check "$module loads" modprobe $module
done
eager
make_nodes
check "the driver loads" modprobe acrypto_hifn $PATIENT
same "both boards are devices" "$(cat $C/crypto_sessions/devices)" "hifn0 hifn1"
for dev in hifn0 hifn1; do
	check "$dev passed all its self-tests" good $dev
done
for board in $(boards); do
	same "$board: nothing was misused" "$(model "$board" misuses)" 0
	same "$board: nor was a command bad" "$(model "$board" bad)" 0
done

# the kernel's own tests and data, with no other device
dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
dm_create small "0 2048 linear /dev/ram0 0"
for cipher in "cbc(aes) $KEY" "cbc(des3_ede) 0123456789abcdef23456789abcdef01456789abcdef0123"; do
	name=${cipher% *}
	check "$name: table" crypt ours "capi:acrypto($name)-plain64" "${cipher#* }" \
		/dev/mapper/small
	before=$(attr hifn0 scompleted)
	check "$name: written" dd if=/tmp/data of=/dev/mapper/ours bs=64k conv=fsync
	check "$name: by the boards" [ "$(attr hifn0 scompleted)" -gt "$before" ]
	dm_remove ours
	crypt theirs "capi:$name-plain64" "${cipher#* }" /dev/mapper/small
	check "$name: stock reads it" cmp /tmp/data /dev/mapper/theirs
	dm_remove theirs
done
same "the kernel's own tests passed" \
	"$(grep -A 6 '^driver *: acrypto(' /proc/crypto | grep -c 'selftest *: passed')" \
	"$(grep -c '^driver *: acrypto(' /proc/crypto)"
dm_remove small

# a board is taken from the bus under load, and is found again
modprobe acrypto_soft
crypt c "capi:acrypto(cbc(aes))-plain64" $KEY /dev/ram0
first=$(boards | head -n 1)
verified --size=3m --offset_increment=3m --runtime=3600
sleep 1
check "the board goes" sh -c "echo 1 >/sys/bus/pci/devices/$first/remove"
refused "and its device" grep hifn0 $C/crypto_sessions/devices
sleep 1
# this machine's firmware doesn't route the interrupt of a board that comes back:
# the driver's watch does without, slowly
check "the bus is looked through" sh -c "echo 1 >/sys/bus/pci/rescan"
check "the board is back" until_true has_state hifn0 live
sleep 1
check "the load still ran" running
check "the driver goes under load" rmmod acrypto_hifn
sleep 1
check "all data were right" stopped
refused "no error in the log" sh -c "dmesg | grep -i 'i/o error\|corrupt'"
dm_remove c
check "all is unloaded" rmmod acrypto_capi acrypto_soft acrypto
finish
