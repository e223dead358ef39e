# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# The kernel builds at the end of each group of the series (ACRYPTO_LONG=yes: after
# each patch but those for the tools), and with everything built in.  Sourced by run.
# One tree goes from group to group, so that make has little to do; the whole series
# is the tree that the other suites boot.

# groups: per group its name and the number of patches up to its end
groups()
{
	awk '/^# [a-z][a-z0-9 _-]*: / {
		if (n > last) print name, n
		name = $2; sub(/:.*/, "", name); last = n; next
	     }
	     /^[^#]/ { n++ }
	     END { if (n > last) print name, n }' "$(kernel_series "$kernel")"
}

# patches: of each after the first group its name and its number
patches()
{
	awk '/^# [a-z][a-z0-9 _-]*: / { group++ }
	     /^[^#]/ { n++; if (group > 1) print $1, n }' "$(kernel_series "$kernel")"
}

while read -r group count; do
	check "builds up to group $group" built_tree "$kernel" x86_64 "$count"
done < <(groups | head -n -1)
if [ "${ACRYPTO_LONG-}" = yes ]; then
	while read -r patch count; do
		check "builds up to $patch" built_tree "$kernel" x86_64 "$count"
	done < <(patches | head -n -1)
fi
check "builds with the whole series" built_tree "$kernel" x86_64
if [ -f "$(kernel_configs "$kernel")/x86_64-builtin.config" ]; then
	check "builds without modules" built_tree "$kernel" x86_64-builtin
else
	skip "builds without modules" "no x86_64-builtin.config for Linux $kernel"
fi
