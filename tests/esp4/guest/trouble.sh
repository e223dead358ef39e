# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# The first guest: packets under way on slow, unequal and failing devices.  What
# comes through is whole and in order, nothing stays behind, nobody waits for a
# lock.
#
#	AMOUNT	datagrams of each flood
#	STREAM	bytes of each TCP stream
#	SEED	for what differs between runs

. /esp.sh
. /core.sh

# buffers in use, from what the slab says
buffers()
{
	awk '$1 == "skbuff_head_cache" || $1 == "skbuff_fclone_cache" { n += $2 }
		END { print n }' /proc/slabinfo
}

sims()
{
	# shellcheck disable=SC2086
	modprobe acrypto_sim "$@" timeout_ms=30000,30000,30000 || return 1
	only_sims
}

up()
{
	check "$1: the SAs are accepted" both esp_up "$@" || finish
}

# a numbered flood here from there: nothing lost, changed, doubled, out of order
flood_in()
{
	traffic sink 9 /tmp/sink &
	peer traffic flood "$(inner "$1" 1)" 9 "$2" "$AMOUNT" 64 || return 1
	kill $!
	wait $!
	cat /tmp/sink
	grep -qx "good $AMOUNT bad 0 double 0 disordered 0" /tmp/sink
}

flood_out()
{
	peer 'traffic sink 9 /tmp/sink >/dev/null 2>&1 & echo $! >/tmp/sink.pid' || return 1
	traffic flood "$(inner "$1" 2)" 9 "$2" "$AMOUNT" 64 || return 1
	# shellcheck disable=SC2016
	peer 'kill $(cat /tmp/sink.pid); sleep 1; cat /tmp/sink' >/tmp/sink
	cat /tmp/sink
	grep -qx "good $AMOUNT bad 0 double 0 disordered 0" /tmp/sink
}

# streams there and back while CMD happens again and again
streams_during()
{
	local stream n=0

	# shellcheck disable=SC2153
	traffic tcp "$(inner "$1" 2)" 7 "$STREAM" &
	stream=$!
	shift
	while kill -0 $stream 2>/dev/null; do
		"$@" $n || { kill $stream; return 1; }
		n=$((n + 1))
	done
	wait $stream
}

milliseconds()
{
	echo $(($(date +%s%N) / 1000000))
}

net_up
check "the other guest answers" peer_wait || finish
esp_devices
modprobe acrypto_sim devices=1 && rmmod acrypto_sim
check "a first connection" traffic tcp 10.0.0.2 7 1000
before=$(buffers)

# --- order ------------------------------------------------------------------------

sims devices=3 latency_us=0,3000,500 depth=4,16,8
up unequal transport aes128 sha1 none
# who has this address, before many wait for the answer: most would be dropped
check "a first packet" traffic udp 10.1.0.2 7 1
check "unequal devices: out, in order" flood_out transport 200
check "unequal devices: in, in order" flood_in transport 200
check "unequal devices: long ones" flood_in transport 1400
both esp_down
up halves tunnel aes256 sha1 none
rmmod acrypto_sim
rmmod acrypto_soft 2>/dev/null
sims devices=2 kind=1,2 latency_us=300,2000
check "cipher and HMAC on two devices: out, in order" flood_out tunnel 300
check "cipher and HMAC on two devices: in, in order" flood_in tunnel 300
rmmod acrypto_sim
check "none at all: what the CPU does" flood_out tunnel 100
both esp_down

# --- what others see of a buffer -------------------------------------------------

sims devices=1 latency_us=500
up shared transport aes128 sha1 none
traffic tap eth0 /tmp/tap &
tap=$!
sleep 1
check "a packet socket looks on" flood_in transport 500
check "and at a stream" traffic tcp 10.1.0.2 7 100000
check "a file's pages are sent, and stay as they are" \
	traffic sendfile 10.1.0.2 7 /tmp/file 300000
sleep 1
kill $tap
wait $tap
report "tap $(cat /tmp/tap) of $(esp_spi shared 1) $(esp_spi shared 2)"
both esp_down

# --- nobody waits ------------------------------------------------------------------

rmmod acrypto_sim
sims devices=1
# not before: it is tested when it comes
sim latency_us 0 1500000
up slow transport aes128 sha1 none
traffic udp 10.1.0.2 7 100 &
slow=$!
sleep 0.3
start=$(milliseconds)
check "a state can be looked at while it has packets under way" \
	[ -n "$(sa_stat "$(esp_spi slow 1)" packets)" ]
took=$(($(milliseconds) - start))
# the host's clock: what a busy one makes of it, it makes of the next look, too
check "the packet comes back" wait $slow
start=$(milliseconds)
sa_stat "$(esp_spi slow 1)" packets >/dev/null
idle=$(($(milliseconds) - start))
check "and that takes no longer than without: $took ms, $idle ms" \
	[ $took -lt $((3 * idle + 100)) -a $took -lt 1000 ]
# gone while it has packets under way: they end, whatever becomes of them
traffic flood 10.1.0.2 9 200 20 0
check "a state is deleted that has packets under way" both esp_down
sleep 3
up again transport aes128 sha1 none
traffic flood 10.1.0.2 9 200 20 0
check "the interface goes down with packets under way" ifconfig eth0 down
sleep 2
ifconfig eth0 10.0.0.1 netmask 255.255.255.0 up
ifconfig eth0:1 10.1.0.1 netmask 255.255.255.0
ifconfig eth0:2 10.2.0.1 netmask 255.255.255.0
sleep 3
check "the other guest answers again" peer_wait
check "and packets pass" traffic udp 10.1.0.2 7 100
both esp_down
rmmod acrypto_sim

# --- devices that go ----------------------------------------------------------------

breaking()
{
	echo 1 >/sys/class/acrypto/sim0/broken
	sleep 0.2
	await_state sim0 broken
	repair sim0 >/dev/null
	sleep 0.2
}

hanging()
{
	[ "$1" -lt 2 ] || { sleep 0.2; return 0; }
	sim hang 0 1
	await_state sim0 broken
	sim hang 0 0
	repair sim0 >/dev/null
	sleep 0.2
}

going()
{
	rmmod acrypto_sim && sims devices=2 latency_us=200,2000 && sleep 0.2
}

switching()
{
	echo 0 >/sys/module/acrypto/parameters/enabled
	sleep 0.2
	echo 1 >/sys/module/acrypto/parameters/enabled
	sleep 0.2
}

failing()
{
	sim fail_every 0 $(($1 % 2 * 5))
	sleep 0.2
}

for mode in transport tunnel; do
	sims devices=2 latency_us=200,2000
	up $mode $mode aes128 sha1 none
	for trouble in breaking failing going switching; do
		check "$mode: a stream while a device is $trouble" \
			streams_during $mode $trouble
	done
	rmmod acrypto_sim
	modprobe acrypto_sim devices=2 latency_us=200,200 timeout_ms=500,500
	only_sims
	check "$mode: a stream while a device is hanging" streams_during $mode hanging
	both esp_down
	rmmod acrypto_sim
done

# --- the end of everything ------------------------------------------------------------

sims devices=2 latency_us=200,5000
traffic sink 9 /tmp/sink &
sink=$!
peer 'traffic sink 9 /tmp/sink >/dev/null 2>&1 & echo $! >/tmp/sink.pid'
n=0
unloaded=0
while [ $n -lt 5 ]; do
	n=$((n + 1))
	up "load$n" transport aes128 sha1 none
	traffic flood 10.1.0.2 9 200 300 0 &
	flood=$!
	peer 'traffic flood 10.1.0.1 9 200 300 0 >/dev/null 2>&1 & echo $! >/tmp/flood.pid'
	sleep 0.1
	# who sends goes first, for nothing may leave in the clear; what is under
	# way stays so
	kill $flood
	# shellcheck disable=SC2016
	peer 'kill $(cat /tmp/flood.pid)'
	wait $flood
	both esp_down
	unload esp4 && unloaded=$((unloaded + 1))
	modprobe esp4
done
kill $sink
wait $sink
# shellcheck disable=SC2016
peer 'kill $(cat /tmp/sink.pid)'
same "the module goes under load, and comes back" $unloaded 5
up last transport aes128 sha1 none
check "and works" traffic udp 10.1.0.2 7 1 100 1400
both esp_down
check "ESP is unloaded" unload esp4
# which do their work by the code of the other one
check "the devices are unloaded" rmmod acrypto_sim
if grep -q '^acrypto_soft ' /proc/modules; then
	check "those of the CPUs are" unload acrypto_soft
fi
check "and acrypto" unload acrypto
# some are counted that each CPU keeps at hand, and gives back by and by
n=0
after=$(buffers)
while [ "$after" -ge $((before + 100)) ] && [ $n -lt 60 ]; do
	n=$((n + 1))
	sleep 1
	after=$(buffers)
done
check "no buffer stays behind: $before, $after" [ "$after" -lt $((before + 100)) ]
peer touch /tmp/through
finish
