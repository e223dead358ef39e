# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# What the guests of the IPsec tests share, as /esp.sh.  Two of them are on one
# wire; SIDE says which one this is, 1 or 2.  The first one runs the test, the
# second one does what it is told.
#
#	10.0.0.SIDE	never protected: what they tell each other
#	10.1.0.SIDE	transport and BEET mode; the outer addresses of tunnels
#	10.2.0.SIDE	the inner addresses of tunnels
#
# Linux 2.6.20 looks for a BEET state by the inner addresses and not by those of
# the policy's template (xfrm_tmpl_resolve_one), so they have to be the same.
#
#	esp_modules		what IPsec may need
#	net_up			them, the addresses, and the servers
#	esp_devices		those of acrypto, from DEVICES: a line for modprobe each
#	unload MODULE		within 10 seconds: states are destroyed a little after
#				they are removed
#	peer CMD...		run a line of shell in the other guest
#	peer_wait		until it answers
#	both CMD...		run it here and there; fails if either does
#	esp_up NAME MODE CIPHER AUTH ENCAP [OPTION]...
#				the SAs and policies of a case, on this side;
#				OPTION: what `ip xfrm state add` takes besides
#	esp_down		without them
#	inner MODE SIDE		the address of SIDE whose traffic is protected
#	key BITS TEXT		a key that TEXT gives
#	sa_stat SPI FIELD	a counter of an SA: bytes, packets, replay-window,
#				replay, failed
#
# CIPHER: null des 3des aes128 aes192 aes256 blowfish cast128 serpent twofish
# AUTH: null md5 sha1 sha256    ENCAP: none espinudp espinudp-nonike

. /lib.sh

PORT=9000
OTHER=$((3 - SIDE))

esp_modules()
{
	local name

	for name in e1000 xfrm_user xfrm_algo esp4 ah4 tunnel4 xfrm4_tunnel cbc ecb \
	    des_generic authenc echainiv hmac md5 sha1_generic sha256_generic \
	    crypto_null xfrm4_mode_transport xfrm4_mode_tunnel xfrm4_mode_beet; do
		modprobe $name 2>/dev/null
	done
}

esp_devices()
{
	local line

	[ -n "${DEVICES:-}" ] || return 0
	echo "$DEVICES" | while read -r line; do
		# shellcheck disable=SC2086
		modprobe $line || report "not ok - modprobe $line"
	done
	case $DEVICES in
	acrypto_sim*)	only_sims ;;
	esac
}

# simulated devices work by the code of acrypto_soft, which brings devices of its
# own: those would do everything, being idle and near
only_sims()
{
	local dev

	for dev in /sys/class/acrypto/soft*; do
		[ ! -e "$dev/state" ] || echo 1 >"$dev/broken"
	done
}

unload()
{
	local i=0

	until rmmod "$1"; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sleep 0.1
	done
}

net_up()
{
	local i=0

	esp_modules
	# the whole of a datagram of 64 KiB has to fit into the fragments' queue
	echo 4194304 >/proc/sys/net/ipv4/ipfrag_high_thresh
	echo 3145728 >/proc/sys/net/ipv4/ipfrag_low_thresh
	echo 1048576 >/proc/sys/net/core/rmem_max
	echo 1048576 >/proc/sys/net/core/wmem_max
	# these ask for big buffers
	traffic serve 7 &
	traffic encap 4500 espinudp
	traffic encap 4501 espinudp-nonike
	while [ ! -e /sys/class/net/eth0 ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || return 1
		sleep 0.1
	done
	ifconfig lo 127.0.0.1 up
	# who answers at the first address has the others
	ifconfig eth0:1 "10.1.0.$SIDE" netmask 255.255.255.0 up
	ifconfig eth0:2 "10.2.0.$SIDE" netmask 255.255.255.0
	ifconfig eth0 "10.0.0.$SIDE" netmask 255.255.255.0 up
	[ "$SIDE" -eq 1 ] || nc -ll -p $PORT -e sh &
}

peer()
{
	echo ". /esp.sh; exec 2>&1; $*; echo \"status \$?\"" |
		nc "10.0.0.$OTHER" $PORT >/tmp/peer.out 2>/tmp/peer.err
	sed '/^status [0-9]*$/d' /tmp/peer.out
	grep -q '^status 0$' /tmp/peer.out
}

peer_wait()
{
	local i=0

	until peer true; do
		i=$((i + 1))
		[ $i -lt 240 ] || return 1
		sleep 0.5
	done
}

both()
{
	"$@" && peer "$*"
}

key()
{
	local text=''

	while [ ${#text} -lt $(($1 / 4)) ]; do
		text=$text$(echo "$2 ${#text}" | sha256sum | cut -c 1-64)
	done
	echo "$text" | cut -c "1-$(($1 / 4))"
}

inner()
{
	case $1 in
	tunnel) echo "10.2.0.$2" ;;
	*) echo "10.1.0.$2" ;;
	esac
}

cipher_bits()
{
	case $1 in
	null) echo 0 ;;
	des) echo 64 ;;
	3des) echo 192 ;;
	aes*) echo "${1#aes}" ;;
	*) echo 128 ;;
	esac
}

cipher_name()
{
	case $1 in
	# 2.6.20 takes no key only with this name
	null) echo cipher_null ;;
	3des) echo 'cbc(des3_ede)' ;;
	aes*) echo 'cbc(aes)' ;;
	*) echo "cbc($1)" ;;
	esac
}

auth_bits()
{
	case $1 in
	null) echo 0 ;;
	md5) echo 128 ;;
	sha1) echo 160 ;;
	sha256) echo 256 ;;
	esac
}

# one SA, from side $1; its SPI tells the case and the direction
esp_sa()
{
	local from="$1" name="$2" mode="$3" cipher="$4" auth="$5" encap="$6" spi ckey='' akey=''

	shift 6
	spi=$(esp_spi "$name" "$from")
	[ "$cipher" = null ] || ckey=0x$(key "$(cipher_bits "$cipher")" "$name $from c")
	[ "$auth" = null ] || akey=0x$(key "$(auth_bits "$auth")" "$name $from a")
	if [ "$SIDE" -eq 1 ]; then
		report "sa $spi $mode $cipher ${ckey:--} $auth ${akey:--} $encap"
	fi
	[ "$auth" = null ] || set -- "$@" auth "hmac($auth)" "$akey"
	set -- "$@" enc "$(cipher_name "$cipher")" "$ckey"
	case $encap in
	none) ;;
	espinudp) set -- "$@" encap espinudp 4500 4500 0.0.0.0 ;;
	*) set -- "$@" encap "$encap" 4501 4501 0.0.0.0 ;;
	esac
	if [ "$mode" = beet ]; then
		set -- "$@" sel src "10.1.0.$from" dst "10.1.0.$((3 - from))"
	fi
	ip xfrm state add src "10.1.0.$from" dst "10.1.0.$((3 - from))" proto esp \
		spi "$spi" reqid 1 mode "$mode" replay-window 32 "$@"
}

esp_spi()
{
	echo "0x$(echo "$1" | sha256sum | cut -c 1-6)$(printf '%02x' "$2")"
}

esp_up()
{
	local mode="$2" way from to

	esp_sa 1 "$@" && esp_sa 2 "$@" || return 1
	for way in out in; do
		from=$SIDE
		[ $way = out ] || from=$OTHER
		to=$((3 - from))
		ip xfrm policy add dir $way src "$(inner "$mode" "$from")" \
			dst "$(inner "$mode" $to)" tmpl src "10.1.0.$from" \
			dst "10.1.0.$to" proto esp reqid 1 mode "$mode" || return 1
	done
}

esp_down()
{
	ip xfrm policy flush && ip xfrm state flush
}

sa_stat()
{
	ip -s xfrm state list spi "$1" | awk -F '[ (),]+' -v what="$2" '
		/^[ \t]*[0-9]+\(bytes\)/ {
			sub(/^[ \t]*/, ""); n["bytes"] = $1; n["packets"] = $3
		}
		/replay-window [0-9]+ replay [0-9]+ failed/ {
			sub(/^[ \t]*/, "")
			n[$1] = $2; n[$3] = $4; n[$5] = $6
		}
		END { print n[what] }'
}
