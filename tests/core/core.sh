# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What this suite's guests share with those of padlock and modules, as /core.sh.
#
#	kernel_tests TEST [PARAMETER]...	run tests of acrypto_test
#	stress [PARAMETER]...			start the one called stress
#	stress_end				end it, report
#	sim PARAMETER DEVICE VALUE		set it, of a simulated device
#	state DEVICE				what sysfs says
#	await_state DEVICE STATE		within 20 seconds
#	break_device DEVICE			and wait until it is
#	repair DEVICE				print the state that it has then

# what the module has said since the log was emptied
kernel_results()
{
	dmesg -c >/tmp/log
	sed -n 's/^.*acrypto_test: //p' /tmp/log >/tmp/said
	while read -r line; do
		case $line in
		"ok - "*)	CHECKS=$((CHECKS + 1)) ;;
		"not ok - "*)	CHECKS=$((CHECKS + 1)); FAILED=$((FAILED + 1)) ;;
		*)		line="# $line" ;;
		esac
		report "$line"
	done </tmp/said
	grep -q "ok - " /tmp/said
}

kernel_tests()
{
	local name="$1"

	shift
	dmesg -c >/dev/null
	if ! modprobe acrypto_test tests="$name" "$@" || ! kernel_results; then
		check "the tests called $name ran" false
	fi
	rmmod acrypto_test
}

stress()
{
	dmesg -c >/dev/null
	modprobe acrypto_test tests=stress seconds=3600 seed="$SEED" "$@" &
	STRESS=$!
	sleep 1
}

stress_end()
{
	echo 0 >/sys/module/acrypto_test/parameters/seconds
	if ! wait "$STRESS" || ! kernel_results; then
		check "the stress test ran" false
	fi
	rmmod acrypto_test
}

sim()
{
	local file=/sys/module/acrypto_sim/parameters/$1 list i=0 value

	list=
	# shellcheck disable=SC2013
	for value in $(tr , ' ' <"$file"); do
		[ $i -ne "$2" ] || value=$3
		list=$list${list:+,}$value
		i=$((i + 1))
	done
	echo "$list" >"$file"
}

state()
{
	cat "/sys/class/acrypto/$1/state"
}

await_state()
{
	local i=0

	while [ "$(state "$1")" != "$2" ]; do
		i=$((i + 1))
		[ $i -le 200 ] || return 1
		sleep 0.1
	done
}

break_device()
{
	echo break >"/sys/class/acrypto/$1/state"
	await_state "$1" broken
}

repair()
{
	echo repair >"/sys/class/acrypto/$1/state"
	state "$1"
}
