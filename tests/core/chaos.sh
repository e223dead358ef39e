# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: everything goes wrong under load.
# TIMES: how often each kind of trouble comes (2: all devices break together in every
# other).  SEED: of the random numbers.
# PATIENCE: of the watchdog with devices that hang, in ms (500).

. /lib.sh
. /core.sh

# The CPUs that simulate are busy: so patient a watchdog finds nothing.
SIMS="devices=3 kind=1,1,3 latency_us=0,3000,1000 depth=4,16,64 qlen=4,8,8"

sims()
{
	# shellcheck disable=SC2086
	modprobe acrypto_sim $SIMS timeout_ms="$1,$1,$1"
}

repair_all()
{
	local dev

	for dev in /sys/class/acrypto/s*[0-9]; do
		[ "$(cat "$dev/state")" != broken ] || echo 0 >"$dev/broken"
	done
}

# again CMD: as often as trouble is to come; N is which time it is
again()
{
	N=0
	while [ $N -lt "$TIMES" ]; do
		N=$((N + 1))
		"$@"
	done
}

breaking()
{
	local dev

	for dev in /sys/class/acrypto/s*[0-9]; do
		echo 1 >"$dev/broken"
		[ $((N % 2)) -eq 0 ] || repair_all
	done
	sleep 0.2
	repair_all
}

hanging()
{
	sim hang 0 1
	sim lose_every 2 50
	check "a device that hangs is found out" await_state sim0 broken
	sleep 1
	sim hang 0 0
	sim lose_every 2 0
	repair_all
}

removing()
{
	check "devices go" rmmod acrypto_sim
	sleep 0.2
	sims 30000
	sleep 0.5
}

balancing()
{
	echo round_robin >/sys/class/acrypto/crypto_sessions/lbs
	sleep 0.2
	if [ $((N % 2)) -eq 0 ]; then
		echo simple_lb >/sys/class/acrypto/crypto_sessions/lbs
	else
		rmmod acrypto_lb_rr
		sleep 0.2
		modprobe acrypto_lb_rr
	fi
	sleep 0.2
}

switching()
{
	echo 0 >/sys/module/acrypto/parameters/enabled
	sleep 0.3
	echo 1 >/sys/module/acrypto/parameters/enabled
	sleep 0.3
}

report "# nothing goes wrong"
modprobe acrypto_soft qlen=4
modprobe acrypto_lb_rr
sims 30000
stress
again sleep 1
stress_end

report "# devices break and are repaired, all of them at times"
stress errors=1 refused=1
again breaking
stress_end

report "# devices hang, lose answers, and are brought back"
rmmod acrypto_sim
sims "${PATIENCE:-500}"
stress errors=1
again hanging
stress_end

report "# devices are removed and come back"
rmmod acrypto_sim
sims 30000
stress errors=1
again removing
stress_end

report "# devices fail"
sim fail_every 1 7
stress errors=1
again sleep 1
stress_end
sim fail_every 1 0

report "# devices give wrong results: the test notices"
sim corrupt_every 1 7
stress wrong=1
again sleep 1
stress_end
sim corrupt_every 1 0

report "# balancers change"
stress
again balancing
stress_end

report "# acrypto is switched off and on"
stress refused=1
again switching
stress_end

for dev in /sys/class/acrypto/s*[0-9]; do
	same "nothing is left on ${dev##*/}" "$(cat "$dev/sessions")" 0
done
check "everything is unloaded" rmmod acrypto_sim acrypto_soft acrypto_lb_rr acrypto
finish
