# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: mainline's hifn_795x finds a chip, and all its ciphers are
# compared with the generic ones.
#
# from the host: SEED, WORKERS, REQUESTS (of each worker), CHIPS (how many boards),
# RNG (yes: the driver has random numbers)

. /lib.sh

# model BOARD REGISTER: a register of the model, in PCI configuration space
model()
{
	dd if="$1/config" bs=4 skip=$(($2 / 4)) count=1 2>/dev/null |
		hexdump -e '1/4 "%u"'
}

boards=
for dir in /sys/bus/pci/devices/*; do
	[ "$(cat "$dir/vendor")" != 0x13a3 ] || boards="$boards $dir"
done
# shellcheck disable=SC2086
set -- $boards
same "boards on the bus" "$CHIPS" $#

modprobe algif_skcipher
# what isn't there is built in
for name in aes_generic des_generic ecb cbc; do
	modprobe -q $name
done
# what that driver doesn't look at
if [ -x /bin/direct ]; then
	modprobe algif_hash
	for name in md5 sha1_generic hmac; do
		modprobe -q $name
	done
	check "direct: all of it" sh -c "direct $1 >/tmp/direct"
	while read -r line; do
		report "$line"
	done </tmp/direct
fi
check "hifn_795x loads" modprobe hifn_795x
bound=0
for dir; do
	[ ! -e "$dir/driver" ] || bound=$((bound + 1))
done
same "it drives all of them" "$CHIPS" $bound

# "cbc(aes)=cbc-aes-hifn0" for each cipher of each board; in CFB and OFB the driver
# declares no IV, takes one nevertheless, and can't be compared
ciphers=$(awk '$1 == "name" { name = $3 }
	$1 == "driver" && $3 ~ /^(ecb|cbc).*hifn[0-9]+$/ { print name "=" $3 }' /proc/crypto)
echo "$ciphers"
same "ciphers that it offers" $((6 * CHIPS)) "$(echo "$ciphers" | grep -c .)"

# judge BOARD
judge()
{
	local status=0

	# shellcheck disable=SC2046
	referee $((SEED + $1)) "$WORKERS" "$REQUESTS" \
		$(echo "$ciphers" | grep "hifn$1\$") >/tmp/equal || status=$?
	cat /tmp/equal
	return $status
}

index=0
for dir; do
	before=$(model "$dir" 0xb4)
	check "board $index: all are equal to the generic ciphers" judge "$index"
	sed "s/^equal/# equal/" /tmp/equal | while read -r line; do
		report "$line"
	done
	count=$(awk '$1 == "equal" { n += $3 } END { print n + 0 }' /tmp/equal)
	same "board $index: requests compared" $((WORKERS * REQUESTS)) "$count"
	# each kind has to have had its share
	same "board $index: kinds without a request" "" \
		"$(awk '$1 == "equal" && $3 == 0 { print $2 }' /tmp/equal)"
	same "board $index: commands that the chip had" $((WORKERS * REQUESTS)) \
		$(($(model "$dir" 0xb4) - before))
	report "# board $index: interrupts $(model "$dir" 0xbc), doorbells" \
		"$(model "$dir" 0xc0), misuses $(model "$dir" 0xe0)," \
		"aborts $(model "$dir" 0xd8), bad commands $(model "$dir" 0xd4)"
	index=$((index + 1))
done

# The driver waits too little between two numbers, so that the chip gives some of
# them twice, or it waits for seconds: few are taken.
random_words()
{
	make_nodes
	grep hifn /sys/class/misc/hw_random/rng_available || return 1
	tr " " "\n" </sys/class/misc/hw_random/rng_available | grep hifn | head -n 1 \
		>/sys/class/misc/hw_random/rng_current
	dd if=/dev/hw_random of=/tmp/random bs=4 count=64 2>/dev/null
	hexdump -v -e "1/4 \"%08x\\n\"" /tmp/random | sort -u | wc -l >/tmp/words
	cat /tmp/words
	[ "$(cat /tmp/words)" -ge 4 ]
}
if [ "$RNG" = yes ]; then
	check "random numbers" random_words
fi
finish
