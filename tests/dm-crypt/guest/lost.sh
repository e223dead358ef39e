# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# Nothing can encrypt: the devices fail, and so does what the kernel has (no_cbc.ko).
# Every write and every read ends with an error, and nothing is lost by that; nor by
# writes for which there is no bio (big_bio.ko).

. /lib.sh
. /core.sh

KEY=2b7e151628aed2a6abf7158809cf4f3c

for module in dm-mod dm-crypt acrypto_soft; do
	modprobe $module
done
# kilobytes
free_memory()
{
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemFree:" { print $2 }' /proc/meminfo
}

# no_clone WHAT: of 200 writes, each of 2 MiB
no_clone()
{
	local node before after

	node=$(dmsetup info -c --noheadings -o major,minor c)
	for count in 1 200; do
		before=$(free_memory)
		dmesg -c >/dev/null
		# it never stays loaded
		insmod /big_bio.ko major="${node%:*}" minor="${node#*:}" count=$count 2>/dev/null
		same "$1: $count writes without a clone end" "$(dmesg |
			sed -n 's/.*big_bio: //p')" \
			"$count writes, the last one ended with -12"
		after=$(free_memory)
	done
	check "$1: no memory is lost: $before KiB free, then $after" \
		[ $((before - after)) -lt 100 ]
}

for way in acrypto stock; do
	check "$way: a table" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0 $way || finish
	no_clone "$way"
	check "$way: the target goes" dm_remove c
done

modprobe acrypto_sim devices=1
soft break
check "the kernel's cipher fails from now on" insmod /no_cbc.ko || finish
sim fail_every 0 1

finished()
{
	cat /sys/class/acrypto/sim0/sfinished
}

# failing WHAT ARGUMENT...: several times as much as there is memory
failing()
{
	local what="$1" n=0 failed=0 before after

	shift
	dd "$@" 2>/dev/null
	before=$(free_memory)
	while [ $n -lt 400 ]; do
		n=$((n + 1))
		dd "$@" 2>/dev/null || failed=$((failed + 1))
	done
	after=$(free_memory)
	same "$what fails every time" $failed $n
	check "$what: no memory is lost: $before KiB free, then $after" \
		[ $((before - after)) -lt 200 ]
}

for way in acrypto stock; do
	check "$way: a table" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0 $way || finish
	before=$(finished)
	failing "$way: a write" if=/dev/zero of=/dev/mapper/c bs=512k count=1 oflag=direct
	failing "$way: a read" if=/dev/mapper/c of=/dev/null bs=512k count=1 iflag=direct
	if [ $way = acrypto ]; then
		check "devices have failed with it" [ "$(finished)" -gt "$before" ]
	else
		same "no device has seen it" "$(finished)" "$before"
	fi
	check "$way: the target goes" dm_remove c
done
for module in dm-crypt no_cbc acrypto_sim acrypto_soft acrypto; do
	check "$module is unloaded" rmmod $module
done
finish
