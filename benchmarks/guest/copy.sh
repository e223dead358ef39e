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
		file_system "$variant"
	done
	round=$((round + 1))
done
# shellcheck disable=SC2086
dm_remove $VARIANTS
