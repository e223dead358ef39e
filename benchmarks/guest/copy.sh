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

file_systems
# shellcheck disable=SC2086
dm_remove $VARIANTS
