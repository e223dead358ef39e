#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: hardcheck.sh [TEST...]
#
# Builds Debian's 6.1 kernel with all that finds mistakes (configs/6.1/
# x86_64-debug.config: KASAN, lockdep, kmemleak, object and list checks, failing
# allocations, the cryptographic API's own long tests), with acrypto as modules,
# and runs the guests' tests on it.  This takes long: an hour on two cores, and for
# the kernel a quarter of an hour more the first time.  Data races are for the unit
# tests, by ThreadSanitizer: on an emulator KCSAN meets too few, and a counter that
# every acrypto_submit() increased without a lock went unnoticed for 8 minutes.
#
# TESTs (default: all):
#	core	order, priorities, full queues, routes, the watchdog
#	recovery devices that die, that hang while they are reset, that go
#	chaos	devices that break, hang, lose work and go under load
#	load	the modules load, work and unload, again and again
#	capi	the front end, with the kernel's tests and fuzz tests of ciphers
#	death	dm-crypt on simulated devices that die
#	memory	allocations fail while devices, contexts and sessions are made and
#		used
#
# A test fails at anything that the kernel complains of, and at memory that nobody
# has freed after it.  Ends with a line "N passed, N failed, N skipped".
# Exit 0 all passed, 1 something failed, 2 wrong usage.

set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

options ... -- "$@"
shift $((OPTIND - 1))
chosen=("$@")
[ ${#chosen[@]} -gt 0 ] || chosen=(core recovery chaos load capi death memory)
for name in "${chosen[@]}"; do
	case $name in
	core | recovery | chaos | load | capi | death | memory) ;;
	*) usage_error "no test '$name'" ;;
	esac
done

need_packages qemu-system-x86
tests=$ACRYPTO_TOP/tests
tree=$(built_tree 6.1 x86_64-debug) || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$ACRYPTO_WORK/logs"
passed=0
failed=0
skipped=0

count()
{
	local line=$1

	case $line in
	"ok - "*)	passed=$((passed + 1)) ;;
	"not ok - "*)	failed=$((failed + 1)) ;;
	"skip - "*)	skipped=$((skipped + 1)) ;;
	esac
	printf '[%4ds] %s\n' $(($(date +%s) - ACRYPTO_STARTED)) "$line"
}

# boot NAME CPUS SCRIPT [ARGUMENT...]
boot()
{
	local label="$1 smp $2" cpus=$2 script=$3 status=0
	local out=$ACRYPTO_WORK/logs/hard-$1-$2 line

	shift 3
	say "$label: booting"
	"$ACRYPTO_TOP/scripts/guest.sh" --tree "$tree" --mem 1024 --smp "$cpus" \
		--cpu max --script "$tests/hard/hard.sh" --file "$script:/inner.sh" \
		--file "$tests/core/core.sh" --file "$tests/accelerators/disk.sh" \
		--file "$tests/modules/capi-lib.sh" \
		--append "cryptomgr.$tested" --env "CPUS=$cpus" --timeout 5400 \
		--out "$out" "$@" \
		>"$tmp/lines" 2>"$tmp/errors" || status=$?
	while read -r line; do
		case $line in
		"ok - "* | "not ok - "* | "skip - "*)
			count "${line%% - *} - $label: ${line#* - }"
			;;
		'#'*)	say "$label: $line" ;;
		esac
	done <"$tmp/lines"
	cat "$tmp/errors" >&2
	if [ $status -eq 0 ]; then
		count "ok - $label: the guest ended well"
	else
		count "not ok - $label: the guest ended well: $(tail -n 1 "$tmp/errors")"
	fi
}

for name in "${chosen[@]}"; do
	# the kernel waits a minute for its tests of a cipher; all that it has take
	# longer here
	tested=noextratests=1
	[ "$name" != capi ] || tested=fuzz_iterations=10
	case $name in
	core)	boot core 1 "$tests/core/kernel.sh"
		boot core 2 "$tests/core/kernel.sh"
		;;
	recovery)
		# how long things take on such a kernel says nothing; it takes whatever
		# sleeps for two minutes, say in a reset, for a task that hangs
		boot recovery 2 "$tests/core/recovery.sh" --env DEATHS=500 \
			--env TURNS=200 --env SEED=7 --env RESET=100 \
			--env TURN_US=1000000
		;;
	chaos)	boot chaos 2 "$tests/core/chaos.sh" --env TIMES=2 --env SEED=7 \
			--env PATIENCE=4000 ;;
	load)	boot load 2 "$tests/modules/load.sh" --env AES=yes --env SEED=7 ;;
	capi)	boot capi 2 "$tests/modules/capi.sh" --env AES=yes ;;
	death)	boot death 2 "$tests/accelerators/death.sh" --env MB=1 ;;
	memory)
		# what the kernel says when it gets no slab comes with a trace; a page
		# fault that gets none is tried again, and a program that is being
		# started then may be left without its memory; a stack that can't grow
		# ends its program; and a slab cache that can't be shown in sysfs loses
		# its name
		boot memory 2 "$tests/hard/memory.sh" --env TIMES=12 \
			--env STOCK_LEAKS=sysfs_slab_add \
			--allow 'Call Trace:|leaked out to the #PF handler|traps: |modprobe.*segfault'
		;;
	esac
done
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
