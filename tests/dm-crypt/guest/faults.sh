# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2317
#
# Most allocations that may not wait fail: dm-crypt lives on its reserves and
# splits its writes.

# shellcheck source=tests/guest/lib.sh
. /lib.sh

DEBUG=/sys/kernel/debug
KEY=2b7e151628aed2a6abf7158809cf4f3c

[ -d $DEBUG ] || DEBUG=/tmp/debug
mkdir -p $DEBUG
mount -t debugfs none $DEBUG
check "the kernel lets allocations fail" \
	[ -d $DEBUG/fail_page_alloc -a -d $DEBUG/failslab ] || finish

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null

# faults PAGES SLAB: how many of a hundred fail
faults()
{
	local kind percent=$1

	for kind in fail_page_alloc failslab; do
		echo 0 >$DEBUG/$kind/verbose
		echo Y >$DEBUG/$kind/ignore-gfp-wait
		[ ! -e $DEBUG/$kind/ignore-gfp-highmem ] ||
			echo N >$DEBUG/$kind/ignore-gfp-highmem
		echo 1000000 >$DEBUG/$kind/times
		echo "$percent" >$DEBUG/$kind/probability
		percent=$2
	done
}

# how many have failed since
failed()
{
	echo $((2000000 - $(cat $DEBUG/fail_page_alloc/times) - $(cat $DEBUG/failslab/times)))
}

# how many more writes the disk has done than dm-crypt was asked for
extra_writes()
{
	cat "/sys/block/$above/stat" /sys/block/hda/stat |
		awk '{ n = $5 - n } END { print n }'
}

# threads DEV DIRECT: eight of them write, read back and compare
threads()
{
	fio --name=faults --filename="$1" --thread --direct="$2" \
		--ioengine=psync --rw=randwrite --bsrange=4k-128k --numjobs=8 \
		--size=2m --offset_increment=3m --verify=crc32c --do_verify=1 \
		--verify_fatal=1 --group_reporting --eta=never
}

SIZE=$((24 * 2048))
dm_create disk "0 $SIZE crypt aes-cbc-essiv:sha256 $KEY 0 /dev/hda 0"
above=dm-$(dmsetup info -c --noheadings -o minor disk)

extra=$(extra_writes)
check "disk, all is well" threads /dev/mapper/disk 1
check "disk, all is well: no write is split" test "$(extra_writes)" -le "$extra"
for mix in "70 0" "70 70" "30 30" "0 90"; do
	# shellcheck disable=SC2086
	faults $mix
	extra=$(extra_writes)
	check "disk, faults $mix: direct" threads /dev/mapper/disk 1
	extra=$(($(extra_writes) - extra))
	check "disk, faults $mix: cached" threads /dev/mapper/disk 0
	n=$(failed)
	faults 0 0
	check "disk, faults $mix: many failed ($n)" test "$n" -gt 2500
	case $mix in
	70*)	check "disk, faults $mix: writes were split ($extra)" \
			test "$extra" -gt 0 ;;
	esac
done
dm_remove disk

# here reads come back in the context of the reader, who doesn't wait
dm_create ram "0 $SIZE crypt aes-cbc-plain $KEY 0 /dev/ram0 0"
for mix in "50 70" "0 90"; do
	# shellcheck disable=SC2086
	faults $mix
	check "RAM disk, faults $mix: direct" threads /dev/mapper/ram 1
	check "RAM disk, faults $mix: cached" threads /dev/mapper/ram 0
	faults 0 0
done
dm_remove ram
# shellcheck disable=SC2016
check "no session is left" \
	awk '{ n += $1 } END { exit n }' /sys/class/acrypto/*/sessions
finish
