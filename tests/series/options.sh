# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# The command lines of all scripts are read by one function: what it takes, what it
# refuses, and what it leaves.

# In a script of its own, since options ends the one that it reads for.
cat >"$tmp/reads" <<END
#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: reads [OPTION]...
#
# Reads.

set -eu
. "$ACRYPTO_TOP/scripts/lib.sh"
long=no
two_words=
value=none
named=none
list=()
END
cp "$tmp/reads" "$tmp/reads-more"
cat >>"$tmp/reads" <<'END'
options long two-words value= other=named list+=list -- "$@"
END
cat >>"$tmp/reads-more" <<'END'
options long two-words value= other=named list+=list ... -- "$@"
END
tee -a "$tmp/reads" >>"$tmp/reads-more" <<'END'
shift $((OPTIND - 1))
printf '<%s>' "$long" "$two_words" "$value" "$named" "${list[@]}" : "$@"
END
chmod +x "$tmp/reads" "$tmp/reads-more"

# reads SCRIPT OUTPUT ARGUMENT...
reads()
{
	local script=$tmp/$1 want=$2 got

	shift 2
	got=$("$script" "$@") || return 1
	printf '%s\nwanted\n%s\n' "$got" "$want"
	[ "$got" = "$want" ]
}

# wrong NAME SCRIPT WORD ARGUMENT...: refused, and WORD is in what it says
wrong()
{
	local name=$1 script=$tmp/$2 word=$3

	shift 3
	refused "options: $name: refused" "$script" "$@"
	check "options: $name: said so" grep -qF -- "$word" <("$script" "$@" 2>&1)
}

check "options: none" reads reads '<no><><none><none><:>'
check "options: each kind" reads reads '<yes><yes><a b><-x><1><2 3><:>' \
	--long --list 1 --value 'a b' --two-words --other -x --list '2 3'
check "options: the last value counts, an empty one, too" \
	reads reads '<no><><><none><:>' --value 1 --value ''
check "options: the rest is left as it is" \
	reads reads-more '<yes><><none><none><:><a b><--long><>' --long 'a b' --long ''
check "options: -- ends them" \
	reads reads-more '<no><><none><none><:><--long><-->' -- --long --
check "options: -- before nothing" reads reads '<no><><none><none><:>' --
check "options: --help, whatever comes after" \
	reads reads "$(printf 'Usage: reads [OPTION]...\n\nReads.')" --long --help --none
wrong "one that is not known" reads "'--none'" --none
wrong "the start of one" reads "'--lon'" --lon
wrong "one with = and its value" reads "'--value=1'" --value=1
wrong "what is in the variables alone" reads "'--named'" --named x
wrong "a name that would be an expression" reads "'--a[\$(id)]'" "--a[\$(id)]"
wrong "a short one" reads "'-l'" -l
wrong "a single -" reads-more "'-'" -
wrong "no value" reads '--value needs a value' --long --value
wrong "an argument where none is due" reads "'more'" --long more
