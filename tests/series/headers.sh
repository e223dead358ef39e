# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Patch headers and series files.  Sourced by run.

lists=("$top"/series*)

# header_faults FILE NAME: one line per fault of a patch's header
header_faults()
{
	local file=$1 name=$2 subject needs need kernel

	subject=$(patch_field "$file" Subject)
	[[ $subject =~ ^[a-zA-Z0-9_.,\ /-]+:\ [^[:blank:]].*[^.]$ ]] ||
		echo "$name: Subject is not 'area: what': $subject"
	[ "${#subject}" -le 72 ] || echo "$name: Subject is longer than 72 characters"
	[[ $(patch_field "$file" From) =~ ^[^\<]+\ \<[^\>]+@[^\>]+\>$ ]] ||
		echo "$name: no proper From"
	kernel=$(patch_field "$file" Kernel)
	[[ $kernel =~ ^(all|[0-9]+\.[0-9.]+(, [0-9]+\.[0-9.]+)*)$ ]] ||
		echo "$name: Kernel is neither 'all' nor versions: $kernel"
	[ "$(sed -n '1s/:.*//p' "$file")" = Subject ] || echo "$name: Subject is not first"
	[ -n "$(patch_field "$file" Mainline)" ] || echo "$name: no Mainline"
	sed '/^---$/,$d' "$file" | grep -q '^Signed-off-by: [^<]* <.*>$' ||
		echo "$name: no Signed-off-by"
	sed '/^---$/,$d' "$file" | sed '1,/^$/d' | grep -q '[[:alpha:]]' ||
		echo "$name: does not say why"
	grep -qx -- '---' "$file" || echo "$name: no line '---' before the diff"
	! grep -qE '^(Index: |diff --git|===)' "$file" ||
		echo "$name: refresh it with: quilt refresh -p ab --no-timestamps --no-index"
	! grep -E '^(---|\+\+\+) ' "$file" |
		grep -qvE '^(--- (a/[^[:blank:]]+|/dev/null)|\+\+\+ (b/[^[:blank:]]+|/dev/null))$' ||
		echo "$name: file names are not a/... and b/... without times"
	needs=$(patch_field "$file" Needs)
	[ -n "$needs" ] || echo "$name: no Needs"
	[ "$needs" != nothing ] || needs=
	for need in ${needs//,/ }; do
		grep -qE "(^|/)$need(\.patch)?\$" "$tmp/before" ||
			echo "$name: needs $need, which does not come before it"
	done
	if [ "$kernel" = all ]; then
		awk -v n="$name" '/^--- / { from = $2 }
			/^\+\+\+ / && from != "/dev/null" {
				sub(/^b\//, "", $2)
				print $2
			}' "$file" | while read -r changed; do
			grep -qxF "$changed" "$tmp/added" ||
				echo "$name: is for every kernel but changes $changed"
		done
	fi
	patch_added "$file" >>"$tmp/added"
}

patch_added()
{
	awk '/^--- / { from = $2 }
	     /^\+\+\+ / && from == "/dev/null" { sub(/^b\//, "", $2); print $2 }' "$1"
}

for list in "${lists[@]}"; do
	name=$(basename "$list")
	: >"$tmp/before"
	: >"$tmp/added"
	faults=
	count=0
	while read -r patch; do
		if [ -f "$top/patches/$patch" ]; then
			faults+=$(header_faults "$top/patches/$patch" "$patch")
		else
			faults+="$patch: no such patch"$'\n'
		fi
		printf '%s\n' "$patch" >>"$tmp/before"
		count=$((count + 1))
	done < <(series_patches "$list")
	[ "$count" -gt 0 ] || faults="no patches"
	result "$name: $count patch headers" "$faults"
	result "$name: no patch twice" "$(sort "$tmp/before" | uniq -d)"
	result "$name: no file is added twice" "$(sort "$tmp/added" | uniq -d)"
	result "$name: groups are named" "$(awk '
		/^# [a-z][a-z0-9 _-]*: / { named = 1; next }
		/^$/ { named = 0 }
		/^[^#]/ && !named { print }' "$list")"
done

result "every patch is in a series" "$(cd "$top/patches" &&
	find . -name '*.patch' -printf '%P\n' | while read -r patch; do
		for list in "${lists[@]}"; do
			series_patches "$list" | grep -qxF "$patch" && continue 2
		done
		echo "$patch"
	done)"

# patches that two lists share come in the same order in both
if [ ${#lists[@]} -lt 2 ]; then
	skip "series lists in one order" "there is one list only"
else
	for ((i = 0; i < ${#lists[@]}; i++)); do
		for ((j = i + 1; j < ${#lists[@]}; j++)); do
			result "$(basename "${lists[i]}") and $(basename "${lists[j]}") in one order" "$(
				diff <(series_patches "${lists[i]}" |
					grep -xF -f <(series_patches "${lists[j]}")) \
				     <(series_patches "${lists[j]}" |
					grep -xF -f <(series_patches "${lists[i]}")))"
		done
	done
fi
