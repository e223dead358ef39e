# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# dm-crypt on dm-crypt on dm-crypt ...: each level works in the context of the
# one above it for as long as the stack lasts.  (The kernel's lock checker takes
# stacked dm devices of any kind for a recursion, so not with that.)

# shellcheck source=tests/guest/lib.sh
. /lib.sh

LEVELS=9
MB=24
KEY=2b7e151628aed2a6abf7158809cf4f3c
DES=0123456789abcdef1123456789abcdef2123456789abcdef

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null

# pile DEV [OPTION...]: all levels on DEV, level n is /dev/mapper/ln
pile()
{
	local below="$1" n=1 cipher key options=

	shift
	[ $# -eq 0 ] || options=" $# $*"
	while [ "$n" -le "$LEVELS" ]; do
		case $((n % 4)) in
		0) cipher=des3_ede-cbc-plain key=$DES ;;
		1) cipher=aes-cbc-essiv:sha256 key=$KEY ;;
		2) cipher=aes-cbc-benbi key=$KEY$KEY ;;
		3) cipher=aes-ecb key=$KEY ;;
		esac
		dm_create "l$n" "0 $((MB * 2048)) crypt $cipher $key $n $below 0$options" ||
			return 1
		below=/dev/mapper/l$n
		n=$((n + 1))
	done
}

unpile()
{
	local n=$LEVELS

	while [ "$n" -gt 0 ]; do
		dm_remove "l$n" || return 1
		n=$((n - 1))
	done
}

# threads DIRECT: four of them write, read back and compare
threads()
{
	fio --name=stacked --filename="/dev/mapper/l$LEVELS" --thread \
		--direct="$1" --ioengine=psync --rw=randwrite --bsrange=4k-128k \
		--numjobs=4 --size=1m --offset_increment=4m --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --group_reporting --eta=never
}

dd if=/dev/urandom of=/tmp/data bs=64k count=24 2>/dev/null
for dev in /dev/ram0 /dev/hda; do
	check "$dev: $LEVELS levels" pile $dev
	same "$dev: acrypto does them" \
		"$(dmsetup status | awk '$5 == "acrypto"' | wc -l)" $LEVELS
	check "$dev: direct I/O" threads 1
	check "$dev: through the cache" threads 0
	check "$dev: data" dd if=/tmp/data of=/dev/mapper/l$LEVELS bs=64k conv=fsync
	check "$dev: taken down" unpile
	check "$dev: $LEVELS stock levels" pile $dev stock
	check "$dev: stock reads the same" \
		sh -c "dd if=/dev/mapper/l$LEVELS bs=64k count=24 | cmp - /tmp/data"
	check "$dev: taken down again" unpile
done
# shellcheck disable=SC2016
check "no session is left" \
	awk '{ n += $1 } END { exit n }' /sys/class/acrypto/*/sessions
finish
