#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Functions for suites that are shell scripts:
#
#	pass NAME			print the result of a test
#	fail NAME [TEXT...]		the same, with what was wrong (to the log)
#	skip NAME REASON...
#	check NAME CMD...		pass if CMD succeeds; its output goes to the log
#	refused NAME CMD...		pass if CMD exits with status 2
#	result NAME VALUE		pass if VALUE is empty, else fail and show it
#	defects_apply DIR TREE		pass if the defects in DIR, which
#					tests/defects.sh tries, still apply to TREE
#
# A function that check calls has to return its failures: set -e is off in it.

. "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")/scripts/lib.sh"

pass()
{
	printf 'ok - %s\n' "$1"
}

fail()
{
	local name=$1

	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" >&2
	printf 'not ok - %s\n' "$name"
}

skip()
{
	local name=$1

	shift
	printf 'skip - %s: %s\n' "$name" "$*"
}

check()
{
	local name=$1 output

	shift
	if output=$("$@" 2>&1); then
		pass "$name"
	else
		fail "$name" "$output"
	fi
}

refused()
{
	local name=$1 output status=0

	shift
	output=$("$@" 2>&1) || status=$?
	if [ "$status" -eq 2 ] && [ -n "$output" ]; then
		pass "$name"
	else
		fail "$name" "status $status instead of 2" "$output"
	fi
}

result()
{
	if [ -z "$2" ]; then
		pass "$1"
	else
		fail "$1" "$2"
	fi
}

defects_apply()
{
	result "the defects still apply" "$(
		for patch in "$1"/*.patch; do
			patch -s --dry-run -p1 -F0 -d "$2" <"$patch" >/dev/null ||
				printf '%s\n' "${patch##*/}"
		done)"
}
