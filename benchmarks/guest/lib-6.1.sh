# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# The same for Debian's 6.1 kernel, whose dm-crypt is not ours: `. /bench.sh`
# reads this, and this reads the common lib.sh as /bench-common.sh.  The variants
# differ in the name of the cipher: `stock` is CIPHER, `acrypto` OURS.  Further
# variables:
#
#	OURS		dm-crypt's name of the cipher on acrypto
#	SECTOR		bytes in a sector of dm-crypt
#	AES		"yes": load the code for the CPU's AES instructions

# shellcheck source=benchmarks/guest/lib.sh
. /bench-common.sh

bench_modules()
{
	local n

	n=$(echo "$VARIANTS" | wc -w)
	[ "$AES" = no ] || modprobe aesni-intel || exit 1
	for module in dm-crypt acrypto acrypto_soft acrypto_capi; do
		modprobe $module || exit 1
	done
	eager || exit 1
	modprobe brd rd_nr="$n" rd_size=$((MEGABYTES * 1024)) || exit 1
	make_nodes
	[ "$COUNT" != yes ] || report_symbols
}

make_device()
{
	local cipher="$CIPHER" table

	case $1 in
	acrypto*) cipher="$OURS" ;;
	esac
	table="0 $((MEGABYTES * 2048)) crypt $cipher $KEY 0 /dev/$2 0"
	[ "$SECTOR" = 512 ] || table="$table 1 sector_size:$SECTOR"
	dm_create "$1" "$table" || {
		report "no device $1: $table"
		exit 1
	}
}
