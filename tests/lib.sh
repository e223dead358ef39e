#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Functions for suites that are shell scripts:
#
#	all_tests SUITE			all lines of tests/SUITE/tests
#	suite_tests SUITE [TEST]...	the tests of SUITE, a line each: its name and words
#					about it, as tests/SUITE/tests has them: those of
#					the usual run, or those that are named.  2: there is
#					no such test, and it has said which there are
#	chosen [TEST]...		the names alone, of this suite
#	wanted NAME			is it among those in $tests?
#	pass NAME			print the result of a test
#	fail NAME [TEXT...]		the same, with what was wrong (to the log)
#	skip NAME REASON...
#	check NAME CMD...		pass if CMD succeeds; its output goes to the log
#	refused NAME CMD...		pass if CMD exits with status 2
#	result NAME VALUE		pass if VALUE is empty, else fail and show it
#	obtain NAME VARIABLE CMD...	VARIABLE becomes what CMD prints, which needs what
#					may not be had on this machine.  If it can't (CMD
#					exits with 3), the test NAME is skipped; any other
#					failure of CMD is one of NAME.  Both return 1
#	boot NAME ARGUMENT...		run a guest (scripts/guest.sh with ARGUMENTS): each
#					of its results is one of ours, NAME before it, and
#					so is that it ended well.  $tmp/lines is what it
#					reported, $tmp/out its folder
#	guests NAME TEXT CMD...		the same for any CMD that boots guests and leaves
#					their consoles in $tmp/out; TEXT: they ended well
#	guest_lines NAME		the results in $tmp/lines; the rest goes to the log
#	keep_consoles NAME		those in $tmp/out, where logs are kept
#	defects_apply DIR TREE		pass if the defects in DIR, which
#					tests/defects.sh tries, still apply to TREE
#
# A function that check calls has to return its failures: set -e is off in it.

. "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")/scripts/lib.sh"

all_tests()
{
	local file=$ACRYPTO_TOP/tests/$1/tests

	if [ -x "$file" ]; then
		"$file"
	else
		sed '/^#/d' "$file"
	fi
}

# A name of several parts stands for all that begin with them (load for
# load:x86_64:1), and is known if its first part is.
suite_tests()
{
	local known

	known=$(all_tests "$1")
	shift
	awk -v given="$*" -v long="${ACRYPTO_LONG-}" -v quick="${ACRYPTO_QUICK-}" '
	function has(word,  i)
	{
		for (i = 2; i <= NF; i++)
			if ($i == word)
				return 1
		return 0
	}
	function show(name, line) { if (!shown[name]++) print line }
	NF { line[++n] = $0; lines[$1] = $0; name[n] = $1; split($1, part, ":"); first[part[1]] = 1 }
	NF && given == "" && !has("named") && (long == "yes" || !has("long")) &&
		(quick != "yes" || has("quick")) { print }
	END {
		count = split(given, test, " ")
		for (i = 1; i <= count; i++) {
			found = test[i] in lines
			if (found)
				show(test[i], lines[test[i]])
			for (j = 1; j <= n && !(test[i] in lines); j++)
				if (index(name[j] ":", test[i] ":") == 1 ||
				    index(name[j], test[i] "/") == 1) {
					show(name[j], line[j])
					found = 1
				}
			split(test[i], part, ":")
			if (!found && part[2] != "" && part[1] in first) {
				show(test[i], test[i])
				found = 1
			}
			if (!found)
				exit 1
		}
	}' <<<"$known" || refuse "no such test: $*; there are:" \
		"$(awk '{ printf "%s ", $1 }' <<<"$known")"
}

chosen()
{
	local lines

	lines=$(suite_tests "$(basename "$(dirname "$(readlink -f "$0")")")" "$@")
	awk '{ print $1 }' <<<"$lines"
}

# shellcheck disable=SC2154
wanted()
{
	grep -qxF -- "$1" <<<"$tests"
}

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

obtain()
{
	# what starts with _ is no name of a caller's variable
	local _name=$1 _into=$2 _output _errors _status=0

	shift 2
	_errors=$(mktemp)
	_output=$({
		"$@" 2>&1 >&3 3>&- | tee "$_errors" >&2
		exit "${PIPESTATUS[0]}"
	} 3>&1) || _status=$?
	case $_status in
	0)	printf -v "$_into" %s "$_output" ;;
	3)	skip "$_name" "$(tail -n 1 "$_errors")" ;;
	*)	fail "$_name: ${1##*/} ends well" "${1##*/}: status $_status" ;;
	esac
	rm -f "$_errors"
	return $((_status != 0))
}

# --- guests -------------------------------------------------------------------

# each suite has a folder tmp of its own
# shellcheck disable=SC2154
guest_lines()
{
	sed -n "s/^\(ok\|not ok\|skip\) - /\1 - $1: /p" "$tmp/lines"
	# what was measured, for the log
	grep '^#' "$tmp/lines" >&2 || true
	cat "$tmp/errors" >&2
}

keep_consoles()
{
	local console side kept

	mkdir -p "$ACRYPTO_WORK/logs"
	while read -r console; do
		side=$(dirname "$console")
		kept=$(basename "$(dirname "$0")")-${1//[ ,:\/]/-}
		[ "$side" = . ] || kept+=-${side//[.\/]/}
		cp "$tmp/out/$console" "$ACRYPTO_WORK/logs/$kept.console"
		say "$1: the guest's console: $ACRYPTO_WORK/logs/$kept.console"
	done < <(cd "$tmp/out" && find . -name console.log)
}

guests()
{
	local name=$1 text=$2 status=0

	shift 2
	rm -rf "$tmp/out"
	say "$name: booting"
	"$@" >"$tmp/lines" 2>"$tmp/errors" || status=$?
	guest_lines "$name"
	case $status in
	0)	pass "$name: $text" ;;
	3)	skip "$name" "$(tail -n 1 "$tmp/errors")" ;;
	*)
		fail "$name: $text: $(tail -n 1 "$tmp/errors")"
		keep_consoles "$name"
		;;
	esac
}

boot()
{
	local name=$1

	shift
	guests "$name" "the guest ended well" "$ACRYPTO_TOP/scripts/guest.sh" \
		--out "$tmp/out" "$@"
}

defects_apply()
{
	result "the defects still apply" "$(
		for patch in "$1"/*.patch; do
			patch -s --dry-run -p1 -F0 -d "$2" <"$patch" >/dev/null ||
				printf '%s\n' "${patch##*/}"
		done)"
}
