# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What this suite's guests share with those of padlock and modules, as /core.sh.
#
#	kernel_tests TEST [PARAMETER]...	run tests of acrypto_test
#	in_background TEST [PARAMETER]...	start it; sets RUNNING
#	background_end				wait for its end, report
#	stress [PARAMETER]...			start the one called stress
#	stress_end				end it, report
#	sim PARAMETER DEVICE VALUE		set it, of a simulated device
#	state DEVICE				what sysfs says
#	await_state DEVICE STATE		within 20 seconds
#	break_device DEVICE			and wait until it is
#	repair DEVICE				print the state that it has then
#	now					hundredths of a second since boot

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

in_background()
{
	local name="$1"

	shift
	dmesg -c >/dev/null
	modprobe acrypto_test tests="$name" "$@" &
	RUNNING=$!
}

background_end()
{
	if ! wait "$RUNNING" || ! kernel_results; then
		check "the test in the background ran" false
	fi
	rmmod acrypto_test
}

stress()
{
	in_background stress seconds=3600 seed="$SEED" "$@"
	sleep 1
}

stress_end()
{
	echo 0 >/sys/module/acrypto_test/parameters/seconds
	background_end
}

sim()
{
	local file=/sys/module/acrypto_sim/parameters/$1 list i=0 value

	list=
	# shellcheck disable=SC2013
	for value in $(tr , ' ' <"$file"); do
		# those after it stay as they are
		[ $i -lt "$2" ] || break
		list=$list$value,
		i=$((i + 1))
	done
	echo "$list$3" >"$file"
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
	echo 1 >"/sys/class/acrypto/$1/broken"
	await_state "$1" broken
}

repair()
{
	echo 0 >"/sys/class/acrypto/$1/broken"
	state "$1"
}

now()
{
	sed 's/ .*//; s/\.//' /proc/uptime
}
