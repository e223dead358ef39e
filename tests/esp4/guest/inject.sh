# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# A guest alone, to which inject.py sends what nobody should: reports all that it
# counted of it.  The kernel has to live.
#
#	CASES	its SAs: MODE:CIPHER:AUTH:ENCAP, as inject.py knows them

. /esp.sh

esp_modules
esp_devices
for case in $CASES; do
	# shellcheck disable=SC2046
	set -- $(echo "$case" | tr : ' ')
	check "$case: the SA is accepted" esp_sa 2 "$case" "$@"
done
for mode in transport tunnel; do
	check "$mode: the policy is accepted" ip xfrm policy add dir in \
		src "$(inner $mode 2)" dst "$(inner $mode 1)" tmpl src 10.1.0.2 \
		dst 10.1.0.1 proto esp reqid 1 mode $mode
done
traffic sink 9 /tmp/sink &
sink=$!
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
# parts of packets that never become whole hold their states
echo 3 >/proc/sys/net/ipv4/ipfrag_time
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
# only now does it answer
net_up
wait $sink
for case in $CASES; do
	spi=$(esp_spi "$case" 2)
	report "count $spi $(for what in packets replay-window replay failed; do
		printf '%s %s ' $what "$(sa_stat "$spi" $what)"
	done)"
done
report "count $(cat /tmp/sink)"
report "snmp $(awk '/^(Ip|Udp|Icmp):/ {
	if ($1 in names) {
		split(names[$1], name)
		for (i = 2; i <= NF; i++)
			if (name[i] ~ /^(InHdrErrors|InAddrErrors|InUnknownProtos|InDiscards|ReasmOKs|InErrors|NoPorts)$/)
				printf "%s%s %s ", $1, name[i], $i
	}
	names[$1] = $0 }' /proc/net/snmp)"
check "SAs and policies can be removed" esp_down
check "and the module" unload esp4
finish
