# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# Verified I/O while the ground moves: acrypto is switched off and on, devices
# break and are repaired, modules come and go, balancers and tables change.

# shellcheck source=tests/guest/lib.sh
. /lib.sh

C=/sys/class/acrypto
S=/sys/module/acrypto/parameters/enabled
KEY=603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4
MB=24
TABLE="0 $((MB * 2048)) crypt aes-cbc-essiv:sha256 $KEY 0 /dev/ram0 0"
STOCK="0 $((MB * 2048)) crypt aes-cbc-essiv:sha256 $KEY 0 /dev/ram0 0 1 stock"
SECONDS_EACH=4
[ "$CONFIG" != x86_64-debug ] || SECONDS_EACH=8

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null
dm_create c "$TABLE" || exit 1
DEVICES=$(cat $C/crypto_sessions/devices)

# four threads, each in its own part of the device: blocks of many sizes are
# written, read back and compared with their checksums, until the time is over
start_load()
{
	fio --name=load --filename=/dev/mapper/c --thread --direct=1 \
		--ioengine=psync --rw=randrw --bsrange=512-128k --blockalign=512 \
		--numjobs=4 --size=$((MB / 4))m --offset_increment=$((MB / 4))m \
		--verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--do_verify=1 --time_based --runtime=$SECONDS_EACH \
		--group_reporting --clocksource=clock_gettime \
		--output=/tmp/fio.log --eta=never &
	load=$!
	# a busy host takes its time until the device is opened
	tries=0
	while [ "$(dmsetup info -c --noheadings -o open c)" -eq 0 ] &&
	      [ $tries -lt 100 ]; do
		usleep 100000
		tries=$((tries + 1))
	done
}

running()
{
	kill -0 $load 2>/dev/null
}

# the load must have run until now, and all that it read must have been right
end_load()
{
	wait $load
	status=$?
	[ $status -eq 0 ] || cat /tmp/fio.log
	same "$1: all data were right" $status 0
	same "$1: no session is left" "$(counter sessions)" 0
	# a session that was moved may have been started on its first device
	lost=$(($(counter sstarted) - $(counter sfinished)))
	check "$1: every session came back" \
		test $lost -ge 0 -a $lost -le "$(counter smoved)"
}

# under_load NAME MANY STEP: take a step again and again under the load, more
# than MANY times, and check the data.  The shell may get to run but seldom:
# the scheduler of these kernels lets a new process wait for seconds.  So the
# load is started again when it ended too early.
under_load()
{
	n=0
	tries_left=10
	while [ $n -le "$2" ] && [ $tries_left -gt 0 ]; do
		start_load
		while running; do
			"$3" || break
			n=$((n + 1))
		done
		end_load "$1"
		tries_left=$((tries_left - 1))
	done
	check "$1 more than $2 times ($n)" test $n -gt "$2"
}

# --- nothing special -------------------------------------------------------------

start_load
end_load "plain load"

# --- the switch --------------------------------------------------------------------

switch_off_and_on()
{
	echo 0 >"$S"
	usleep 30000
	echo 1 >"$S"
	usleep 50000
}

under_load "switched off and on" 3 switch_off_and_on

# --- devices break -------------------------------------------------------------------

break_and_repair()
{
	for dev in $DEVICES; do
		echo 1 >"$C/$dev/broken"
		usleep 20000
		echo 0 >"$C/$dev/broken"
	done
}

under_load "broken and repaired" 3 break_and_repair
start_load
for dev in $DEVICES; do
	echo 1 >"$C/$dev/broken"
done
usleep 300000
same "all devices broken: stock" "$(dmsetup status c | awk '{ print $4 }')" stock
end_load "all devices broken"
for dev in $DEVICES; do
	same "$dev is broken" "$(cat "$C/$dev/state")" broken
	echo 0 >"$C/$dev/broken"
	same "$dev is repaired" "$(cat "$C/$dev/state")" live
done

# --- balancers -----------------------------------------------------------------------

switch_balancers()
{
	echo round_robin >"$C/crypto_sessions/lbs"
	usleep 30000
	rmmod acrypto_lb_rr 2>/dev/null && modprobe acrypto_lb_rr
	echo round_robin >"$C/crypto_sessions/lbs"
	usleep 30000
	echo simple_lb >"$C/crypto_sessions/lbs"
	usleep 30000
}

if [ -d /sys/module/acrypto_lb_rr ] || modprobe acrypto_lb_rr; then
	under_load "balancers switched and unloaded" 3 switch_balancers
else
	skip "balancers switched" "no second balancer"
fi

# --- the module that has the devices ------------------------------------------------

reload_provider()
{
	rmmod acrypto_soft || return 1
	usleep 20000
	modprobe acrypto_soft || return 1
	usleep 100000
}

if grep -q '^acrypto_soft ' /proc/modules; then
	under_load "provider unloaded and loaded" 0 reload_provider
	refused "acrypto itself stays while it is used" rmmod acrypto
else
	skip "provider unloaded" "it is built in"
fi
check "the devices are back" test "$(cat $C/crypto_sessions/devices)" = "$DEVICES"

# --- tables ----------------------------------------------------------------------------

exchange_tables()
{
	for table in "$STOCK" "$TABLE"; do
		dmsetup suspend c
		dmsetup load c --table "$table" || return 1
		dmsetup resume c --noudevsync
		usleep 30000
	done
}

under_load "tables exchanged" 3 exchange_tables
start_load
refused "a device in use is not removed" dmsetup remove c --noudevsync
end_load "removal refused"

# --- at once ----------------------------------------------------------------------------

start_load
n=0
while running; do
	case $((n % 4)) in
	0) echo $((n / 4 % 2)) >$S ;;
	1) for dev in $DEVICES; do echo 1 >"$C/$dev/broken"; done ;;
	2) dmsetup suspend c; dmsetup resume c --noudevsync ;;
	3) for dev in $DEVICES; do echo 0 >"$C/$dev/broken"; done ;;
	esac 2>/dev/null
	usleep 15000
	n=$((n + 1))
done
echo 1 >"$S"
for dev in $DEVICES; do
	echo 0 >"$C/$dev/broken" 2>/dev/null
done
end_load "all of it at once"

# devices made and removed with I/O just done
n=0
while [ $n -lt 25 ]; do
	dm_create d "0 8192 crypt aes-cbc-plain $KEY 0 /dev/ram1 0" || break
	dd if=/dev/zero of=/dev/mapper/d bs=256k count=16 oflag=direct 2>/dev/null
	dd if=/dev/mapper/d of=/dev/null bs=256k count=16 2>/dev/null
	dm_remove d || break
	n=$((n + 1))
done
same "a device made, used and removed 25 times" $n 25

dm_remove c
if grep -q '^dm_crypt ' /proc/modules; then
	check "dm-crypt is unloaded" rmmod dm-crypt
	if grep -q '^acrypto_soft ' /proc/modules; then
		check "acrypto_soft is unloaded" rmmod acrypto_soft
		rmmod acrypto_lb_rr 2>/dev/null
		check "acrypto is unloaded" rmmod acrypto
		refused "and gone from sysfs" test -e $C
		check "acrypto is loaded again" modprobe acrypto_soft
		same "with its devices" "$(cat $C/crypto_sessions/devices)" "$DEVICES"
	fi
fi
finish
