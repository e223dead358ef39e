# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# No memory left: dm-crypt on acrypto is what the memory is swapped to, and a
# file system is written to it at the same time.

# shellcheck source=tests/guest/lib.sh
. /lib.sh

KEY=2b7e151628aed2a6abf7158809cf4f3c

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null

HALF=$(($(sectors /dev/hda) / 2))
check "table for swap" dm_create swap \
	"0 $HALF crypt aes-cbc-essiv:sha256 $KEY 0 /dev/hda 0"
check "table for files" dm_create files \
	"0 $HALF crypt aes-cbc-plain $KEY$KEY 0 /dev/hda $HALF"
same "swap goes to acrypto" "$(dmsetup status swap | awk '{ print $4 }')" acrypto
check "mkswap" mkswap /dev/mapper/swap
check "swapon" swapon /dev/mapper/swap
check "mkfs" make_ext3 /dev/mapper/files
check "mount" mount -t ext3 /dev/mapper/files /mnt

total=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
report "memory: $total MiB"
# pages of a tmpfs go to swap; together they are more than there is memory for
mkdir /tmp/big
mount -t tmpfs -o size=100m tmpfs /tmp/big
fill=$((total - 4))
(
	dd if=/dev/urandom of=/mnt/file bs=64k count=400 2>/dev/null
	sha256sum </mnt/file >/tmp/file.sum
	dd if=/mnt/file of=/mnt/copy bs=64k 2>/dev/null
	sync
) &
writer=$!
check "$fill MiB written to tmpfs" \
	dd if=/dev/urandom of=/tmp/big/a bs=64k count=$((fill * 16))
used=$(awk '/^SwapTotal:/ { t = $2 } /^SwapFree:/ { f = $2 } END { print t - f }' /proc/meminfo)
check "swap is in use ($used KiB)" test "$used" -gt 20000
sum=$(sha256sum </tmp/big/a)
wait $writer
for round in 1 2; do
	same "round $round: what was swapped out comes back" "$(sha256sum </tmp/big/a)" "$sum"
done
same "the file on the other device is right" "$(sha256sum </mnt/copy)" "$(cat /tmp/file.sum)"
rm /tmp/big/a
check "umount" umount /mnt
check "fsck" e2fsck -f -n /dev/mapper/files
check "swapoff" swapoff /dev/mapper/swap
# shellcheck disable=SC2016
check "no session is left" \
	awk '{ n += $1 } END { exit n }' /sys/class/acrypto/*/sessions
dm_remove swap files
finish
