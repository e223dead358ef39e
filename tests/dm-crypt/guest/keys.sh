# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A dm-crypt device with KEY is used, and removed if STATE says so.  The host
# then looks for the key in this guest's memory.

# shellcheck source=tests/guest/lib.sh
. /lib.sh

modprobe acrypto_soft 2>/dev/null
modprobe dm-crypt 2>/dev/null
check "table" crypt c aes-cbc-plain "$KEY" /dev/ram0
same "it goes to acrypto" "$(dmsetup status c | awk '{ print $4 }')" acrypto
check "written" dd if=/dev/zero of=/dev/mapper/c bs=64k count=32 oflag=direct
check "read" dd if=/dev/mapper/c of=/dev/null bs=64k count=32 iflag=direct
if [ "$STATE" = removed ]; then
	check "removed" dm_remove c
fi
finish
