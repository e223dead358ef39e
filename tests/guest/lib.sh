# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the guests' scripts share: `. /lib.sh`.
#
#	report TEXT		a line on the host's stdout
#	check NAME CMD...	run CMD, report `ok - NAME` or `not ok - NAME`
#	refused NAME CMD...	the same, and CMD has to fail
#	same NAME A B		the same for two strings
#	skip NAME REASON	report `skip - NAME: REASON`
#	finish			the script's last line: fails if a check failed
#	mark NAME		a border for instruction counting
#	report_symbols		the modules' symbols, for scripts/profile.sh
#	sectors DEV		size of DEV in 512-byte sectors
#	dm_create NAME TABLE	make the device /dev/mapper/NAME
#	dm_remove NAME...	and remove it
#	crypt NAME CIPHER KEY DEV [OPTION]...
#				dm-crypt device NAME over all of DEV
#	make_ext3 DEV		an ext3 file system that every 2.6 kernel mounts
#	make_nodes		make the nodes of all devices that sysfs shows
#	kernel_log		the kernel's messages
#
# and what they all want of acrypto:
#
#	until_true CMD...	until CMD succeeds, within 60 seconds
#	state DEVICE		what sysfs says of it
#	await_state DEVICE STATE
#	break_device DEVICE	and wait until it is broken
#	repair DEVICE		print the state that it has then
#	soft break|repair	the same with all devices of the CPUs
#	counter FILE [DEVICES]	a counter in sysfs, the sum over all devices or those
#				whose names match
#	eager			acrypto_capi's devices get a key as soon as it is set
#	device_work VOLUME	read from /dev/mapper/VOLUME until a device does it: what
#				is new may go the stock way for a while
#	now			hundredths of a second since boot
#
# What a command prints goes to the console, i.e. into console.log.

CHECKS=0
FAILED=0

report()
{
	echo "$*" >&3
}

check()
{
	local name="$1"

	shift
	CHECKS=$((CHECKS + 1))
	if "$@"; then
		report "ok - $name"
	else
		FAILED=$((FAILED + 1))
		report "not ok - $name: $*"
		return 1
	fi
}

refused()
{
	local name="$1"

	shift
	CHECKS=$((CHECKS + 1))
	if "$@"; then
		FAILED=$((FAILED + 1))
		report "not ok - $name: didn't fail: $*"
		return 1
	else
		report "ok - $name"
	fi
}

same()
{
	CHECKS=$((CHECKS + 1))
	if [ "$2" = "$3" ]; then
		report "ok - $1"
	else
		FAILED=$((FAILED + 1))
		report "not ok - $1: '$2' is not '$3'"
		return 1
	fi
}

skip()
{
	report "skip - $1: $2"
}

finish()
{
	if [ $CHECKS -eq 0 ]; then
		report "not ok - no check was run"
		exit 1
	fi
	[ $FAILED -eq 0 ] || exit 1
	exit 0
}

mark()
{
	report "mark $1"
	hostname "$1"
}

report_symbols()
{
	grep '\[' /proc/kallsyms | sed 's/^/symbol /' >&3
}

make_nodes()
{
	local dir type old

	for dir in /sys/block/* /sys/block/*/* /sys/class/*/*; do
		[ -f "$dir/dev" ] || continue
		[ -e "/dev/${dir##*/}" ] && continue
		case $dir in
		/sys/block/*) type=b ;;
		/sys/class/block/*) continue ;;
		*) type=c ;;
		esac
		old=$IFS
		IFS=:
		# shellcheck disable=SC2046
		set -- $(cat "$dir/dev")
		IFS=$old
		mknod "/dev/${dir##*/}" $type "$1" "$2"
	done
}

sectors()
{
	blockdev --getsz "$1"
}

dm_create()
{
	dmsetup create "$1" --noudevsync --noudevrules --table "$2" || return 1
	[ -b "/dev/mapper/$1" ]
}

dm_remove()
{
	local name status=0

	for name in "$@"; do
		dmsetup remove --noudevsync --noudevrules "$name" || status=1
	done
	return $status
}

crypt()
{
	local name="$1" cipher="$2" key="$3" dev="$4" table

	shift 4
	table="0 $(sectors "$dev") crypt $cipher $key 0 $dev 0"
	[ $# -eq 0 ] || table="$table $# $*"
	dm_create "$name" "$table"
}

make_ext3()
{
	mke2fs -q -F -j -b 4096 -I 128 -O "^64bit,^metadata_csum,^extent,^huge_file,\
^flex_bg,^dir_nlink,^extra_isize,^resize_inode,^metadata_csum_seed,^orphan_file" "$1" \
		2>/dev/null
}

kernel_log()
{
	dmesg
}

# --- acrypto -----------------------------------------------------------------------

until_true()
{
	local tries=0

	until "$@"; do
		tries=$((tries + 1))
		[ $tries -le 300 ] || return 1
		sleep 0.2
	done
}

state()
{
	cat "/sys/class/acrypto/$1/state"
}

has_state()
{
	[ "$(state "$1")" = "$2" ]
}

await_state()
{
	until_true has_state "$@"
}

break_device()
{
	echo 1 >"/sys/class/acrypto/$1/broken"
	await_state "$1" broken
}

repair()
{
	echo 0 >"/sys/class/acrypto/$1/broken"
	state "$1"
}

soft()
{
	local dev status=0

	for dev in /sys/class/acrypto/soft*; do
		[ -e "$dev" ] || continue
		if [ "$1" = break ]; then
			break_device "${dev##*/}" || status=1
		else
			repair "${dev##*/}" >/dev/null
		fi
	done
	return $status
}

counter()
{
	# shellcheck disable=SC2086
	cat /sys/class/acrypto/${2:-*}/"$1" 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}

eager()
{
	echo Y >/sys/module/acrypto_capi/parameters/eager
}

# device_worked VOLUME BEFORE
device_worked()
{
	dd if="/dev/mapper/$1" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null &&
		[ "$(counter scompleted)" -gt "$2" ]
}

device_work()
{
	until_true device_worked "$1" "$(counter scompleted)"
}

now()
{
	sed 's/ .*//; s/\.//' /proc/uptime
}
