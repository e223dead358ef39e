# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What this suite's guests share beside /core.sh, as /disk.sh.
#
#	KEY, OURS, THEIRS		key and table names of the two ways
#	soft break|repair		all devices of the software provider
#	disks				modules, /dev/ram0, the two targets over it:
#					/dev/mapper/acrypto and .../stock, of 4k sectors
#	disks_gone

KEY=000102030405060708090a0b0c0d0e0f
OURS="capi:acrypto(cbc(aes))-plain64"
THEIRS="capi:cbc(aes)-plain64"

soft()
{
	local dev

	for dev in /sys/class/acrypto/soft*; do
		if [ "$1" = break ]; then
			break_device "${dev##*/}"
		else
			repair "${dev##*/}"
		fi
	done
}

disks()
{
	crypt acrypto "$OURS" $KEY /dev/ram0 sector_size:4096 &&
		crypt stock "$THEIRS" $KEY /dev/ram0 sector_size:4096 &&
		make_nodes
}

disks_gone()
{
	dm_remove acrypto stock
}
