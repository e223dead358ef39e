# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: allocations fail, for the tasks that ask for it, while devices,
# contexts and sessions are made and used.  TIMES: of each.

. /lib.sh
. /core.sh
. /disk.sh

FAULTS=/sys/kernel/debug/failslab

# with_faults CMD...: every so manieth allocation of it fails, another each time, so
# that it gets further and further before one does
with_faults()
{
	INTERVAL=$((INTERVAL * 7 / 4 + 1))
	[ $INTERVAL -lt 2000 ] || INTERVAL=2
	echo $INTERVAL >$FAULTS/interval
	sh -c 'echo 1 >/proc/self/make-it-fail; exec "$@"' - "$@" 2>/dev/null
}

# in_time CMD...: whether it works or not, it comes to an end; counts both
in_time()
{
	if with_faults timeout 300 "$@"; then
		WORKED=$((WORKED + 1))
	elif [ $? -eq 143 ]; then
		HUNG=$((HUNG + 1))
	else
		BROKE=$((BROKE + 1))
	fi
}

# trial NAME: report what in_time has counted
trial()
{
	report "# $1: $WORKED times it worked, $BROKE times it did not"
	check "$1: none of them hung" [ $HUNG -eq 0 ]
	check "$1: some failed" [ $BROKE -gt 0 ]
	WORKED=0
	BROKE=0
	HUNG=0
}

INTERVAL=1
WORKED=0
BROKE=0
HUNG=0
echo 1 >$FAULTS/task-filter
echo N >$FAULTS/ignore-gfp-wait
echo 0 >$FAULTS/verbose
echo 100 >$FAULTS/probability
echo -1 >$FAULTS/times

n=0
while [ $n -lt "$TIMES" ]; do
	n=$((n + 1))
	modprobe acrypto
	in_time modprobe acrypto_soft devices=1
	modprobe acrypto_soft devices=1 2>/dev/null
	in_time modprobe acrypto_sim
	rmmod acrypto_sim 2>/dev/null
	rmmod acrypto_soft
	rmmod acrypto
done
trial "devices"

modprobe brd
for module in dm-crypt aesni-intel acrypto_soft acrypto_capi; do
	modprobe $module
done
eager
modprobe acrypto_sim devices=2 kind=1,1 qlen=4096,4096
make_nodes
n=0
while [ $n -lt "$TIMES" ]; do
	n=$((n + 1))
	in_time dmsetup create acrypto --noudevsync --noudevrules --table \
		"0 8192 crypt $OURS $KEY 0 /dev/ram0 0"
	dmsetup remove --noudevsync --noudevrules acrypto 2>/dev/null
done
trial "contexts"

n=0
while [ $n -lt "$TIMES" ]; do
	n=$((n + 1))
	in_time modprobe acrypto_test tests=right
	rmmod acrypto_test 2>/dev/null
done
dmesg -c >/tmp/log
refused "no session had a wrong result" \
	grep "not ok - right: every session" /tmp/log
trial "sessions"

check "dm-crypt on acrypto" disks
dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
n=0
while [ $n -lt "$TIMES" ]; do
	n=$((n + 1))
	in_time dd if=/tmp/data of=/dev/mapper/acrypto bs=64k oflag=direct
	in_time dd if=/dev/mapper/acrypto of=/tmp/back bs=64k count=16 iflag=direct
done
report "# disk: $WORKED times it worked, $BROKE times it did not"
check "disk: none of them hung" [ $HUNG -eq 0 ]
check "without faults it works" sh -c \
	"dd if=/tmp/data of=/dev/mapper/acrypto bs=64k oflag=direct"
check "and stock code reads it" sh -c \
	"dd if=/dev/mapper/stock bs=64k count=16 iflag=direct | cmp - /tmp/data"
check "targets go" disks_gone
for module in acrypto_sim acrypto_capi acrypto_soft acrypto; do
	check "$module is unloaded" rmmod $module
done
finish
