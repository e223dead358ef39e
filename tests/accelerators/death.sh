# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: an unmodified dm-crypt on simulated accelerators that die in
# mid-stream, and balancers that change under it.
# MB: size of the work.

. /lib.sh
. /core.sh
. /disk.sh

for module in brd dm-crypt aesni-intel acrypto_soft acrypto_capi acrypto_lb_rr; do
	modprobe $module
done
make_nodes

sims()
{
	modprobe acrypto_sim devices=2 kind=1,1 latency_us=0,2000 \
		rate_kbs=8192,8192 qlen=4096,4096 timeout_ms=1000,1000
}

hanging()
{
	sim hang 0 1
	# the stream goes on until it is told to stop: there is work for it
	check "a device that hangs is found dead" await_state sim0 broken
	sim hang 0 0
	revive
}

losing()
{
	sim lose_every 1 20
	sleep 1.5
	sim lose_every 1 0
	revive
}

balancing()
{
	echo round_robin >/sys/class/acrypto/crypto_sessions/lbs
	sleep 0.1
	echo simple_lb >/sys/class/acrypto/crypto_sessions/lbs
	sleep 0.1
	rmmod acrypto_lb_rr
	modprobe acrypto_lb_rr
}

# stream NAME FROM TO: copy MB again and again until /tmp/enough is there; what
# comes out is what went in each time
writing()
{
	while :; do
		dd if=/tmp/data of=/dev/mapper/acrypto bs=256k oflag=direct || return 1
		# another key of the same table: stock code alone
		dd if=/dev/mapper/stock of=/tmp/back1 bs=256k count=$((MB * 4)) iflag=direct || return 1
		cmp /tmp/data /tmp/back1 || return 1
		echo >>/tmp/passes
		[ ! -e /tmp/enough ] || return 0
	done 2>/dev/null
}

reading()
{
	while :; do
		dd if=/dev/mapper/acrypto of=/tmp/back2 bs=256k count=$((MB * 4)) iflag=direct || return 1
		cmp /tmp/data /tmp/back2 || return 1
		echo >>/tmp/passes
		[ ! -e /tmp/enough ] || return 0
	done 2>/dev/null
}

# works BEFORE: have they done something of the stream?
works()
{
	[ "$(counter scompleted 'sim*')" -gt "$1" ]
}

# under DIRECTION TROUBLE TIMES: the stream goes on meanwhile
under()
{
	local calls=0 stream good=1

	rm -f /tmp/enough /tmp/passes
	: >/tmp/passes
	"$1" &
	stream=$!
	sleep 0.3
	while [ $calls -lt "$3" ] && kill -0 $stream 2>/dev/null; do
		"$2"
		calls=$((calls + 1))
	done
	# nobody tests a device any more: what is counted is the stream's
	check "$1, $2: by the devices" until_true works "$(counter scompleted 'sim*')"
	: >/tmp/enough
	wait $stream || good=0
	report "# $1, $2: $calls times, $(wc -l </tmp/passes) passes of $MB MiB"
	check "$1, $2: it came to that" [ $calls -eq "$3" ]
	check "$1, $2: no error, no wrong data" [ $good -eq 1 ]
}

sims
soft break
check "dm-crypt on acrypto" disks
dd if=/dev/urandom of=/tmp/data bs=1M count="$MB" 2>/dev/null
dd if=/tmp/data of=/dev/mapper/stock bs=256k oflag=direct 2>/dev/null

for direction in writing reading; do
	under $direction balancing 6
	under $direction breaking 6
	under $direction breaking_all 4
	under $direction losing 2
	under $direction hanging 2
	under $direction removing 4
done

refused "no error in the log" sh -c "dmesg | grep -i 'i/o error'"
soft repair
check "targets go" disks_gone
check "everything is unloaded" sh -c \
	"rmmod acrypto_sim && rmmod acrypto_capi && rmmod acrypto_soft && rmmod acrypto_lb_rr && rmmod acrypto"
finish
