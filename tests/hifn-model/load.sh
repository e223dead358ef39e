# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: requests to one cipher, of several sizes, with several in work, and
# what the boards counted meanwhile.
#
# LOAD: the module that makes them, skload or acload
#
# from the host: MODULES (to be loaded, in order), CIPHER (what to use) or MATCH (a
# pattern for its driver's name in /proc/crypto), KEY (bytes), SIZES, DEPTHS, COUNT,
# IN_PLACE (1, or nothing), UNITS (of a session, for acload)

. /lib.sh

boards=
for dir in /sys/bus/pci/devices/*; do
	[ "$(cat "$dir/vendor")" != 0x13a3 ] || boards="$boards $dir/config"
done

# count REGISTER: the sum over all boards (tests/qemu/hifn795x.c)
count()
{
	local board sum=0

	for board in $boards; do
		sum=$((sum + $(dd if="$board" bs=4 skip=$(($1 / 4)) count=1 2>/dev/null |
			hexdump -e '1/4 "%u"')))
	done
	echo $sum
}

# instead of lib.sh's: measure.sh tells why
mark()
{
	report "mark $1"
	marker
}

for name in $MODULES; do
	check "$name loads" modprobe "$name"
done
case " $MODULES " in
*" acrypto_capi "*) eager ;;
esac
if [ "$LOAD" = skload ]; then
	[ -n "$CIPHER" ] || CIPHER=$(awk -v match_this="$MATCH" \
		'$1 == "driver" && $3 ~ match_this { print $3; exit }' /proc/crypto)
	same "a cipher is found" "$([ -n "$CIPHER" ] && echo yes)" yes
	set -- "cipher=$CIPHER" "key_size=$KEY"
else
	set -- "units=$UNITS"
fi
what="$* in_place=${IN_PLACE:-0}"

# load SIZE DEPTH COUNT
load()
{
	dmesg -c >/dev/null
	# shellcheck disable=SC2086
	insmod "/lib/modules/0.0.0/$LOAD.ko" $what "size=$1" "depth=$2" "count=$3" ||
		return 1
	rmmod "$LOAD"
	dmesg | sed -n 's/.*load: .* nanoseconds //p' >/tmp/ns
	[ -s /tmp/ns ]
}

for size in $SIZES; do
	for depth in $DEPTHS; do
		# what comes once, on the first use, is no part of it
		check "$size bytes, $depth in work: warming up" load "$size" "$depth" 64
		commands=$(count 0xb4)
		interrupts=$(count 0xbc)
		doorbells=$(count 0xc0)
		writes=$(count 0xe8)
		reads=$(count 0xe4)
		mark "few.$size.$depth"
		load "$size" "$depth" "$COUNT"
		mark "between.$size.$depth"
		same "$size bytes, $depth in work: commands" $((COUNT)) \
			$(($(count 0xb4) - commands))
		report "row $size $depth $COUNT $(cat /tmp/ns)" \
			"$(($(count 0xbc) - interrupts)) $(($(count 0xc0) - doorbells))" \
			"$(($(count 0xe4) - reads)) $(($(count 0xe8) - writes))"
		mark "many.$size.$depth"
		check "$size bytes, $depth in work: twice as many" \
			load "$size" "$depth" $((2 * COUNT))
		mark "after.$size.$depth"
	done
done
finish
