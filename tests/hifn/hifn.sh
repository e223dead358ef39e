# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034
#
# What this suite's guests share, as /hifn.sh.
#
#	boards				PCI addresses of the boards, one a line
#	model BOARD NAME		a counter of the model, by its name below
#	arm BOARD FAULT [AFTER [TIMES [RING]]]
#					let it fail: after so many good commands
#					(0), so often (1; 0: for ever)
#	disarm BOARD
#	attr DEVICE FILE		what sysfs says
#	await_more NUMBER COMMAND ARGUMENT ARGUMENT
#					until what it prints is more, 60 seconds
#	good DEVICE			does it have all capabilities, none failed?
#	crypt_hifn NAME DEV [OPTION]	dm-crypt device NAME over DEV
#	verified [ARGUMENT...]		fio on /dev/mapper/c in the background
#	running, stopped, ended		is it, and does or did it end well?

C=/sys/class/acrypto
# a host that is busy lets the model stand still for a while
PATIENT=timeout_ms=10000
HIFN_CAPS=43
KEY=603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4

boards()
{
	local dir

	for dir in /sys/bus/pci/devices/*; do
		[ "$(cat "$dir/vendor" 2>/dev/null)" != 0x13a3 ] || echo "${dir##*/}"
	done
}

# registers of tests/qemu/hifn795x.c in the configuration space
model_at()
{
	case $1 in
	id) echo 160 ;;
	commands) echo 180 ;;
	done) echo 184 ;;
	interrupts) echo 188 ;;
	doorbells) echo 192 ;;
	bytes) echo 196 ;;
	fused) echo 200 ;;
	macs) echo 204 ;;
	fired) echo 208 ;;
	bad) echo 212 ;;
	aborts) echo 216 ;;
	resets) echo 220 ;;
	misuses) echo 224 ;;
	keys) echo 240 ;;
	esac
}

model()
{
	dd if="/sys/bus/pci/devices/$1/config" bs=4 skip=$(($(model_at "$2") / 4)) \
		count=1 2>/dev/null | hexdump -e '1/4 "%u"'
}

# model_write BOARD ADDRESS VALUE
#
# By way of a file: what comes through a pipe may come in two parts.
model_write()
{
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($3 & 255)) $(($3 >> 8 & 255)) \
		$(($3 >> 16 & 255)) $(($3 >> 24 & 255)))" >/tmp/word
	dd if=/tmp/word of="/sys/bus/pci/devices/$1/config" bs=4 seek=$(($2 / 4)) \
		conv=notrunc 2>/dev/null
}

arm()
{
	local fault

	case $2 in
	abort) fault=1 ;;
	master-abort) fault=2 ;;
	overflow) fault=3 ;;
	stuck) fault=4 ;;
	lost-interrupt) fault=5 ;;
	corrupt) fault=6 ;;
	bad-command) fault=7 ;;
	dead) fault=8 ;;
	refused-mac) fault=9 ;;
	rng) fault=10 ;;
	power) fault=11 ;;
	left) fault=12 ;;
	esac
	model_write "$1" 168 "${3:-0}"
	model_write "$1" 172 "${4:-1}"
	model_write "$1" 164 $((fault | ${5:-3} << 8))
}

disarm()
{
	model_write "$1" 164 0
}

attr()
{
	cat "$C/$1/$2"
}

is_more()
{
	[ "$("$2" "$3" "$4")" -gt "$1" ]
}

await_more()
{
	until_true is_more "$@"
}

good()
{
	[ "$(wc -l <"$C/$1/capabilities")" = $HIFN_CAPS ] || return 1
	# the rate is the last but for what failed
	awk '$NF + 0 <= 0 { print; bad = 1 } END { exit bad }' "$C/$1/capabilities"
}

verified()
{
	fio --name=load --filename=/dev/mapper/c --thread --direct=1 \
		--ioengine=psync --rw=randrw --bsrange=512-128k --blockalign=512 \
		--numjobs=4 --size=4m --offset_increment=4m \
		--verify=crc32c --verify_fatal=1 --verify_backlog=32 \
		--do_verify=1 --time_based --clocksource=clock_gettime \
		--output=/tmp/fio.log --eta=never "$@" &
	LOAD=$!
}

running()
{
	kill -0 "$LOAD" 2>/dev/null
}

# fio that is told to stop says so by its status, so its report is what counts
ended()
{
	wait "$LOAD"
	if [ "$(grep -c 'err= 0: pid' /tmp/fio.log)" -ne 4 ] ||
	   grep -q '^verify\|bad ' /tmp/fio.log; then
		cat /tmp/fio.log
		return 1
	fi
}

stopped()
{
	kill -INT "$LOAD"
	ended
}
