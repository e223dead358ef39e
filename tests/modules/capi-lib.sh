# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# What the tests of the front end share, as /capi-lib.sh.
#
#	sessions COUNTER	the sum of a counter of all of soft's devices
#	passed DRIVER		did the kernel's own tests of it pass?

CLASS=/sys/class/acrypto

sessions()
{
	local dev sum=0

	for dev in "$CLASS"/soft*; do
		sum=$((sum + $(cat "$dev/$1")))
	done
	echo $sum
}

passed()
{
	awk -v want="$1" '
		$1 == "driver" { found = $3 == want }
		found && $1 == "selftest" { result = $3 }
		END { print want, result; exit result != "passed" }' /proc/crypto
}
