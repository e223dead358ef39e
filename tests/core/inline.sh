# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest, under --count: what a session costs that is done inline, by
# a device that does nothing.  Each way with two numbers of sessions: the
# difference is what FEW of them cost.  The host does the sums.

. /lib.sh
. /core.sh

modprobe acrypto
modprobe acrypto_test tests=inline sessions=1
rmmod acrypto_test
for way in none plain bound flow; do
	for n in "$FEW" $((2 * FEW)); do
		mark "$way.$n"
		modprobe acrypto_test tests=inline sessions="$n" way=$way
		mark end
		kernel_results
		rmmod acrypto_test
	done
done
finish
