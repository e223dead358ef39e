# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# An ext3 file system on dm-crypt on acrypto: made, filled, checked, and read
# by stock.

# shellcheck source=tests/guest/lib.sh
. /lib.sh

KEY=8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null

sums()
{
	(cd /mnt && find . -type f | sort | xargs sha256sum)
}

check "table" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0
same "it goes to acrypto" "$(dmsetup status c | awk '{ print $4 }')" acrypto
check "mkfs" make_ext3 /dev/mapper/c
check "fsck finds it clean" e2fsck -f -n /dev/mapper/c
check "mount" mount -t ext3 /dev/mapper/c /mnt

# a big file, the programs of this guest, many small files, one with holes
check "big file" dd if=/dev/urandom of=/mnt/big bs=64k count=96
check "copied within" cp /mnt/big /mnt/big2
check "copies" cp -r /bin /lib /script /mnt/
i=0
while [ $i -lt 400 ]; do
	echo "file $i" >/mnt/small.$i
	i=$((i + 1))
done
check "holes" dd if=/script of=/mnt/holes bs=1k seek=5000 count=3
rm -f /mnt/small.*5
sums >/tmp/sums
check "there is something to compare" test "$(wc -l </tmp/sums)" -gt 300
sync
check "umount" umount /mnt
check "fsck" e2fsck -f -n /dev/mapper/c
check "mount again" mount -t ext3 /dev/mapper/c /mnt
sums >/tmp/sums.again
check "all files are the same" cmp /tmp/sums /tmp/sums.again
check "the two big ones too" cmp /mnt/big /mnt/big2

# four writers at a time, and sync
for i in 1 2 3 4; do
	(
		cp /mnt/big "/mnt/copy.$i" && sync && cmp /mnt/big "/mnt/copy.$i" &&
			rm "/mnt/copy.$i"
	) &
	eval "pid$i=\$!"
done
failed=0
# shellcheck disable=SC2154
for pid in $pid1 $pid2 $pid3 $pid4; do
	wait "$pid" || failed=$((failed + 1))
done
same "four writers at a time" $failed 0
check "umount" umount /mnt
check "fsck" e2fsck -f -n /dev/mapper/c
dm_remove c

check "stock table" crypt s aes-cbc-essiv:sha256 $KEY /dev/ram0 stock
check "fsck by stock" e2fsck -f -n /dev/mapper/s
check "mount by stock" mount -t ext3 /dev/mapper/s /mnt
sums >/tmp/sums.stock
check "stock reads the same files" cmp /tmp/sums /tmp/sums.stock
check "stock writes" cp /mnt/big /mnt/big3
check "umount" umount /mnt
dm_remove s

check "table again" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0 acrypto
check "mount again" mount -t ext3 /dev/mapper/c /mnt
check "acrypto reads what stock wrote" cmp /mnt/big /mnt/big3
check "umount" umount /mnt
check "fsck" e2fsck -f -n /dev/mapper/c
dm_remove c
finish
