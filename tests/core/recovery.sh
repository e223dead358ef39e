# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: devices die, take their time to be reset, fail their repair, and go
# while they are repaired.
# DEATHS: of the test's own devices.  TURNS: contexts that are made and freed.
# SEED: of the random numbers.  RESET: seconds that a device takes (10).
# TURN_US: microseconds that a context may take.

. /lib.sh
. /core.sh

CLASS=/sys/class/acrypto
: "${RESET:=10}"
# Exact by the instruction clock, which is for one CPU alone: on 2.6.20 a context takes
# 11 us, a device's end 11 ms, to which a tick may come.  With more CPUs the host's clock
# runs, and a busy host lets either wait for its other work.
case $(grep -c ^processor /proc/cpuinfo)-$(uname -r) in
1-2.*)	: "${TURN_US:=13}"; MOVE_MS=15 ;;
1-*)	: "${TURN_US:=2000}"; MOVE_MS=20 ;;
*)	: "${TURN_US:=2000}"; MOVE_MS=500 ;;
esac

# seconds_since HUNDREDTHS
seconds_since()
{
	echo $((($(now) - $1) / 100))
}

modprobe acrypto
kernel_tests death deaths="$DEATHS" seed="$SEED"
modprobe acrypto_soft

report "# many contexts"
modprobe acrypto_sim devices=8
kernel_tests contexts turns="$TURNS" turn_us="$TURN_US" kept=12000 move_ms=$MOVE_MS
rmmod acrypto_sim

report "# a device takes $RESET seconds to be reset"
modprobe acrypto_sim devices=3 timeout_ms=0,500,0
sim reset_ms 0 "${RESET}000"
stress errors=1
START=$(now)
echo 1 >$CLASS/sim0/broken
check "it is broken" await_state sim0 broken
sim hang 1 1
check "meanwhile one that hangs is found dead" await_state sim1 broken
sim hang 1 0
same "and repaired" "$(repair sim1)" live
break_device sim2
same "another is broken and repaired" "$(repair sim2)" live
SPENT=$(seconds_since "$START")
report "# all that took $SPENT s"
check "nothing of that waited for the reset" [ "$SPENT" -lt $((RESET - 2)) ]
stress_end
same "the device that took so long is repaired" "$(repair sim0)" live
START=$(now)
break_device sim0
kernel_tests nest
SPENT=$(seconds_since "$START")
report "# devices that came and went took $SPENT s"
check "nor did they wait for it" [ "$SPENT" -lt $((RESET - 2)) ]
sim reset_ms 0 0
rmmod acrypto_sim

report "# a repair fails, again and again, under load"
modprobe acrypto_sim devices=2 kind=0,3
stress
N=0
FAILED_AGAIN=0
while [ $N -lt 8 ]; do
	N=$((N + 1))
	break_device sim1
	sim corrupt_every 1 1
	echo 0 2>/dev/null >$CLASS/sim1/broken || FAILED_AGAIN=$((FAILED_AGAIN + 1))
	[ "$(state sim1)" = broken ] || FAILED_AGAIN=0
	sim corrupt_every 1 0
	[ "$(repair sim1)" = live ] || FAILED_AGAIN=0
done
same "it leaves the device broken" $FAILED_AGAIN 8
stress_end

report "# devices go while they are repaired"
N=0
while [ $N -lt 8 ]; do
	N=$((N + 1))
	while echo 1 >$CLASS/sim0/broken && echo 0 >$CLASS/sim0/broken; do
		:
	done 2>/dev/null &
	sleep 0.$N
	check "they go, $N" rmmod acrypto_sim
	wait $!
	modprobe acrypto_sim devices=2
done

for dev in "$CLASS"/s*[0-9]; do
	same "nothing is left on ${dev##*/}" "$(cat "$dev/sessions")" 0
done
check "everything is unloaded" rmmod acrypto_sim acrypto_soft acrypto
finish
