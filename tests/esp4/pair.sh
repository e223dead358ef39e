#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: pair.sh --out DIR [--timeout SEC] -- LEFT... -- RIGHT...
#
# Runs two guests whose network cards are on one wire.  LEFT and RIGHT are what
# scripts/guest.sh takes for each; the scripts see SIDE, 1 and 2, and the other
# end's is guest/peer.sh unless RIGHT names one.  The lines that the left one
# reports appear on stdout.  What was on the wire is left in DIR/wire.pcap as the
# left card saw it, the rest in DIR/left and DIR/right.
#
# exit: 0 both ended well, 1 one did not, 2 wrong usage

set -eu -o pipefail
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

here=$ACRYPTO_TOP/tests/esp4
out='' limit=900
options out= timeout=limit ... -- "$@"
shift $((OPTIND - 1))
[ -n "$out" ] || usage_error "no --out"
left=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	left+=("$1")
	shift
done
[ $# -gt 0 ] || usage_error "two guests are needed"
shift
right=("$@")

# one of two guests would wait for the other's processors
take_cores $(($(guest_cores "${left[@]}") + $(guest_cores "${right[@]}")))

mkdir -p "$out"
rm -f "$out/wire.pcap"
# the sockets' names are short, whatever folder the results go to
wire=$(mktemp -d)
second=
clean_up()
{
	[ -z "$second" ] || kill "$second" 2>/dev/null || true
	rm -rf "$wire"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# guest SIDE ARGUMENT...
guest()
{
	local side=$1 other=$((3 - $1)) name=left

	shift
	[ "$side" -eq 1 ] || name=right
	# their clocks are the host's, which may be too busy for the kernel's test
	# of its timer
	"$ACRYPTO_TOP/scripts/guest.sh" --out "$out/$name" --timeout "$limit" \
		--append no_timer_check \
		--env "SIDE=$side" --file "$here/guest/esp.sh" \
		--qemu-arg -netdev --qemu-arg "dgram,id=wire,local.type=unix,local.path=$wire/$side,remote.type=unix,remote.path=$wire/$other" \
		--qemu-arg -device --qemu-arg "e1000,netdev=wire,mac=52:54:00:00:00:0$side" "$@"
}

# one console is enough
ACRYPTO_SHELL='' guest 2 --script "$here/guest/peer.sh" --quiet "${right[@]}" \
	>"$out/right.out" 2>&1 &
second=$!
status=0
guest 1 --qemu-arg -object \
	--qemu-arg "filter-dump,id=dump,netdev=wire,file=$out/wire.pcap" \
	"${left[@]}" || status=$?
if [ $status -eq 0 ]; then
	wait "$second" || status=$?
	[ $status -eq 0 ] || cat "$out/right.out" >&2
else
	# it may have something to say about what went wrong
	sleep 1
	kill "$second" 2>/dev/null || true
	wait "$second" || true
	cat "$out/right.out" >&2
fi
second=
[ $status -eq 0 ] || exit 1
