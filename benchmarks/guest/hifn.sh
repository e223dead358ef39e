# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: dm-crypt by the kernel's own cipher and on HIFN boards, without any
# other device; big direct writes and reads.  What comes once for each run falls out
# where the host takes the run with few megabytes from that with many.
#
# from the host: CIPHER, KEY, FEW, MANY (megabytes)

. /lib.sh

nanoseconds()
{
	# date prints seconds and nine digits
	date +%s%N
}

# transfer OPERATION VARIANT MEGABYTES
transfer()
{
	case $1 in
	write) dd if=/dev/zero of="/dev/mapper/$2" bs=1M count="$3" oflag=direct ;;
	read) dd if="/dev/mapper/$2" of=/dev/null bs=1M count="$3" iflag=direct ;;
	esac 2>/dev/null
}

for name in dm-crypt acrypto_hifn; do
	check "$name loads" modprobe $name
done
check "stock" crypt stock "$CIPHER" "$KEY" /dev/ram0 stock
check "hifn" crypt hifn "$CIPHER" "$KEY" /dev/ram1 acrypto
same "which goes to acrypto" "$(dmsetup status hifn | awk '{ print $4 }')" acrypto
for variant in stock hifn; do
	# a ram disk gets its memory on the first write
	transfer write $variant "$MANY"
	for operation in write read; do
		for size in $FEW $MANY; do
			mark "$operation.$variant.$size"
			start=$(nanoseconds)
			check "$operation, $variant, $size" \
				transfer $operation $variant "$size"
			end=$(nanoseconds)
			mark "end.$operation.$variant.$size"
			report "time $operation $variant $size $((end - start))"
		done
	done
	dm_remove $variant
done
finish
