#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: inject.sh --out DIR --count N --seed S [--timeout SEC] [--together]
#	-- GUEST...
#
# Boots a guest (GUEST is what scripts/guest.sh takes) and has inject.py send it N
# wrong packets; then compares what the guest's SAs counted with what they had to.
# With --together it does not count whether a packet that comes again is too old or
# was there before: see together.awk.
# Left in DIR: counts (what the guest counted), expected.
# Prints `ok` and `not ok` lines.
#
# exit: 0 all was right, 1 it was not, 2 wrong usage

set -eu -o pipefail
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

here=$ACRYPTO_TOP/tests/esp4
out='' count='' seed='' limit=900 together=''
options out= count= seed= timeout=limit together ... -- "$@"
shift $((OPTIND - 1))
if [ -z "$out" ] || [ -z "$count" ] || [ -z "$seed" ]; then
	usage_error "--out, --count and --seed are needed"
fi

cases=$("$here/inject.py" --cases)
mkdir -p "$out"
wire=$(mktemp -d)
injector=
clean_up()
{
	[ -z "$injector" ] || kill "$injector" 2>/dev/null || true
	rm -rf "$wire"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# its time limit begins here
take_cores "$(guest_cores "$@")"
python3 "$here/inject.py" --socket "$wire/2" --to "$wire/1" --count "$count" \
	--seed "$seed" --timeout "$limit" >"$out/injected" 2>"$out/inject.err" &
injector=$!
status=0
"$ACRYPTO_TOP/scripts/guest.sh" --out "$out/guest" --timeout "$limit" \
	--append no_timer_check --env SIDE=1 --script "$here/guest/inject.sh" \
	--file "$here/guest/esp.sh" --env "CASES=$cases" \
	--qemu-arg -netdev --qemu-arg "dgram,id=wire,local.type=unix,local.path=$wire/1,remote.type=unix,remote.path=$wire/2" \
	--qemu-arg -device --qemu-arg e1000,netdev=wire,mac=52:54:00:00:00:01 \
	"$@" || status=$?
if [ $status -ne 0 ]; then
	cat "$out/inject.err" >&2
	exit 1
fi
wait "$injector" || status=$?
injector=
if [ $status -ne 0 ]; then
	cat "$out/injected" "$out/inject.err" >&2
	exit 1
fi

sed -n 's/^expect //p' "$out/injected" | sort >"$out/expected"
sed -n 's/^count \(0x.*\)/\1/p; s/^count \(good [0-9]*\) bad.*/\1/p' \
	"$out/guest/result.log" | sed 's/ *$//' | sort >"$out/counted"
sed -n 's/^\(count\|snmp\) //p' "$out/guest/result.log" >"$out/counts"
if [ ! -s "$out/expected" ]; then
	printf 'not ok - nothing was expected\n'
	exit 1
fi
if [ -n "$together" ]; then
	for name in expected counted; do
		awk -f "$here/together.awk" "$out/$name" | sort >"$out/$name.together"
		mv "$out/$name.together" "$out/$name"
	done
fi
wrong=$(comm -23 "$out/expected" "$out/counted")
if [ -n "$wrong" ]; then
	printf 'not ok - %s packets, seed %s: each is counted as it has to be\n' "$count" "$seed"
	diff "$out/expected" "$out/counted" >&2 || true
	exit 1
fi
printf 'ok - %s packets, seed %s: each is counted as it has to be\n' "$count" "$seed"
printf 'ok - %s more with a wrong bit, at each byte: the ICV refuses all\n' \
	"$(sed -n 's/^flipped //p' "$out/injected")"
