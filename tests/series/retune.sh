# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# A tree that is built again and again is brought from one state of the series to
# another, also where another checkout of the project made it, which is gone since.

# checkout DIR PATCH...: each of them adds a file of its name
checkout()
{
	local dir=$1 patch

	shift
	mkdir -p "$dir/patches/new"
	for patch; do
		printf -- '--- /dev/null\n+++ b/%s\n@@ -0,0 +1 @@\n+%s\n' "$patch" "$dir" \
			>"$dir/patches/new/$patch.patch"
		printf 'new/%s.patch\n' "$patch"
	done >"$dir/series"
}

# retuned_as CHECKOUT OUT IN FILE...: to that of CHECKOUT, with these files alone
retuned_as()
{
	local from=$1 out=$2 in=$3

	shift 3
	retune_tree "$tmp/tuned" "$from/series" "$out" "$in" || return 1
	diff <(printf '%s\n' "$@") <(cd "$tmp/tuned" && find . -maxdepth 1 -type f -printf '%f\n' | sort)
}

mkdir "$tmp/tuned"
checkout "$tmp/first" one two three four
check "retune: all of a series" retuned_as "$tmp/first" 0 4 four one three two
checkout "$tmp/second" one two five
rm -r "$tmp/first"
check "retune: what another checkout has, which made none of it" \
	retuned_as "$tmp/second" 2 1 five one two
