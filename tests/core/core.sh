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
#	keeps_rate HUNDREDTHS			has one of RATE KiB a second done MB MiB in
#						so much of a second?
#
# and trouble for two simulated devices, sim0 and sim1, that sims() loads:
#
#	breaking, breaking_all			they break, one or both, and are repaired
#	removing				they go and come back
#	revive					those that are broken are repaired

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

# 3 % more is what lies beside the device
keeps_rate()
{
	[ "$1" -ge $((MB * 102400 / RATE)) ] && [ "$1" -le $((MB * 105472 / RATE)) ]
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

revive()
{
	local dev

	for dev in sim0 sim1; do
		[ "$(state $dev)" != broken ] || echo 0 >/sys/class/acrypto/$dev/broken
	done
}

breaking()
{
	echo 1 >/sys/class/acrypto/sim0/broken
	sleep 0.1
	revive
	echo 1 >/sys/class/acrypto/sim1/broken
	sleep 0.1
	revive
}

breaking_all()
{
	echo 1 >/sys/class/acrypto/sim0/broken
	echo 1 >/sys/class/acrypto/sim1/broken
	sleep 0.1
	revive
	sleep 0.1
}

removing()
{
	rmmod acrypto_sim
	sleep 0.1
	sims
	sleep 0.1
}
