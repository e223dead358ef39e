# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# The first guest: traffic through one pair of SAs after the other, both ways.
#
#	CASES	a list of MODE:CIPHER:AUTH:ENCAP
#	SIZES	of the datagrams
#	STREAM	bytes of each TCP stream
#	WAY	"acrypto" if the sessions must have gone through acrypto

. /esp.sh

net_up
esp_devices
check "the other guest answers" peer_wait || finish
report "# here $(uname -r), there $(peer uname -r)"

traffic_both_ways()
{
	local mode="$1"

	# shellcheck disable=SC2086
	traffic icmp "$(inner "$mode" "$OTHER")" 1 56 1473 &&
		traffic udp "$(inner "$mode" "$OTHER")" 7 $SIZES &&
		traffic tcp "$(inner "$mode" "$OTHER")" 7 "$STREAM" &&
		peer traffic tcp "$(inner "$mode" "$SIDE")" 7 "$STREAM"
}

# each SA has carried something, and the lifetime's counters know
counted()
{
	local spi side

	for side in 1 2; do
		spi=$(esp_spi "$1" $side)
		[ "$(sa_stat "$spi" packets)" -gt 8 ] || return 1
		[ "$(sa_stat "$spi" failed)" -eq 0 ] || return 1
	done
}

# sessions that devices have done
sessions()
{
	cat /sys/class/acrypto/*/scompleted 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}

# is it for acrypto?
ours()
{
	[ "${WAY:-}" = acrypto ] || return 1
	case $1:$2 in
	null:null) return 1 ;;
	null:* | des:* | 3des:* | aes*) return 0 ;;
	esac
	return 1
}

for case in $CASES; do
	# shellcheck disable=SC2046
	set -- $(echo "$case" | tr : ' ')
	if ! both esp_up "$case" "$@" >/tmp/up 2>&1; then
		cat /tmp/up
		check "$case: the SAs are accepted: $(tr '\n' ' ' </tmp/up)" false
		both esp_down
		continue
	fi
	done=$(sessions)
	check "$case" traffic_both_ways "$1" >/tmp/traffic 2>&1
	cat /tmp/traffic
	sed -n "s/^traffic: .*: sent/# $case: &/p" /tmp/traffic | while read -r line; do
		report "$line"
	done
	check "$case: counted" counted "$case"
	if ours "$2" "$3"; then
		done=$(($(sessions) - done))
		check "$case: by acrypto: $done sessions" [ $done -gt 450 ]
	fi
	both esp_down
done
peer touch /tmp/through
finish
