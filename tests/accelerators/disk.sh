# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What this suite's guests share beside /core.sh, as /disk.sh.
#
#	KEY, OURS, THEIRS		key and table names of the two ways
#	disks				modules, /dev/ram0, the two targets over it:
#					/dev/mapper/acrypto, which devices do by then,
#					and .../stock, of 4k sectors
#	disks_gone

KEY=000102030405060708090a0b0c0d0e0f
OURS="capi:acrypto(cbc(aes))-plain64"
THEIRS="capi:cbc(aes)-plain64"

disks()
{
	crypt acrypto "$OURS" $KEY /dev/ram0 sector_size:4096 &&
		crypt stock "$THEIRS" $KEY /dev/ram0 sector_size:4096 &&
		make_nodes && device_work acrypto
}

disks_gone()
{
	dm_remove acrypto stock
}
