# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# What dm-crypt on acrypto writes and reads.  /dev/hda has a region of REGION
# sectors for each case that this script writes /data to, for the host to
# decrypt, and behind those as many that the host has encrypted.

# shellcheck source=tests/guest/lib.sh
. /lib.sh
# shellcheck source=tests/dm-crypt/guest/cases.sh
. /cases.sh

C=/sys/class/acrypto
BYTES=$((REGION * 512))
KEY=2b7e151628aed2a6abf7158809cf4f3c

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null

# region NAME CIPHER KEY IVOFFSET NUMBER [OPTION...]
region()
{
	local name="$1" cipher="$2" key="$3" offset="$4" number="$5" table

	shift 5
	table="0 $REGION crypt $cipher $key $offset /dev/hda $((number * REGION))"
	[ $# -eq 0 ] || table="$table $# $*"
	dm_create "$name" "$table"
}

path_of()
{
	dmsetup status "$1" | awk '{ print $4 }'
}

holds_data()
{
	dd if="/dev/mapper/$1" bs="$2" iflag=direct 2>/dev/null | cmp - /data
}

# --- devices ------------------------------------------------------------------

cpus=$(grep -c ^processor /proc/cpuinfo)
# shellcheck disable=SC2046
set -- $(cat $C/crypto_sessions/devices)
same "a device for each CPU" $# "$cpus"
for dev in "$@"; do
	same "$dev is live" "$(cat "$C/$dev/state")" live
	same "$dev has its own name" "$(cat "$C/$dev/name")" "$dev"
	check "$dev has capabilities" test -s "$C/$dev/capabilities"
	same "no self-test of $dev failed" "$(grep -c failed "$C/$dev/capabilities")" 0
	# shellcheck disable=SC2016
	check "$dev measured its rates" \
		awk '/^encrypt/ && $NF + 0 <= 0 { bad = 1 } END { exit bad }' \
		"$C/$dev/capabilities"
done
same "simple_lb is the balancer" \
	"$(grep -c '\[simple_lb\]' $C/crypto_sessions/lbs)" 1

# --- data ---------------------------------------------------------------------

total=$(echo "$CASES" | grep -c .)
n=0
while read -r cipher key offset; do
	[ -n "$cipher" ] || continue
	bits=$((${#key} * 4))
	name="$cipher $bits from $offset"
	check "$name: table" region c "$cipher" "$key" "$offset" $n || continue
	same "$name: goes to acrypto" "$(path_of c)" acrypto
	before=$(counter sstarted)
	check "$name: written" dd if=/data of=/dev/mapper/c bs=64k oflag=direct
	check "$name: acrypto did it" test "$(counter sstarted)" -gt "$before"
	check "$name: read back" holds_data c 20k
	dm_remove c
	check "$name: stock table" region s "$cipher" "$key" "$offset" $n stock
	same "$name: stock is stock" "$(path_of s)" stock
	check "$name: stock reads it" holds_data s 64k
	# write it anew by stock, then read by acrypto
	dd if=/dev/zero of=/dev/mapper/s bs=64k oflag=direct count=$((REGION / 128)) 2>/dev/null
	check "$name: stock writes" dd if=/data of=/dev/mapper/s bs=4k oflag=direct
	dm_remove s
	region c "$cipher" "$key" "$offset" $n acrypto
	check "$name: acrypto reads what stock wrote" holds_data c 4k
	# and once more by acrypto, through the page cache: the host looks at it
	dd if=/dev/zero of=/dev/mapper/c bs=64k oflag=direct count=$((REGION / 128)) 2>/dev/null
	check "$name: written through the cache" \
		dd if=/data of=/dev/mapper/c bs=5k conv=fsync
	dm_remove c
	region c "$cipher" "$key" "$offset" $((total + n))
	check "$name: reads what OpenSSL wrote" holds_data c 32k
	dm_remove c
	n=$((n + 1))
done <<EOF
$CASES
EOF
same "all cases were tried" $n "$total"

# --- I/O of odd sizes and at odd addresses --------------------------------------

last=$((total * 2))
for option in acrypto stock; do
	region v aes-cbc-essiv:sha256 $KEY 0 $last $option
	for seed in 1 2 3; do
		check "odd vectors, $option, seed $seed" \
			vectors /dev/mapper/v $BYTES $seed 400
	done
	dm_remove v
done
region v aes-cbc-essiv:sha256 $KEY 0 $last
for size in 512 1536 4096 4608 65024 131072 1048576; do
	dd if=/dev/zero of=/dev/mapper/v bs=64k oflag=direct count=$((REGION / 128)) 2>/dev/null
	check "blocks of $size" sh -c "dd if=/data of=/dev/mapper/v bs=$size oflag=direct &&
		dd if=/dev/mapper/v bs=$size iflag=direct | cmp - /data"
done
dm_remove v

# --- ciphers that no device has -------------------------------------------------

for line in "blowfish-cbc-essiv:sha256 $KEY" "serpent-cbc-plain $KEY" \
    "twofish-cbc-essiv:sha256 $KEY$KEY" "aes-lrw-benbi $KEY$KEY"; do
	cipher="${line% *}"
	key="${line##* }"
	check "$cipher: table" region c "$cipher" "$key" 0 $last || continue
	same "$cipher: goes the stock way" "$(path_of c)" stock
	check "$cipher: written" dd if=/data of=/dev/mapper/c bs=64k oflag=direct
	dm_remove c
	region s "$cipher" "$key" 0 $last stock
	check "$cipher: read by stock" holds_data s 64k
	dm_remove s
done

# --- tables ---------------------------------------------------------------------

T="0 $REGION crypt aes-cbc-essiv:sha256 $KEY 3 /dev/hda 0"
for options in "" " 1 stock" " 1 acrypto" " 0"; do
	check "table '$options' is taken" dm_create t "$T$options"
	same "table '$options' is shown as it was given" "$(dmsetup table --showkeys t)" \
		"0 $REGION crypt aes-cbc-essiv:sha256 $KEY 3 3:0 0$options"
	dm_remove t
done
for options in " 1" " 1 fast" " 2 stock" " 2 stock acrypto" " 1 stock acrypto" \
    " x stock" " -1 stock" " 01 stock" " 0 stock" " stock" " 1 Stock"; do
	dmesg -c >/dev/null
	refused "options '$options' are refused" dm_create bad "$T$options"
	check "and the kernel says why" sh -c 'dmesg | grep "[Oo]ptional arg\|Not enough arg"'
done
refused "a key of 13 bytes is refused" dm_create bad \
	"0 $REGION crypt aes-cbc-plain 00112233445566778899aabbcc 0 /dev/hda 0"
refused "an unknown cipher is refused" dm_create bad \
	"0 $REGION crypt nosuch-cbc-plain $KEY 0 /dev/hda 0"
refused "an unknown IV is refused" dm_create bad \
	"0 $REGION crypt aes-cbc-nosuch $KEY 0 /dev/hda 0"

# --- the switch -------------------------------------------------------------------

S=/sys/module/acrypto/parameters/enabled
region c aes-cbc-plain $KEY 0 $last
echo 0 >$S
same "switched off: stock" "$(path_of c)" stock
before=$(counter sstarted)
check "switched off: written" dd if=/data of=/dev/mapper/c bs=64k oflag=direct
same "switched off: acrypto did nothing" "$(counter sstarted)" "$before"
echo 1 >$S
same "switched on: acrypto" "$(path_of c)" acrypto
check "switched on: read" holds_data c 64k
check "switched on: acrypto did it" test "$(counter sstarted)" -gt "$before"
dm_remove c

# --- the balancers ----------------------------------------------------------------

if [ "$cpus" -gt 1 ]; then
	modprobe acrypto_lb_rr 2>/dev/null
	check "another balancer is chosen" sh -c "echo round_robin >$C/crypto_sessions/lbs"
	check "and shown" grep -q '\[round_robin\]' $C/crypto_sessions/lbs
	region c aes-cbc-plain $KEY 0 $last
	for dev in "$@"; do
		cat "$C/$dev/sstarted" >"/tmp/before.$dev"
	done
	check "round_robin: read" holds_data c 64k
	for dev in "$@"; do
		check "round_robin: $dev has its share" test "$(cat "$C/$dev/sstarted")" \
			-gt "$(cat "/tmp/before.$dev")"
	done
	dm_remove c
	refused "an unknown balancer is refused" \
		sh -c "echo nosuch >$C/crypto_sessions/lbs"
	check "and the old one stays" grep -q '\[round_robin\]' $C/crypto_sessions/lbs
	echo simple_lb >$C/crypto_sessions/lbs
fi

same "every session came back" "$(counter sstarted)" \
	"$(($(counter sfinished) + $(counter smoved)))"
same "none is left" "$(counter sessions)" 0
finish
