# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# A kernel with acrypto built in, that was started with acrypto.enabled=0.

# shellcheck source=tests/guest/lib.sh
. /lib.sh

KEY=2b7e151628aed2a6abf7158809cf4f3c

# the self-tests have been there already
bytes()
{
	cat /sys/class/acrypto/*/bytes | awk '{ n += $1 } END { print n + 0 }'
}

before=$(bytes)
same "the parameter is taken" "$(cat /sys/module/acrypto/parameters/enabled)" 0
check "table" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0
same "it goes the stock way" "$(dmsetup status c | awk '{ print $4 }')" stock
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
check "written" dd if=/tmp/data of=/dev/mapper/c bs=64k oflag=direct
same "acrypto did nothing" "$(bytes)" "$before"
check "switched on" sh -c 'echo 1 >/sys/module/acrypto/parameters/enabled'
same "it goes to acrypto" "$(dmsetup status c | awk '{ print $4 }')" acrypto
check "read" sh -c 'dd if=/dev/mapper/c bs=64k count=32 iflag=direct | cmp - /tmp/data'
same "acrypto did it" "$(bytes)" $((before + 32 * 65536))
dm_remove c
finish
