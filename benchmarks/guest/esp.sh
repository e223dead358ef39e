# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# IPsec with both ends in one guest, over lo: every packet is encrypted and
# decrypted once.  From bench-esp.sh on the host come:
#
#	VARIANTS	what is compared, the reference first: stock, acrypto (the
#			software provider) or the name of a module with a device;
#			a digit after the name repeats it
#	CELLS		a list of MODE:WHAT:AMOUNT:SAS; WHAT is the size of datagrams
#			or "bulk", AMOUNT how many of them or how many bytes, SAS how
#			many flows there are at once, each with SAs of its own
#	ROUNDS		how often every cell is measured with every variant
#	CLOCK		"ticks": tell the time by the time stamp counter
#
# The host may also take the time from mark to mark, in instructions.

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

for name in acrypto_soft xfrm_user esp4 xfrm4_mode_transport xfrm4_mode_tunnel; do
	modprobe $name 2>/dev/null
done
ifconfig lo 127.0.0.1 mtu 1500 up
echo 0 >/proc/sys/net/ipv4/conf/lo/disable_xfrm
echo 0 >/proc/sys/net/ipv4/conf/lo/disable_policy
echo 1048576 >/proc/sys/net/core/rmem_max
echo 1048576 >/proc/sys/net/core/wmem_max
mhz=$(sed -n 's/^cpu MHz[^:]*: \([0-9]*\).*/\1/p' /proc/cpuinfo | head -n 1)

# outer addresses of flow N: 10.1.N.1 and .2, inner ones of a tunnel: 10.2.N.1, .2
flow_up()
{
	local mode="$1" n="$2" from to in=1 way

	[ "$mode" = transport ] || in=2
	for to in 1 2; do
		ifconfig "lo:$n$to" "10.1.$n.$to" netmask 255.255.255.255
		ifconfig "lo:i$n$to" "10.2.$n.$to" netmask 255.255.255.255
	done
	for to in 1 2; do
		from=$((3 - to))
		ip xfrm state add src "10.1.$n.$from" dst "10.1.$n.$to" proto esp \
			spi "0x1$n$to" reqid "$((n + 1))" mode "$mode" replay-window 32 \
			auth 'hmac(sha1)' "0x0102030405060708090a0b0c0d0e0f101112131$to" \
			enc 'cbc(aes)' "0x000102030405060708090a0b0c0d0e0$to" || exit 1
		for way in out in; do
			ip xfrm policy add dir $way src "10.$in.$n.$from" \
				dst "10.$in.$n.$to" tmpl src "10.1.$n.$from" \
				dst "10.1.$n.$to" proto esp reqid "$((n + 1))" \
				mode "$mode" || exit 1
		done
	done
}

choose()
{
	case $1 in
	stock*) echo 0 >/sys/module/acrypto/parameters/enabled ;;
	acrypto | acrypto[0-9]) echo 1 >/sys/module/acrypto/parameters/enabled ;;
	*)
		rmmod acrypto_soft
		modprobe "${1%[0-9]}" || exit 1
		echo 1 >/sys/module/acrypto/parameters/enabled
		;;
	esac
}

unchoose()
{
	case $1 in
	stock* | acrypto | acrypto[0-9]) ;;
	*)
		rmmod "${1%[0-9]}"
		modprobe acrypto_soft
		;;
	esac
}

# flows WHAT AMOUNT NET SAS: the nanoseconds of all flows at once
flows()
{
	local what="$1" amount="$2" in="$3" sas="$4" n=0 took

	[ "$what" != bulk ] || what=
	set --
	while [ $n -lt "$sas" ]; do
		set -- "$@" "10.$in.$n.1" "10.$in.$n.2"
		n=$((n + 1))
	done
	if [ -n "$what" ]; then
		took=$(traffic blast "$what" "$amount" "$@") || return 1
	else
		took=$(traffic stream "$amount" "$@") || return 1
	fi
	if [ "${CLOCK:-}" = ticks ]; then
		took=$((took * 1000 / mhz))
	fi
	echo "$took"
}

# the same, which nobody measures: caches, routes, and the keys on each device
warm_up()
{
	report "mark -"
	report "mark -"
	flows "$@" >/dev/null
}

sessions()
{
	cat /sys/class/acrypto/*/scompleted 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}

for cell in $CELLS; do
	# shellcheck disable=SC2046
	set -- $(echo "$cell" | tr : ' ')
	mode="$1" what="$2" amount="$3" sas="$4"
	in=1
	[ "$mode" = transport ] || in=2
	n=0
	while [ $n -lt "$sas" ]; do
		flow_up "$mode" $n
		n=$((n + 1))
	done
	bytes=$amount
	[ "$what" = bulk ] || bytes=$((what * amount))
	name="$mode-$what"
	[ "$sas" -eq 1 ] || name="$name-$sas"
	warm_up "$what" $((amount / 20 + 1)) $in "$sas" || exit 1
	round=0
	while [ $round -lt "$ROUNDS" ]; do
		for variant in $(rotated $round); do
			choose "$variant"
			warm_up "$what" $((amount / 50 + 1)) $in "$sas" || exit 1
			done=$(sessions)
			report "mark $name/$variant/$((bytes * sas))"
			report "mark -"
			took=$(flows "$what" "$amount" $in "$sas") || exit 1
			sample "$name" "$variant" \
				"$(per_second $((bytes * sas)) "$took")" KiB/s
			done=$(($(sessions) - done))
			case $variant in
			stock*) [ $done -eq 0 ] ;;
			*) [ $done -gt 0 ] ;;
			esac || {
				report "$name: $variant: $done sessions on acrypto's devices"
				exit 1
			}
			unchoose "$variant"
		done
		round=$((round + 1))
	done
	ip xfrm policy flush
	ip xfrm state flush
done
