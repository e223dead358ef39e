#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: test.sh [--kernel VERSION] [--no-skips] [--results DIR] [SUITE...]
#	 test.sh --list
#
# Runs the test suites: every folder of tests/ with an executable "run", or those
# that are named.  Those for Debian's 6.1 kernel need nothing but Debian's packages;
# those for older kernels need their source (see kernel.sh), and skip their tests
# where it isn't at hand.
#
#   --kernel VERSION	which older kernel (2.6.20)
#   --no-skips		a test that is skipped is a failure
#   --results DIR	the results as files, too: DIR/results.ktap and DIR/junit.xml
#   --list		print the names of the suites, and run none
#
# ACRYPTO_LONG=yes adds what takes long: the suites whose folder has a file "long",
# which says why (named, they run without it, too); Debian's kernel built as packages,
# and the DKMS package in a bare Debian (suite debian).  scripts/hardcheck.sh, a kernel
# that looks for mistakes, is a command of its own.
#
# Prints each result with the time since the start, and at each failure where the
# log is.  At the end come the seconds that each suite took, what was skipped and
# why, what failed, and a line "N passed, N failed, N skipped".  What a suite prints
# goes to $ACRYPTO_WORK/logs/SUITE.log.  A patched and built kernel is kept in
# $ACRYPTO_WORK (default ~/.cache/acrypto/work) and shared by the suites.
# Exit 0 all passed, 1 something failed or nothing ran, 2 wrong usage.
#
# A suite prints one line per test:
#	ok - NAME
#	not ok - NAME
#	skip - NAME: REASON
# and exits with 0 if it could run at all, with 3 if what it needs can't be had here;
# the last line on its stderr says then what.  Its environment has ACRYPTO_KERNEL
# (the version) and ACRYPTO_WORK.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

kernel=2.6.20 no_skips='' results='' list=''
options kernel= no-skips results= list ... -- "$@"
shift $((OPTIND - 1))
kernel_series "$kernel" >/dev/null ||
	refuse "no patches for Linux $kernel; there are patches for:" \
		"$(supported_kernels | tr '\n' ' ')"

# from what needs little to what needs much
suites()
{
	local suite run

	for suite in style unit mutants series dm-crypt; do
		[ ! -x "$ACRYPTO_TOP/tests/$suite/run" ] || printf '%s\n' "$suite"
	done
	for run in "$ACRYPTO_TOP"/tests/*/run; do
		suite=$(basename "$(dirname "$run")")
		case $suite in
		style | unit | mutants | series | dm-crypt)
			;;
		*)
			[ ! -x "$run" ] || printf '%s\n' "$suite"
			;;
		esac
	done
}

mapfile -t known < <(suites)
if [ -n "$list" ]; then
	printf '%s\n' "${known[@]}"
	exit 0
fi
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

if kernel_at_hand "$kernel"; then
	say "kernels: Linux $kernel, and Debian's 6.1"
else
	say "kernels: Debian's 6.1 (no source of Linux $kernel in $ACRYPTO_KERNELS)"
fi

passed=0
failures=()
skips=()
times=()
export ACRYPTO_KERNEL=$kernel
mkdir -p "$ACRYPTO_WORK/logs"
# one line for each result: suite, seconds, `ok`, `not ok` or `skip`, and what it is
records=$(mktemp)
trap 'rm -f "$records"' EXIT

# the exit status comes as a last line of its own
run_suite()
{
	local status=0

	"$ACRYPTO_TOP/tests/$1/run" 2> >(tee -a "$2" >&2) </dev/null || status=$?
	# the reason has to be in the log
	[ "$status" -ne 3 ] || wait $! || true
	printf '::exit %s\n' "$status"
}

# take SUITE LINE: a result
take()
{
	local name=${2#*ok - }

	case $2 in
	"ok - "*)
		passed=$((passed + 1))
		printf '%s\t%d\tok\t%s\n' "$1" $((EPOCHSECONDS - since)) "$name"
		;;
	"not ok - "*)
		failures+=("$1: $name")
		printf '%s\t%d\tnot ok\t%s\n' "$1" $((EPOCHSECONDS - since)) "$name"
		;;
	*)
		name=${2#skip - }
		skips+=("$1: $name")
		printf '%s\t%d\tskip\t%s\n' "$1" $((EPOCHSECONDS - since)) "$name"
		;;
	esac >>"$records"
	since=$EPOCHSECONDS
	printf '[%4ds] %s: %s\n' $((EPOCHSECONDS - ACRYPTO_STARTED)) "$1" "$2"
	case $2 in
	"not ok - "*)	printf '        log: %s\n' "$ACRYPTO_WORK/logs/$1.log" ;;
	esac
}

for suite in "${chosen[@]}"; do
	log=$ACRYPTO_WORK/logs/$suite.log
	: >"$log"
	say "suite $suite"
	count=0
	started=$EPOCHSECONDS
	since=$started
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		case $line in
		"ok - "* | "not ok - "* | "skip - "*) ;;
		"::exit 0")
			[ "$count" -eq 0 ] || continue
			line="not ok - printed no result"
			;;
		"::exit 3")
			line="skip - $(grep -v '^::exit' "$log" | tail -n 1)"
			;;
		"::exit "*)
			line="not ok - ended with status ${line#::exit }"
			;;
		*)
			continue
			;;
		esac
		count=$((count + 1))
		take "$suite" "$line"
	done < <(run_suite "$suite" "$log")
	times+=("$((EPOCHSECONDS - started)) $suite")
done
for suite in ${left_out[@]+"${left_out[@]}"}; do
	since=$EPOCHSECONDS
	take "$suite" "skip - $(cat "$ACRYPTO_TOP/tests/$suite/long"); scripts/test.sh $suite runs it"
done

# --- what came of it ----------------------------------------------------------

# each suite is a test of its own, with those in it as subtests
ktap()
{
	awk -F '\t' '
	{
		if (!($1 in tests))
			suites[++n] = $1
		name = $4
		gsub(/#/, "\\#", name)
		skip = ""
		if ($3 == "skip")
			skip = " # SKIP"
		if ($3 == "not ok")
			bad[$1] = 1
		tests[$1]++
		lines[$1] = lines[$1] sprintf("    %s %d %s%s\n", \
			$3 == "not ok" ? $3 : "ok", tests[$1], name, skip)
	}
	END {
		printf "KTAP version 1\n1..%d\n", n
		for (i = 1; i <= n; i++) {
			s = suites[i]
			printf "    KTAP version 1\n    # Subtest: %s\n", s
			printf "    1..%d\n%s", tests[s], lines[s]
			printf "%s %d %s\n", (s in bad) ? "not ok" : "ok", i, s
		}
	}' "$records"
}

junit()
{
	awk -F '\t' '
	function xml(s)
	{
		gsub(/&/, "\\&amp;", s)
		gsub(/</, "\\&lt;", s)
		gsub(/>/, "\\&gt;", s)
		gsub(/"/, "\\&quot;", s)
		gsub(/[\001-\010\013\014\016-\037]/, "?", s)
		return s
	}
	{
		if (!($1 in tests))
			suites[++n] = $1
		tests[$1]++
		seconds[$1] += $2
		inner = ""
		if ($3 == "not ok") {
			bad[$1]++
			inner = "<failure message=\"not ok\"/>"
		} else if ($3 == "skip") {
			skipped[$1]++
			inner = "<skipped/>"
		}
		cases[$1] = cases[$1] sprintf("    <testcase classname=\"%s\" name=\"%s\" " \
			"time=\"%d\">%s</testcase>\n", xml($1), xml($4), $2, inner)
	}
	END {
		print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		print "<testsuites name=\"acrypto\">"
		for (i = 1; i <= n; i++) {
			s = suites[i]
			printf "  <testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" " \
				"skipped=\"%d\" time=\"%d\">\n%s  </testsuite>\n", xml(s), \
				tests[s], bad[s], skipped[s], seconds[s], cases[s]
		}
		print "</testsuites>"
	}' "$records"
}

if [ -n "$results" ]; then
	mkdir -p "$results"
	ktap >"$results/results.ktap"
	junit >"$results/junit.xml"
fi
# show TITLE LINE...
show()
{
	[ $# -gt 1 ] || return 0
	printf '\n%s:\n' "$1"
	printf '  %s\n' "${@:2}"
}
show "seconds" ${times[@]+"${times[@]}"}
show "skipped" ${skips[@]+"${skips[@]}"}
show "failed" ${failures[@]+"${failures[@]}"}
printf '%d passed, %d failed, %d skipped\n' "$passed" ${#failures[@]} ${#skips[@]}
[ -z "$no_skips" ] || [ ${#skips[@]} -eq 0 ] || exit 1
[ ${#failures[@]} -eq 0 ] && [ "$passed" -gt 0 ]
