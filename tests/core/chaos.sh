# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: everything goes wrong under load.
# LOAD: seconds for each kind of trouble.  SEED: of the random numbers.

. /lib.sh
. /core.sh

# Repair whatever is broken.
repair_all()
{
	local dev

	for dev in /sys/class/acrypto/s*[0-9]; do
		[ "$(cat "$dev/state")" != broken ] || echo repair >"$dev/state"
	done
}

report "# nothing goes wrong"
# The CPUs that simulate are busy: so patient a watchdog finds nothing.
SIMS="devices=3 kind=1,1,3 latency_us=0,3000,1000 depth=4,16,64 qlen=4,8,8
	timeout_ms=30000,30000,30000"
modprobe acrypto_soft qlen=4
modprobe acrypto_lb_rr
# shellcheck disable=SC2086
modprobe acrypto_sim $SIMS
stress "$LOAD" seed="$SEED" threads=4
stress_end

report "# devices break and are repaired, all of them at times"
stress "$LOAD" seed="$SEED" errors=1 refused=1
N=0
while stress_runs; do
	for dev in /sys/class/acrypto/s*[0-9]; do
		echo break >"$dev/state"
		[ $((N % 2)) -eq 0 ] || repair_all
	done
	repair_all
	N=$((N + 1))
done
check "devices were broken and repaired" [ $N -gt 1 ]
stress_end
repair_all

report "# devices hang, lose answers, and are brought back"
rmmod acrypto_sim
# shellcheck disable=SC2086
modprobe acrypto_sim $SIMS timeout_ms=500,500,500
stress $((3 * LOAD)) seed="$SEED" errors=1
N=0
while stress_runs; do
	sim hang 0 1
	sim lose_every 2 50
	sleep 1.5
	[ "$(state sim0)" != broken ] || N=$((N + 1))
	[ "$(state sim2)" != broken ] || N=$((N + 1))
	sim hang 0 0
	sim lose_every 2 0
	repair_all
done
check "devices were found dead" [ $N -gt 0 ]
stress_end
rmmod acrypto_sim
# shellcheck disable=SC2086
modprobe acrypto_sim $SIMS

report "# devices are removed and come back"
stress "$LOAD" seed="$SEED" errors=1
N=0
while stress_runs; do
	rmmod acrypto_sim
	sleep 0.1
	# shellcheck disable=SC2086
	modprobe acrypto_sim $SIMS
	sleep 0.2
	N=$((N + 1))
done
check "devices were removed and came back" [ $N -gt 0 ]
stress_end

report "# devices fail"
sim fail_every 1 7
stress "$LOAD" seed="$SEED" errors=1
stress_end
sim fail_every 1 0

report "# devices give wrong results: the test notices"
sim corrupt_every 1 7
stress "$LOAD" seed="$SEED" wrong=1
stress_end
sim corrupt_every 1 0

report "# balancers change"
stress "$LOAD" seed="$SEED"
N=0
while stress_runs; do
	echo round_robin >/sys/class/acrypto/crypto_sessions/lbs
	sleep 0.05
	if [ $((N % 2)) -eq 0 ]; then
		echo simple_lb >/sys/class/acrypto/crypto_sessions/lbs
		sleep 0.05
	else
		rmmod acrypto_lb_rr
		sleep 0.05
		modprobe acrypto_lb_rr
	fi
	N=$((N + 1))
done
check "balancers were changed" [ $N -gt 1 ]
stress_end

report "# acrypto is switched off and on"
stress "$LOAD" seed="$SEED" refused=1
N=0
while stress_runs; do
	echo 0 >/sys/module/acrypto/parameters/enabled
	sleep 0.05
	echo 1 >/sys/module/acrypto/parameters/enabled
	sleep 0.1
	N=$((N + 1))
done
check "acrypto was switched off" [ $N -gt 0 ]
stress_end

for dev in /sys/class/acrypto/s*[0-9]; do
	same "nothing is left on ${dev##*/}" "$(cat "$dev/sessions")" 0
done
check "everything is unloaded" rmmod acrypto_sim acrypto_soft acrypto_lb_rr acrypto
finish
