# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Guests take the machine's processors before they boot.  Sourced by run.

order=$tmp/order

# note NAME +|- CORES
note()
{
	printf '%s %s %s %s\n' "$EPOCHREALTIME" "$@" >>"$order"
}

# takes NAME CORES SECONDS: hold them so long, of two that there are
takes()
{
	export ACRYPTO_CACHE=$tmp/cores ACRYPTO_CORES=2
	unset ACRYPTO_CORES_TAKEN
	take_cores "$2"
	note "$1" + "$2"
	sleep "$3"
	note "$1" - "$2"
}

# began NAME [TENTHS]: wait until it has them
began()
{
	local tries

	for ((tries = 0; tries < ${2:-300}; tries++)); do
		! grep -q " $1 + " "$order" || return 0
		sleep 0.1
	done
	cat "$order"
	return 1
}

# how many were in use at most, and are now
used()
{
	sort -n "$order" | awk '{ n += $3 "1" * $4; if (n > most) most = n }
		END { print most + 0, n + 0 }'
}

: >"$order"
takes a 1 4 &
takes b 1 4 &
check "cores: two get one each" began a
check "cores: at the same time" began b
same_time=$(used)
takes c 2 1 &
sleep 0.5
takes d 1 0 &
wait
result "cores: that was so" "$([ "$same_time" = "2 2" ] || echo "$same_time")"
result "cores: nobody gets what another has" "$([ "$(used)" = "2 0" ] || sort -n "$order")"
result "cores: who wants both is not passed by" "$(diff <(printf '%s\n' c d) \
	<(sort -n "$order" | awk '$3 == "+" && /[cd] \+/ { print $2 }'))"

: >"$order"
takes more 9 0 &
check "cores: more than there are is all" began more
wait
inner()
{
	takes outer 2 0
	take_cores 2
	note inner + 2
}
inner &
check "cores: who has them gets what it starts through" began inner
wait

# a holder is killed, and what it has started lives on
: >"$order"
takes killed 2 5 &
killed=$!
check "cores: one has both" began killed
sleep 0.2
kill -KILL "$killed"
takes heir 2 0 &
result "cores: what a dead one has started has them still" "$(
	! began heir 15 >/dev/null || cat "$order")"
check "cores: then they are free" began heir
wait || true
