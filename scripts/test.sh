#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: test.sh [--kernel VERSION] [SUITE...]
#
# Runs the test suites: every folder of tests/ with an executable "run", or those
# that are named.  Those for Debian's 6.1 kernel need nothing but Debian's packages;
# those for older kernels need their source (see kernel.sh), and skip their tests
# where it isn't at hand.  --kernel says which older one (2.6.20).
#
# ACRYPTO_LONG=yes adds what takes long: the suites whose folder has a file "long",
# which says why (named, they run without it, too); Debian's kernel built as packages,
# and the DKMS package in a bare Debian (suite debian).  scripts/hardcheck.sh, a kernel
# that looks for mistakes, is a command of its own.
#
# Prints each result with the time since the start, names the reason of each
# skip, and ends with a line "N passed, N failed, N skipped".  What a suite prints
# besides goes to $ACRYPTO_WORK/logs/SUITE.log.  A patched and built kernel is kept
# in $ACRYPTO_WORK (default ~/.cache/acrypto/work) and shared by the suites.
# Exit 0 all passed, 1 something failed or nothing ran, 2 wrong usage.
#
# A suite prints one line per test:
#	ok - NAME
#	not ok - NAME
#	skip - NAME: REASON
# and exits with 0 if it could run at all.  Its environment has ACRYPTO_KERNEL
# (the version) and ACRYPTO_WORK.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

kernel=2.6.20
options kernel= ... -- "$@"
shift $((OPTIND - 1))
kernel_series "$kernel" >/dev/null ||
	refuse "no patches for Linux $kernel; there are patches for:" \
		"$(supported_kernels | tr '\n' ' ')"

# from what needs little to what needs much
suites()
{
	local suite run

	for suite in style unit series dm-crypt; do
		[ ! -x "$ACRYPTO_TOP/tests/$suite/run" ] || printf '%s\n' "$suite"
	done
	for run in "$ACRYPTO_TOP"/tests/*/run; do
		suite=$(basename "$(dirname "$run")")
		case $suite in
		style | unit | series | dm-crypt)
			;;
		*)
			[ ! -x "$run" ] || printf '%s\n' "$suite"
			;;
		esac
	done
}

if kernel_at_hand "$kernel"; then
	say "kernels: Linux $kernel, and Debian's 6.1"
else
	say "kernels: Debian's 6.1 (no source of Linux $kernel in $ACRYPTO_KERNELS)"
fi

mapfile -t known < <(suites)
chosen=("$@")
left_out=()
if [ ${#chosen[@]} -eq 0 ]; then
	for suite in "${known[@]}"; do
		if [ -f "$ACRYPTO_TOP/tests/$suite/long" ] && [ "${ACRYPTO_LONG-}" != yes ]; then
			left_out+=("$suite")
		else
			chosen+=("$suite")
		fi
	done
fi
for suite in "${chosen[@]}"; do
	[ -x "$ACRYPTO_TOP/tests/$suite/run" ] ||
		refuse "no suite $suite; there are: ${known[*]}"
done

passed=0
failed=0
skipped=0
failures=()
export ACRYPTO_KERNEL=$kernel
mkdir -p "$ACRYPTO_WORK/logs"

# the exit status comes as a last line of its own
run_suite()
{
	local status=0

	"$ACRYPTO_TOP/tests/$1/run" 2> >(tee -a "$2" >&2) </dev/null || status=$?
	printf '::exit %s\n' "$status"
}

for suite in "${chosen[@]}"; do
	log=$ACRYPTO_WORK/logs/$suite.log
	: >"$log"
	say "suite $suite"
	count=0
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		case $line in
		"ok - "*)
			passed=$((passed + 1))
			;;
		"not ok - "*)
			failed=$((failed + 1))
			failures+=("$suite: ${line#not ok - }")
			;;
		"skip - "*)
			skipped=$((skipped + 1))
			;;
		"::exit 0")
			[ "$count" -gt 0 ] && continue
			line="not ok - $suite: printed no result; see $log"
			failed=$((failed + 1))
			failures+=("$suite: no result")
			;;
		"::exit "*)
			line="not ok - $suite: ended with status ${line#::exit }; see $log"
			failed=$((failed + 1))
			failures+=("$suite: ended early")
			;;
		*)
			continue
			;;
		esac
		count=$((count + 1))
		printf '[%4ds] %s: %s\n' $((EPOCHSECONDS - ACRYPTO_STARTED)) "$suite" "$line"
	done < <(run_suite "$suite" "$log")
done

for suite in ${left_out[@]+"${left_out[@]}"}; do
	printf '[%4ds] %s: skip - %s\n' $((EPOCHSECONDS - ACRYPTO_STARTED)) "$suite" \
		"$(cat "$ACRYPTO_TOP/tests/$suite/long"); scripts/test.sh $suite runs it"
	skipped=$((skipped + 1))
done
if [ ${#failures[@]} -gt 0 ]; then
	printf '\nfailed:\n'
	printf '  %s\n' "${failures[@]}"
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ $((passed + failed)) -gt 0 ]
