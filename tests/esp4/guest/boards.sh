# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# Both ends in one guest, over lo: a hundred TCP connections in transport mode on
# accelerators alone, with dm-crypt on them, too.  A connection's timer sends with
# the socket locked while packets of the same socket come back, so whoever calls
# back within a submission stands still here, and lockdep tells.
#
#	TIME		seconds of it
#	CONNECTIONS	at once

. /lib.sh
. /hifn.sh

for module in xfrm_user esp4 dm-mod dm-crypt; do
	modprobe $module
done
modprobe acrypto_hifn "$PATIENT"
ifconfig lo 127.0.0.1 mtu 1500 up
echo 0 >/proc/sys/net/ipv4/conf/lo/disable_xfrm
echo 0 >/proc/sys/net/ipv4/conf/lo/disable_policy

# sa FROM TO
sa()
{
	ip xfrm state add src "10.1.0.$1" dst "10.1.0.$2" proto esp spi "0x100$1" \
		reqid 1 mode transport replay-window 32 \
		auth 'hmac(sha1)' "0x0102030405060708090a0b0c0d0e0f101112131$1" \
		enc 'cbc(aes)' "0x000102030405060708090a0b0c0d0e0$1" || return 1
	for way in out in; do
		ip xfrm policy add dir $way src "10.1.0.$1" dst "10.1.0.$2" \
			tmpl src "10.1.0.$1" dst "10.1.0.$2" proto esp reqid 1 \
			mode transport || return 1
	done
}

packets()
{
	ip -s xfrm state list spi "$1" |
		sed -n 's/^[ \t]*[0-9]*(bytes), \([0-9]*\)(packets).*/\1/p' | head -n 1
}

commands()
{
	model "$1" commands
}

for side in 1 2; do
	ifconfig "lo:$side" "10.1.0.$side" netmask 255.255.255.255
done
check "an SA is accepted" sa 1 2 || finish
check "and the other way" sa 2 1 || finish
# shellcheck disable=SC2046
set -- $(boards)
same "boards" $# 2
before_1=$(commands "$1")
before_2=$(commands "$2")

check "dm-crypt on the boards" crypt c aes-cbc-essiv:sha256 "$KEY" /dev/ram0
same "and it goes to acrypto" "$(dmsetup status c | awk '{ print $4 }')" acrypto
verified --runtime="$TIME"

pairs=
n=0
while [ $n -lt $((CONNECTIONS / 2)) ]; do
	pairs="$pairs 10.1.0.1 10.1.0.2 10.1.0.2 10.1.0.1"
	n=$((n + 1))
done
rounds=0
good=0
end=$(($(date +%s) + TIME))
while [ "$(date +%s)" -lt $end ]; do
	rounds=$((rounds + 1))
	# shellcheck disable=SC2086
	traffic stream 16384 $pairs && good=$((good + 1))
done
same "$CONNECTIONS connections, again and again: all came through" $good $rounds
check "at least once ($rounds)" [ $rounds -gt 0 ]
check "dm-crypt's data were right" ended
dm_remove c
packets=$(($(packets 0x1001) + $(packets 0x1002)))
check "they went through ESP: $packets packets" [ $packets -gt $((rounds * CONNECTIONS)) ]
for board; do
	n=$(($(commands "$board") - before_1))
	before_1=$before_2
	check "$board had its share: $n commands" [ $n -gt $((packets / 2)) ]
done
check "the SAs go" ip xfrm state flush
ip xfrm policy flush
n=0
until rmmod esp4; do
	n=$((n + 1))
	[ $n -lt 50 ] || break
	sleep 0.2
done
check "ESP was unloaded" [ $n -lt 50 ]
check "dm-crypt was unloaded" rmmod dm-crypt
check "the boards were" rmmod acrypto_hifn
check "acrypto was" rmmod acrypto
finish
