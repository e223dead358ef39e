#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: profile.sh [--top N] [--section NAME] SYSTEM.MAP DIR
#
# Tells in which functions a guest's instructions went.  DIR is what
# `guest.sh --profile --out DIR` left; the script that ran there set marks
# (`mark NAME`) and, for the functions of modules, called `report_symbols`.
# Of each section (or of the one that began at the mark NAME) the N functions
# (30) that executed most are listed.
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

top=30
only=
options top= section=only ... -- "$@"
shift $((OPTIND - 1))
[ $# -eq 2 ] || usage_error "give System.map and the folder of a run"
for file in "$1" "$2/result.log" "$2/counts.log"; do
	[ -f "$file" ] || refuse "no such file: $file"
done
grep -q ' block ' "$2/counts.log" || refuse "$2/counts.log has no blocks: use --profile"

need_packages python3
exec python3 - "$1" "$2" "$top" "$only" <<'EOF'
import bisect, collections, sys

system_map, folder, top, only = sys.argv[1:5]
symbols = []
with open(system_map) as f:
    for line in f:
        address, kind, name = line.split()[:3]
        if kind in "tTwW":
            symbols.append((int(address, 16), name))
names = {0: "start"}
with open(folder + "/result.log", errors="replace") as f:
    for line in f:
        words = line.split()
        if line.startswith("mark ") and len(words) > 1:
            names[len(names)] = words[1]
        elif line.startswith("symbol ") and len(words) == 5 and words[2] in "tT":
            symbols.append((int(words[1], 16), words[3] + " " + words[4]))
symbols.sort()
starts = [s[0] for s in symbols]

totals = collections.defaultdict(collections.Counter)
with open(folder + "/counts.log") as f:
    for line in f:
        words = line.split()
        if words[2] != "block":
            continue
        address, n = int(words[3], 16), int(words[7])
        if address < 1 << 63:
            name = "(user)"
        else:
            i = bisect.bisect_right(starts, address) - 1
            name = symbols[i][1] if i >= 0 else "(unknown)"
        totals[int(words[1])][name] += n

for section in sorted(totals):
    name = names.get(section, "?")
    if only and name != only:
        continue
    total = sum(totals[section].values())
    print(f"section {section} ({name}): {total} instructions")
    for function, n in totals[section].most_common(int(top)):
        print(f"{n:14d} {100 * n / total:6.2f} %  {function}")
EOF
