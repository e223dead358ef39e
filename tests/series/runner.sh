# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# test.sh, with suites that are made up.  Sourced by run.

mkdir -p "$tmp/made-up/tests" "$tmp/work"
cp -a "$ACRYPTO_TOP"/{scripts,patches,configs} "$ACRYPTO_TOP"/series* "$tmp/made-up/"
cp "$ACRYPTO_TOP/tests/lib.sh" "$tmp/made-up/tests/"

# suite NAME [TEST...]: its run is stdin
suite()
{
	local dir=$tmp/made-up/tests/$1

	shift
	mkdir -p "$dir"
	{
		printf '#!/usr/bin/env bash\n'
		cat
	} >"$dir/run"
	chmod +x "$dir/run"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$dir/tests"
}

# runs STATUS ARGUMENT...: test.sh; what it prints is in $tmp/ran
runs()
{
	local want=$1 status=0

	shift
	env -u ACRYPTO_LONG -u ACRYPTO_STARTED ACRYPTO_WORK="$tmp/work" \
		"$tmp/made-up/scripts/test.sh" "$@" >"$tmp/ran" 2>"$tmp/said" || status=$?
	cat "$tmp/ran" "$tmp/said"
	[ $status -eq "$want" ]
}

# says LINE: one of those that test.sh printed, without the time
says()
{
	sed 's/^\[ *[0-9]*s\] //' "$tmp/ran" | grep -qxF -- "$1"
}

suite good <<'E2'
echo "ok - one"
echo "a line that is no result"
echo "skip - two: no reason"
echo "what it says" >&2
E2
suite bad <<'E2'
echo "ok - one"
echo "not ok - two"
E2
suite nothing </dev/null
suite unable <<'E2'
echo "there is no such thing" >&2
exit 3
E2
suite broken <<'E2'
echo "ok - one"
exit 1
E2
suite killed <<'E2'
echo "ok - one"
kill -KILL $$
E2
suite many one 'two:1 nice' 'two:2 quick' 'late long' 'never named' <<'E2'
for test in ${*:-all}; do
	echo "ok - $test${ACRYPTO_QUICK:+ quickly}"
done
E2

suite ordered one:1 two:2 "less:2 light" none <<'E2'
echo "ok - $1${ACRYPTO_CORES_TAKEN:+ with a core}"
E2

check "runner: a suite that is well" runs 0 good
check "runner: its results are counted" says "1 passed, 0 failed, 1 skipped"
check "runner: with its name" says "good: ok - one"
check "runner: what it says is kept" grep -qx "what it says" "$tmp/work/logs/good.log"
check "runner: --no-skips" runs 1 --no-skips good
check "runner: a failed test" runs 1 good bad
check "runner: is named" says "  bad: two"
check "runner: its log, too" says "        log: $tmp/work/logs/bad.log"
check "runner: a suite that prints nothing fails" runs 1 good nothing
check "runner: and says so" says "nothing: not ok - printed no result"
in_turn()
{
	ACRYPTO_JOBS=1 ACRYPTO_CACHE=$tmp/cache runs 0 ordered
}
check "runner: one after the other" in_turn
result "runner: by the CPUs of their guests" "$(diff \
	<(printf 'ordered: ok - %s\n' none two:2 "less:2 with a core" one:1) \
	<(sed -n 's/^\[ *[0-9]*s\] \(ordered: ok\)/\1/p' "$tmp/ran"))"
check "runner: one that can't run is skipped" runs 0 good unable
check "runner: with the reason" says "unable: skip - there is no such thing"
check "runner: but nothing else is no success" runs 1 unable
check "runner: a suite that ends badly" runs 1 broken
check "runner: and how" says "broken: not ok - ended with status 1"
check "runner: one that is killed" runs 1 killed
check "runner: and by what" says "killed: not ok - ended with status 137"

check "runner: the tests of a suite" runs 0 many
result "runner: those of the usual run" "$(diff \
	<(printf 'many: ok - %s\n' one two:1 two:2) \
	<(sed -n 's/^\[ *[0-9]*s\] \(many: ok\)/\1/p' "$tmp/ran" | sort))"
check "runner: one that is left out is a skip" says \
	"many: skip - late: takes long: ACRYPTO_LONG=yes asks for it; scripts/test.sh many/late runs it"
check "runner: by name" runs 0 many/never
check "runner: that one alone" says "1 passed, 0 failed, 0 skipped"
check "runner: by the first part of it" runs 0 many/two
check "runner: all of them" says "2 passed, 0 failed, 0 skipped"
check "runner: one that isn't listed, of a name that is" runs 0 many/two:9
check "runner: runs" says "many: ok - two:9"
check "runner: a name that isn't" runs 2 many/three
check "runner: the names are told" grep -q "one two:1 two:2 late never" "$tmp/said"
check "runner: no such suite" runs 2 none
check "runner: the suites are told" grep -q "bad.*broken" "$tmp/said"
check "runner: --quick" runs 0 --quick good many
check "runner: what is quick alone" says "many: ok - two:2 quickly"
check "runner: nothing else" says "1 passed, 0 failed, 0 skipped"
check "runner: what is left out is told" grep -q "left out: good" "$tmp/said"
check "runner: --list" runs 0 --list many
result "runner: all names" "$(diff <(printf 'many/%s\n' one two:1 two:2 late never) "$tmp/ran")"
check "runner: --results" runs 1 --results "$tmp/results" many bad
# which suite ends first is not known
result "runner: as KTAP" "$(diff <(sed 's/^not ok [0-9]/not ok N/' "$tmp/results/results.ktap") \
	- <<'E2' 2>&1 | grep '^[<>].*not ok'
    not ok 2 two
not ok N bad
E2
)"
check "runner: and for JUnit" python3 -c '
import sys, xml.dom.minidom as x
cases = x.parse(sys.argv[1]).getElementsByTagName("testcase")
assert len(cases) == 6, len(cases)' "$tmp/results/junit.xml"

# --- at the same time --------------------------------------------------------------

# each waits for the others
suite pair 'a nice' b 'c nice' d <<E2
touch "$tmp/met-\$1"
for ((tries = 0; tries < 100; tries++)); do
	if [ -e "$tmp/met-a" ] && [ -e "$tmp/met-b" ] && [ -e "$tmp/met-c" ] &&
	   [ -e "$tmp/met-d" ]; then
		echo "ok - \$1 \$(nice)"
		exit
	fi
	sleep 0.1
done
echo "not ok - \$1 is alone"
E2
low=$(($(nice) + 10))
[ $low -le 19 ] || low=19
two_lanes()
{
	ACRYPTO_JOBS=2 runs 0 pair
}
check "runner: two lanes, and two for who doesn't mind" two_lanes
check "runner: who doesn't mind is of a low priority" says "pair: ok - a $low"
check "runner: the others aren't" says "pair: ok - b $(nice)"
suite alone a 'b nice' c <<E2
mkdir "$tmp/alone" && sleep 0.3 && rmdir "$tmp/alone" && echo "ok - \$1"
E2
one_lane()
{
	ACRYPTO_JOBS=1 runs 0 alone
}
check "runner: one after the other" one_lane

# what is interrupted leaves nothing behind, not even in a process group of its own
suite slow 'a nice' b <<E2
timeout 300 sh -c 'echo \$\$ >>"$tmp/sleepers"; sleep 300; true'
E2
# interrupt SIGNAL
interrupt()
{
	local tries runner status=0

	rm -f "$tmp/sleepers"
	# a shell can't catch what was ignored when it began, as nohup has it
	env --default-signal="$1" ACRYPTO_WORK="$tmp/work" ACRYPTO_JOBS=2 \
		"$tmp/made-up/scripts/test.sh" slow >"$tmp/ran" 2>"$tmp/said" &
	runner=$!
	for ((tries = 0; tries < 300; tries++)); do
		[ ! -e "$tmp/sleepers" ] || [ "$(wc -l <"$tmp/sleepers")" -lt 2 ] || break
		sleep 0.1
	done
	kill -"$1" "$runner"
	wait "$runner" || status=$?
	cat "$tmp/ran" "$tmp/said"
	[ $status -gt 128 ] || return 1
	while read -r tries; do
		! kill -0 "$tries" 2>/dev/null || return 1
	done <"$tmp/sleepers"
	[ "$(wc -l <"$tmp/sleepers")" -eq 2 ]
}
check "runner: terminated, nothing stays" interrupt TERM
check "runner: hung up, nothing stays" interrupt HUP
