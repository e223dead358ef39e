# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC2034
#
# What the tests of the front end share, as /capi-lib.sh.
#
#	sessions COUNTER	the sum of a counter of all of soft's devices
#	warm VOLUME		read of it until a device does that, 20 times at most
#	passed DRIVER		did the kernel's own tests of it pass?

CLASS=/sys/class/acrypto

sessions()
{
	counter "$1" 'soft*'
}

# devices get a key after its first request
warm()
{
	local before n=0

	before=$(sessions scompleted)
	while [ "$(sessions scompleted)" -lt $((before + 8)) ]; do
		n=$((n + 1))
		[ $n -le 20 ] || return 1
		dd if="/dev/mapper/$1" of=/dev/null bs=4k count=1 iflag=direct \
			2>/dev/null || return 1
		sleep 0.05
	done
}

passed()
{
	awk -v want="$1" '
		$1 == "driver" { found = $3 == want }
		found && $1 == "selftest" { result = $3 }
		END { print want, result; exit result != "passed" }' /proc/crypto
}
