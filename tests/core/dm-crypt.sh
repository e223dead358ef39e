# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: dm-crypt on simulated accelerators that die in mid-stream.
# MB: size of the work.  ROUNDS: of it, for each kind of trouble.

. /lib.sh
. /core.sh

KEY=000102030405060708090a0b0c0d0e0f
for module in dm-mod dm-crypt acrypto_soft; do
	modprobe $module
done

sims()
{
	modprobe acrypto_sim devices=2 kind=1,1 latency_us=0,2000 timeout_ms=400,400
}

# fio in the background: writes, random, and reads back what it wrote
io_start()
{
	fio --name="$1" --filename=/dev/mapper/acrypto --ioengine=psync --direct=1 \
		--rw=randwrite --bsrange=4k-256k --size="${MB}m" --numjobs=2 \
		--offset_increment="${MB}m" --verify=crc32c --verify_fatal=1 \
		--verify_state_save=0 --randseed="$2" --fallocate=none \
		--output=/tmp/fio.log </dev/null &
	IO=$!
}

io_runs()
{
	kill -0 $IO 2>/dev/null
}

# found_dead DEVICE: the watchdog has to find it, while there is work for it
found_dead()
{
	local tries=0

	while io_runs && [ $tries -lt 100 ]; do
		if [ "$(state "$1")" = broken ]; then
			FOUND=$((FOUND + 1))
			return
		fi
		tries=$((tries + 1))
		sleep 0.1
	done
	# the load may have ended before
	! io_runs || check "$1 is found dead" false
}

# io_with TROUBLE: under load, call it again and again until the load is done
io_with()
{
	local round=0 calls=0 good=1

	FOUND=0
	while [ $round -lt "$ROUNDS" ]; do
		round=$((round + 1))
		io_start "$1" $round
		while io_runs; do
			"$1"
			calls=$((calls + 1))
		done
		wait $IO || good=0
	done
	report "# $1: $calls times"
	check "$1: it came to that" [ $calls -gt 0 ]
	[ "$1" != hanging ] || check "$1: it was found dead" [ $FOUND -gt 0 ]
	check "$1: no error, no wrong data" [ $good -eq 1 ] || cat /tmp/fio.log
}

hanging()
{
	sim hang 0 1
	found_dead sim0
	sim hang 0 0
	revive
}

losing()
{
	sim lose_every 1 20
	sleep 1
	sim lose_every 1 0
	revive
}

failing()
{
	sim fail_every 0 3
	sim fail_every 1 5
	sleep 0.5
	sim fail_every 0 0
	sim fail_every 1 0
	sleep 0.1
}

switching()
{
	echo 0 >/sys/module/acrypto/parameters/enabled
	sleep 0.1
	echo 1 >/sys/module/acrypto/parameters/enabled
	sleep 0.1
}

sims
soft break
check "dm-crypt on acrypto" crypt acrypto aes-cbc-essiv:sha256 $KEY /dev/ram0 acrypto
crypt stock aes-cbc-essiv:sha256 $KEY /dev/ram0 stock
make_nodes
same "which is used" "$(dmsetup status acrypto | sed 's/.* //')" acrypto

for trouble in breaking breaking_all hanging losing failing removing switching; do
	io_with $trouble
done

# what devices that die in turn wrote, stock code reads
dd if=/dev/urandom of=/tmp/data bs=1M count="$MB" 2>/dev/null
dd if=/tmp/data of=/dev/mapper/acrypto bs=256k oflag=direct &
IO=$!
while io_runs; do
	breaking
done
check "written while devices died" wait $IO
dd if=/dev/mapper/stock of=/tmp/back bs=256k count=$((MB * 4)) iflag=direct
check "read by stock code" cmp /tmp/data /tmp/back
dd if=/dev/mapper/acrypto of=/tmp/back bs=256k count=$((MB * 4)) iflag=direct &
IO=$!
while io_runs; do
	breaking
done
check "read while devices died" wait $IO
check "and it is the same" cmp /tmp/data /tmp/back

for dev in sim0 sim1; do
	same "nothing is left on $dev" "$(cat /sys/class/acrypto/$dev/sessions)" 0
done
soft repair
refused "no error in the log" sh -c "dmesg | grep -i 'i/o error'"
check "targets go" dm_remove acrypto stock
check "everything is unloaded" rmmod acrypto_sim acrypto_soft dm-crypt acrypto
finish
