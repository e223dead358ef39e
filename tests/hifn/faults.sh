# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091,SC2046,SC2086
#
# In the guest: whatever the boards do, verified I/O goes on and is right.

. /lib.sh
. /hifn.sh

for module in dm-mod dm-crypt acrypto_soft; do
	modprobe $module
done
modprobe acrypto_hifn $PATIENT
soft break
set -- $(boards)
check "dm-crypt on both boards" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0

# the boards share the work; self-tests have counted, too
first=$(attr hifn0 scompleted)
second=$(attr hifn1 scompleted)
verified --runtime=4
check "nothing goes wrong" ended
check "hifn0 did its share" [ $(($(attr hifn0 scompleted) - first)) -gt 100 ]
check "hifn1 did its share" [ $(($(attr hifn1 scompleted) - second)) -gt 100 ]

# trouble NAME BOARD DEVICE FAULT AFTER TIMES: and the device is broken by it
trouble()
{
	local before fired moved

	before=$(model "$2" resets)
	fired=$(model "$2" fired)
	moved=$(attr "$3" smoved)
	verified --runtime=3600
	sleep 1
	arm "$2" "$4" "$5" 1 "${6:-3}"
	check "$1: it happens" await_more "$fired" model "$2" fired
	check "$1: leads to a reset" await_more "$before" model "$2" resets
	check "$1: and the board is repaired" await_state "$3" live
	report "# $1: $(($(attr "$3" smoved) - moved)) sessions went elsewhere"
	arm "$2" "$4" 300 1 "${6:-3}"
	check "$1: once more" await_more $((fired + 1)) model "$2" fired
	sleep 1
	check "$1: repaired once more" await_state "$3" live
	sleep 1
	check "$1: the load still ran" running
	check "$1: all data were right" stopped
}

trouble "an abort" "$1" hifn0 abort 50
trouble "an abort in the ring of commands" "$2" hifn1 master-abort 50 0
trouble "an overflow" "$1" hifn0 overflow 50
trouble "a command that is not understood" "$2" hifn1 bad-command 50
trouble "a chip that is stuck" "$1" hifn0 stuck 50

# a lost interrupt costs time alone
verified --runtime=6
sleep 1
resets=$(model "$1" resets)
arm "$1" lost-interrupt 20 10
check "lost interrupts: data were right" ended
check "lost interrupts: they were" [ "$(model "$1" fired)" -gt 5 ]
same "lost interrupts: no reset" "$(model "$1" resets)" "$resets"
same "lost interrupts: the board is live" "$(attr hifn0 state)" live
disarm "$1"

# a board that goes wrong is not taken back
arm "$1" corrupt 0 0
echo 1 >$C/hifn0/broken
await_state hifn0 broken
echo 0 >$C/hifn0/broken
same "wrong results are found by the self-tests" \
	"$(grep -c failed $C/hifn0/capabilities)" $((HIFN_CAPS - 1))
disarm "$1"
echo 1 >$C/hifn0/broken
await_state hifn0 broken
echo 0 >$C/hifn0/broken
check "and right ones, too" good hifn0

# the driver goes and comes under load
soft repair
verified --runtime=3600
sleep 1
for n in 1 2 3; do
	check "the driver goes under load, $n" rmmod acrypto_hifn
	sleep 1
	check "and comes back, $n" modprobe acrypto_hifn $PATIENT
	sleep 1
done
check "with its share of the work" \
	await_more "$(attr hifn0 scompleted)" attr hifn0 scompleted
check "the load still ran" running
check "all data were right" stopped

# a board is pulled
verified --runtime=3600
sleep 1
arm "$2" dead
check "a dead board is found out" await_state hifn1 broken
sleep 2
check "the load still ran" running
check "all data were right" stopped
same "it stays broken" "$(attr hifn1 state)" broken

same "no session is left" "$(cat $C/*/sessions | sort -u)" 0
for dev in hifn0 hifn1; do
	check "$dev: each session came back or went elsewhere" \
		[ "$(attr $dev sstarted)" -le $(($(attr $dev sfinished) + $(attr $dev smoved))) ]
done
refused "no error in the log" sh -c "dmesg | grep -i 'i/o error'"
dm_remove c
check "all is unloaded" rmmod dm-crypt acrypto_hifn acrypto_soft acrypto
finish
