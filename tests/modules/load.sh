# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# acrypto's modules on a kernel that knows nothing of them.  Variables: CPUS,
# AES (yes: the CPU has AES instructions), SEED of the random numbers.

. /lib.sh
. /core.sh

CLASS=/sys/class/acrypto
PARAMETER=/sys/module/acrypto/parameters/enabled

all_devices()
{
	local cpu=0 list=

	while [ $cpu -lt "$CPUS" ]; do
		list="$list${list:+ }soft$cpu"
		cpu=$((cpu + 1))
	done
	echo "$list"
}

capabilities_good()
{
	[ "$(wc -l <$CLASS/"$1"/capabilities)" = 60 ] || return 1
	# none failed, each with a rate
	awk '$NF !~ /^[1-9][0-9]*$/ { print; bad = 1 } END { exit bad }' \
		$CLASS/"$1"/capabilities
}

# cpu1 0|1: the second CPU goes or comes
cpu1()
{
	echo "$1" >/sys/devices/system/cpu/cpu1/online
}

# as the boot scripts of a real machine do for its CPU
[ "$AES" = no ] || check "AES instructions are there" modprobe aesni-intel
check "the core loads" modprobe acrypto
same "no devices yet" "$(cat $CLASS/crypto_sessions/devices)" ""
same "the switch is on" "$(cat $PARAMETER)" 1
check "the software provider loads" modprobe acrypto_soft
same "a device for each CPU" "$(cat $CLASS/crypto_sessions/devices)" \
	"$(all_devices)"
for dev in $(all_devices); do
	check "$dev passed all its self-tests" capabilities_good "$dev"
	same "$dev is live" "$(cat $CLASS/"$dev"/state)" live
	same "$dev has the driver soft" "$(cat $CLASS/"$dev"/driver)" soft
	check "$dev completed what it started" \
		[ "$(cat $CLASS/"$dev"/scompleted)" = "$(cat $CLASS/"$dev"/sstarted)" ]
done
refused "no error in the log" sh -c \
	"dmesg | grep 'acrypto.*\(fail\|error\|not there\)' | grep -v verification"
report "rate $AES $(awk '$1 $2 $3 == "decryptaes-128cbc" { print $4 }' \
	$CLASS/soft0/capabilities)"

same "simple_lb is the balancer" "$(cat $CLASS/crypto_sessions/lbs)" \
	"([simple_lb])"
check "another balancer loads" modprobe acrypto_lb_rr
check "and is selected" sh -c "echo round_robin >$CLASS/crypto_sessions/lbs"
same "the balancer is switched" "$(cat $CLASS/crypto_sessions/lbs)" \
	"(simple_lb) [round_robin]"
refused "an unknown balancer is refused" \
	sh -c "echo none >$CLASS/crypto_sessions/lbs"

check "a device is taken out" sh -c "echo 1 >$CLASS/soft0/broken"
check "it is broken then" await_state soft0 broken
check "it is repaired" sh -c "echo 0 >$CLASS/soft0/broken"
same "it is live again" "$(cat $CLASS/soft0/state)" live
check "and passed its self-tests again" capabilities_good soft0
refused "what is not broken can't be repaired" \
	sh -c "echo 0 >$CLASS/soft0/broken"

if [ "$CPUS" -gt 1 ]; then
	check "a CPU goes" cpu1 0
	check "its device is taken out" sh -c "echo 1 >$CLASS/soft1/broken"
	check "it is broken then, too" await_state soft1 broken
	check "repaired, it works on another CPU" \
		sh -c "echo 0 >$CLASS/soft1/broken"
	check "and passes its self-tests there" capabilities_good soft1
	check "the CPU comes back" cpu1 1

	# round_robin gives the device work, too, while its CPU is away
	stress threads=4
	for n in 1 2 3; do
		check "the CPU goes under load, $n" cpu1 0
		sleep 0.3
		check "and comes back, $n" cpu1 1
		sleep 0.3
	done
	check "it goes once more" cpu1 0
	stress_end
	check "and comes back when the work is done" cpu1 1
	for dev in $(all_devices); do
		same "nothing is left on $dev" "$(cat $CLASS/"$dev"/sessions)" 0
	done
fi

check "the balancer unloads" rmmod acrypto_lb_rr
same "the default took over" "$(cat $CLASS/crypto_sessions/lbs)" \
	"([simple_lb])"
refused "the core is in use" rmmod acrypto
check "the provider unloads" rmmod acrypto_soft
same "its devices are gone" "$(cat $CLASS/crypto_sessions/devices)" ""
if [ "$CPUS" -gt 1 ]; then
	cpu1 0
	check "the provider loads while a CPU is away" modprobe acrypto_soft
	same "which has no device" "$(cat $CLASS/crypto_sessions/devices)" soft0
	cpu1 1
	check "but gets one when it comes" await_state soft1 live
	same "and there are as many as CPUs" "$(cat $CLASS/crypto_sessions/devices)" "$(all_devices)"
	check "it passed all its self-tests" capabilities_good soft1
	check "the provider unloads" rmmod acrypto_soft
fi
check "it loads while switched off" sh -c "echo 0 >$PARAMETER; modprobe acrypto_soft"
check "and passes its self-tests" capabilities_good soft0
check "the provider unloads again" rmmod acrypto_soft
check "the core unloads" rmmod acrypto
refused "nothing is left in sysfs" [ -e $CLASS ]
for n in 1 2 3; do
	check "loading and unloading, $n" sh -c \
		"modprobe acrypto_soft && rmmod acrypto_soft && rmmod acrypto"
done
finish
