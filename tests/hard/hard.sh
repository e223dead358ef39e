# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest, under a kernel that looks for mistakes (scripts/hardcheck.sh): run
# /inner.sh, then see whether memory was left behind.  The modules are gone by
# then, so all that they have had is to be free.  STOCK_LEAKS, if set: what is
# allocated below one of these functions is lost by the kernel itself.

. /lib.sh

LEAKS=/sys/kernel/debug/kmemleak

mount -t debugfs debugfs /sys/kernel/debug
check "the tests passed" sh /inner.sh
if [ -e $LEAKS ]; then
	# what is younger than five seconds is not counted, and what was found once
	# is looked at again
	sleep 6
	echo scan >$LEAKS
	sleep 6
	echo scan >$LEAKS
	cat $LEAKS >/tmp/leaks
	cat /tmp/leaks
	# one is a line that says so, and lines that are indented
	same "no memory is left behind" "$(awk -v stock="${STOCK_LEAKS:-}" '
		function count() { if (lost && !known) left++ }
		/^unreferenced/ { count(); lost = 1; known = 0 }
		stock != "" && $0 ~ stock { known = 1 }
		END { count(); print left + 0 }' /tmp/leaks)" 0
fi
finish
