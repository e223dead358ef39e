# SPDX-License-Identifier: GPL-2.0
#
# An SA's counts, with those of packets that are too old and those that were there
# before as one.  Which of the two an old packet is depends on how far the window
# has moved, and those that are still under way have not moved it yet.
{
	line = ""
	refused = 0
	found = 0
	for (i = 1; i <= NF; i++)
		if ($i == "replay-window" || $i == "replay") {
			refused += $++i
			found = 1
		} else {
			line = line (line == "" ? "" : " ") $i
		}
	print line (found ? " refused " refused : "")
}
