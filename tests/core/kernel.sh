# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: the tests of the module acrypto_test, one after the other.

. /lib.sh
. /core.sh

modprobe acrypto
kernel_tests hand
kernel_tests nest

# callbacks without end: the module sees whether others have the CPU, and so does
# this shell
in_background forever seconds=2
TURNS=0
while kill -0 "$RUNNING" 2>/dev/null; do
	sleep 0.1
	TURNS=$((TURNS + 1))
done
background_end
report "# forever: the shell slept $TURNS times"
check "a shell works meanwhile" [ $TURNS -ge 15 ]

modprobe acrypto_soft
kernel_tests right

# each can do one half of the route
modprobe acrypto_sim devices=2 kind=1,2 latency_us=3000,9000
kernel_tests right
kernel_tests route
rmmod acrypto_sim

modprobe acrypto_sim devices=2 latency_us=0,20000
kernel_tests right
kernel_tests bound
kernel_tests flow
rmmod acrypto_sim

modprobe acrypto_sim qlen=16 depth=8 rate_kbs=4096
kernel_tests room room=24
rmmod acrypto_sim

# the watchdog: a device that hangs, and one that loses every ninth answer.  Where
# the CPU is slow, its own device is always free when a session comes: without it.
modprobe acrypto_sim devices=2 timeout_ms=500,500
for dev in /sys/class/acrypto/soft*; do
	break_device "${dev##*/}"
done
sim hang 0 1
kernel_tests watch
sim hang 0 0
same "a device that hung can be repaired" "$(repair sim0)" live
sim lose_every 0 9
kernel_tests watch
sim lose_every 0 0
same "a device that lost answers can be repaired" "$(repair sim0)" live
sim fail_every 0 1
same "a device that fails its self-tests stays broken" \
	"$(break_device sim0; repair sim0)" broken
sim fail_every 0 0
sim corrupt_every 0 1
repair sim0
check "a capability that gives wrong answers is refused" \
	grep "^encrypt aes-128 cbc .* failed$" /sys/class/acrypto/sim0/capabilities
same "and random numbers are never wrong" "$(state sim0)" live
sim corrupt_every 0 0
break_device sim0
same "it is repaired when they are right" "$(repair sim0)" live
refused "with all its capabilities" \
	grep failed /sys/class/acrypto/sim0/capabilities
rmmod acrypto_sim

modprobe acrypto_sim fail_every=1 2>/dev/null
refused "a device that always fails is not registered" \
	test -e /sys/class/acrypto/sim0

check "everything is unloaded" rmmod acrypto_soft acrypto
finish
