#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: test.sh [--kernel VERSION] [--no-skips] [--results DIR] [--quick]
#		 [SUITE[/TEST]...]
#	 test.sh --shell SUITE/TEST
#	 test.sh --list [SUITE]...
#
# Runs the test suites: every folder of tests/ with an executable "run", or those
# that are named.  Those for Debian's 6.1 kernel need nothing but Debian's packages;
# those for older kernels need their source (see kernel.sh), and skip their tests
# where it isn't at hand.
#
#   --kernel VERSION	which older kernel (2.6.20)
#   --no-skips		a test that is skipped is a failure
#   --results DIR	the results as files, too: DIR/results.ktap and DIR/junit.xml
#   --quick		some minutes: of each suite what it calls quick
#   --shell		when the guest of this test fails, it stays, with a shell on this
#			terminal, and gdb's port is open (see guest.sh)
#   --list		print the names of the suites, or of their tests, and run none
#
# ACRYPTO_LONG=yes adds what takes long: the suites whose folder has a file "long",
# which says why, and the tests that their suite calls long (named, they run without
# it, too).  scripts/hardcheck.sh, a kernel that looks for mistakes, is a command of
# its own.
#
# Several tests run at a time, ACRYPTO_JOBS (as many as there are processors) of those
# whose time is the machine's, whose guests wait for its processors (take_cores in
# lib.sh), and as many of the others, at a low priority; with ACRYPTO_JOBS=1 all run one
# after the other.  Those with guests of two CPUs, which leave some of the machine's time
# to others, run first, beside those without guests; then those with one CPU, in pairs.
#
# Prints each result with the time since the start, and at each failure where the
# log is.  At the end come the seconds that the tests of each suite took, together,
# what was skipped and why, what failed, and a line "N passed, N failed, N skipped".
# What a test prints goes to $ACRYPTO_WORK/logs/SUITE-TEST.log.  A patched and built
# kernel is kept in $ACRYPTO_WORK (default ~/.cache/acrypto/work) and shared by the
# suites.
# Exit 0 all passed, 1 something failed or nothing ran, 2 wrong usage.
#
# A suite prints one line per test:
#	ok - NAME
#	not ok - NAME
#	skip - NAME: REASON
# and exits with 0 if it could run at all, with 3 if what it needs can't be had here;
# the last line on its stderr says then what.  Its environment has ACRYPTO_KERNEL
# (the version) and ACRYPTO_WORK.
#
# A file tests/SUITE/tests, or what it prints, if it is executable, names what can run
# apart from the rest, as argument of "run".  After a name may come:
#	nice	doesn't mind who else uses the processors
#	light	its guest has two CPUs that sleep most of the time: one of the machine's
#		will do
#	quick	is part of --quick
#	long	is left out unless it is named or ACRYPTO_LONG=yes is set
#	named	is left out unless it is named

set -eu
. "$(dirname "$(readlink -f "$0")")/../tests/lib.sh"

kernel=2.6.20 no_skips='' results='' list='' quick='' shell=''
options kernel= no-skips results= list quick shell ... -- "$@"
shift $((OPTIND - 1))
kernel_series "$kernel" >/dev/null ||
	refuse "no patches for Linux $kernel; there are patches for:" \
		"$(supported_kernels | tr '\n' ' ')"
unset ACRYPTO_QUICK ACRYPTO_SHELL
[ -z "$quick" ] || export ACRYPTO_QUICK=yes

# those that take long first
suites()
{
	local suite run first="style mutants unit series release dm-crypt core hifn accelerators modules esp4"

	for suite in $first; do
		[ ! -x "$ACRYPTO_TOP/tests/$suite/run" ] || printf '%s\n' "$suite"
	done
	for run in "$ACRYPTO_TOP"/tests/*/run; do
		suite=$(basename "$(dirname "$run")")
		case " $first " in
		*" $suite "*)	;;
		*)		[ ! -x "$run" ] || printf '%s\n' "$suite" ;;
		esac
	done
}

# tests_of SUITE [TEST]...: a line each; "." is all of a suite that doesn't tell
tests_of()
{
	if [ -f "$ACRYPTO_TOP/tests/$1/tests" ]; then
		suite_tests "$@"
	elif [ $# -gt 1 ]; then
		refuse "$1 has no tests that can be named"
	elif [ -z "$quick" ]; then
		printf '.\n'
	fi
}

mapfile -t known < <(suites)
chosen=("$@")
for suite in "${chosen[@]}"; do
	[ -x "$ACRYPTO_TOP/tests/${suite%%/*}/run" ] ||
		refuse "no suite ${suite%%/*}; there are: ${known[*]}"
done
if [ -n "$list" ]; then
	[ $# -gt 0 ] || printf '%s\n' "${known[@]}"
	for suite in "${chosen[@]}"; do
		# what has to be named, too
		[ ! -f "$ACRYPTO_TOP/tests/$suite/tests" ] ||
			all_tests "$suite" | sed "s,[[:blank:]].*,,; s,^,$suite/,"
	done
	exit 0
fi

# one line for each result: suite, seconds, `ok`, `not ok` or `skip`, and what it is
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
records=$tmp/records
: >"$records"
: >"$tmp/times"

# each "TURN SUITE TEST"; back: those that don't mind who else uses the processors; TURN
# tells by the CPUs of their guests, which are the last part of a name: none, two, one
front=()
back=()
declare -A light=()
# plan SUITE [TEST]
plan()
{
	local lines name words turn

	lines=$(tests_of "$@")
	if [ -z "$lines" ]; then
		left_out+=" $1"
		return
	fi
	while read -r name words; do
		words=" ${words//[[:blank:]]/ } "
		case $words in *" light "*) light[$1/$name]=yes ;; esac
		case $name in
		*:2)	turn=1 ;;
		*:1)	turn=2 ;;
		*)	turn=0 ;;
		esac
		case $words in
		*" nice "*)	back+=("$turn $1 $name") ;;
		*)		front+=("$turn $1 $name") ;;
		esac
	done <<<"$lines"
}

# in_turn "TURN SUITE TEST"...: each "SUITE TEST"
in_turn()
{
	[ $# -eq 0 ] || printf '%s\n' "$@" | sort -s -n -k 1,1 | cut -d ' ' -f 2-
}

# leave_out SUITE NAME REASON: it is skipped
leave_out()
{
	printf '%s\t%s; scripts/test.sh %s runs it\n' "$1" "${2:+$2: }$3" "$1${2:+/$2}" \
		>>"$tmp/left-out"
}

left_out=''
: >"$tmp/left-out"
if [ ${#chosen[@]} -eq 0 ]; then
	for suite in "${known[@]}"; do
		if [ ! -f "$ACRYPTO_TOP/tests/$suite/long" ] || [ "${ACRYPTO_LONG-}" = yes ]; then
			chosen+=("$suite")
		elif [ -z "$quick" ]; then
			leave_out "$suite" '' "$(cat "$ACRYPTO_TOP/tests/$suite/long")"
		else
			left_out+=" $suite"
		fi
	done
fi
for suite in "${chosen[@]}"; do
	if [ "${suite#*/}" != "$suite" ]; then
		plan "${suite%%/*}" "${suite#*/}"
		continue
	fi
	plan "$suite"
	if [ -n "$quick" ] || [ ! -f "$ACRYPTO_TOP/tests/$suite/tests" ]; then
		continue
	fi
	while read -r name; do
		[ -z "$name" ] ||
			leave_out "$suite" "$name" "takes long: ACRYPTO_LONG=yes asks for it"
	done < <(comm -13 <(suite_tests "$suite" | sort) \
		<(ACRYPTO_LONG=yes suite_tests "$suite" | sort) | sed 's/[[:blank:]].*//')
done
mapfile -t front < <(in_turn "${front[@]}")
mapfile -t back < <(in_turn "${back[@]}")
if [ -n "$shell" ] && [ "${#front[@]} ${#back[@]}" != "1 0" ] &&
   [ "${#front[@]} ${#back[@]}" != "0 1" ]; then
	refuse "--shell takes one test, which these are not: ${front[*]} ${back[*]}"
fi
[ -z "$left_out" ] || say "not quick, left out:$left_out"

if kernel_at_hand "$kernel"; then
	say "kernels: Linux $kernel, and Debian's 6.1"
else
	say "kernels: Debian's 6.1 (no source of Linux $kernel in $ACRYPTO_KERNELS)"
fi
export ACRYPTO_KERNEL=$kernel
mkdir -p "$ACRYPTO_WORK/logs"

# take SUITE LOG LINE: a result, $since the one before
take()
{
	local kind=${3%% - *} text

	printf -v text '%s\t%d\t%s\t%s\n' "$1" $((EPOCHSECONDS - since)) "$kind" "${3#* - }"
	printf '%s' "$text" >>"$records"
	since=$EPOCHSECONDS
	printf -v text '[%4ds] %s: %s\n' $((EPOCHSECONDS - ACRYPTO_STARTED)) "$1" "$3"
	[ "$kind" != "not ok" ] || printf -v text '%s        log: %s\n' "$text" "$2"
	# at once: others print, too
	printf '%s' "$text"
}

# the exit status comes as a last line of its own
run_suite()
{
	local status label=$1${2:+/$2}

	# the pipe, and not >(tee), since all has to be in the log at the end
	{
		"$ACRYPTO_TOP/tests/$1/run" ${2:+"$2"} </dev/null 2>&1 >&3 3>&- |
			tee -a "$3" | sed -u "s,^,$label: ," >&2
		status=${PIPESTATUS[0]}
	} 3>&1
	printf '::exit %s\n' "$status"
}

# run_test SUITE TEST
run_test()
{
	local suite=$1 test=${2#.} log started=$EPOCHSECONDS since=$EPOCHSECONDS count=0 line
	local ended=''

	log=$ACRYPTO_WORK/logs/$suite${test:+-${test//[:\/]/-}}.log
	: >"$log"
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		case $line in
		"ok - "* | "not ok - "* | "skip - "*) ;;
		"::exit 0")
			ended=yes
			[ "$count" -eq 0 ] || continue
			line="not ok - ${test:+$test: }printed no result"
			;;
		"::exit 3")
			ended=yes
			line="skip - $(grep -v '^::exit' "$log" | tail -n 1)"
			;;
		"::exit "*)
			ended=yes
			line="not ok - ${test:+$test: }ended with status ${line#::exit }"
			;;
		*)
			continue
			;;
		esac
		count=$((count + 1))
		take "$suite" "$log" "$line"
	done < <(run_suite "$suite" "$test" "$log")
	[ -n "$ended" ] || take "$suite" "$log" "not ok - ${test:+$test: }was killed"
	printf '%s\t%d\n' "$suite" $((EPOCHSECONDS - started)) >>"$tmp/times"
}

# --- several at a time ----------------------------------------------------------

# what this has started, and what that has
offspring()
{
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v top=$$ '
		{
			pid = $1
			# the name in brackets may have blanks
			sub(/^.*\) /, "")
			parent[pid] = $2
		}
		END {
			for (pid in parent) {
				for (p = pid; p in parent && p != top; p = parent[p])
					;
				if (p == top && pid != top)
					print pid
			}
		}'
}

# a test that is in a process group of its own (timeout) gets no signal otherwise
interrupted()
{
	local pids

	trap '' INT TERM HUP
	pids=$(offspring)
	# shellcheck disable=SC2086
	kill -TERM $pids 2>/dev/null || true
	for ((tries = 0; tries < 20; tries++)); do
		sleep 0.1
		# shellcheck disable=SC2086
		kill -0 $pids 2>/dev/null || break
	done
	# shellcheck disable=SC2086
	kill -KILL $pids 2>/dev/null || true
	exit $((128 + $1))
}
trap 'interrupted 2' INT
trap 'interrupted 15' TERM
trap 'interrupted 1' HUP

lanes=$(jobs_count)
together=$((lanes > 1 ? 2 * lanes : 1))
declare -A running=()
in_front=0
in_back=0

# start SUITE TEST LANE
start()
{
	local name=$1/$2

	say "${name%/.}"
	if [ "$3" = back ]; then
		{
			renice -n "$(($(nice) + 10))" -p "$BASHPID" >/dev/null
			run_test "$1" "$2"
		} &
		in_back=$((in_back + 1))
	else
		{
			[ -z "${light[$1/$2]-}" ] || take_cores 1
			run_test "$1" "$2"
		} &
		in_front=$((in_front + 1))
	fi
	running[$!]="$3 $1 $2"
}

if [ -n "$shell" ]; then
	exec 8<&0 9>&2
	export ACRYPTO_SHELL=yes
	read -r suite test <<<"${front[*]} ${back[*]}"
	run_test "$suite" "$test"
	front=()
	back=()
fi
while :; do
	while [ ${#front[@]} -gt 0 ] && [ $in_front -lt "$lanes" ]; do
		# shellcheck disable=SC2086
		start ${front[0]} front
		front=("${front[@]:1}")
	done
	while [ ${#back[@]} -gt 0 ] && [ $in_back -lt "$lanes" ] &&
	      [ $((in_front + in_back)) -lt "$together" ]; do
		# shellcheck disable=SC2086
		start ${back[0]} back
		back=("${back[@]:1}")
	done
	[ ${#running[@]} -gt 0 ] || break
	status=0
	wait -n -p pid "${!running[@]}" || status=$?
	read -r lane suite test <<<"${running[$pid]}"
	unset "running[$pid]"
	case $lane in
	back)	in_back=$((in_back - 1)) ;;
	*)	in_front=$((in_front - 1)) ;;
	esac
	since=$EPOCHSECONDS
	[ $status -eq 0 ] ||
		take "$suite" "$ACRYPTO_WORK/logs" "not ok - $test: test.sh failed itself ($status)"
done
while IFS=$'\t' read -r suite name; do
	since=$EPOCHSECONDS
	take "$suite" '' "skip - $name"
done <"$tmp/left-out"

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
# show TITLE AWK-CONDITION: those of the records
show()
{
	awk -F '\t' -v title="$1" "$2"' {
		if (!n++)
			printf "\n%s:\n", title
		printf "  %s: %s\n", $1, $4
	}' "$records"
}
count()
{
	awk -F '\t' -v kind="$1" '$3 == kind { n++ } END { print n + 0 }' "$records"
}

printf '\nseconds:\n'
awk -F '\t' '{ n[$1] += $2 } END { for (s in n) printf "  %d %s\n", n[s], s }' "$tmp/times" |
	sort -k 1nr
printf '  %d in all\n' $((EPOCHSECONDS - ACRYPTO_STARTED))
# shellcheck disable=SC2016
show "skipped" '$3 == "skip"'
# shellcheck disable=SC2016
show "failed" '$3 == "not ok"'
passed=$(count ok)
failed=$(count "not ok")
skipped=$(count skip)
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ -z "$no_skips" ] || [ "$skipped" -eq 0 ] || exit 1
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
