# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A file system on dm-crypt: mkfs.ext3, a big file copied onto it until it is
# on the disk, and read back after a new mount.  Further variable:
#
#	FILE_MB		size of the file

# shellcheck source=benchmarks/guest/lib.sh
. /bench.sh

bench_modules
make_devices
dd if=/dev/urandom of=/tmp/file bs=64k count=$((FILE_MB * 16)) 2>/dev/null

round=0
while [ $round -lt "$ROUNDS" ]; do
	for variant in $(rotated $round); do
		start=$(nanoseconds)
		make_ext3 "/dev/mapper/$variant" || exit 1
		sync
		end=$(nanoseconds)
		sample mkfs.ext3 "$variant" \
			"$(awk -v t=$((end - start)) 'BEGIN { printf "%.6f", t / 1e9 }')" s
		mount -t ext3 "/dev/mapper/$variant" /mnt || exit 1

		start=$(nanoseconds)
		cp /tmp/file /mnt/file && sync || exit 1
		end=$(nanoseconds)
		sample copy "$variant" \
			"$(per_second $((FILE_MB << 20)) $((end - start)))" KiB/s

		umount /mnt
		mount -t ext3 "/dev/mapper/$variant" /mnt || exit 1
		start=$(nanoseconds)
		dd if=/mnt/file of=/dev/null bs=1M 2>/dev/null || exit 1
		end=$(nanoseconds)
		sample read-back "$variant" \
			"$(per_second $((FILE_MB << 20)) $((end - start)))" KiB/s
		# a figure for data that came back wrong would be worth nothing
		cmp /tmp/file /mnt/file || exit 1
		umount /mnt
	done
	round=$((round + 1))
done
# shellcheck disable=SC2086
dm_remove $VARIANTS
