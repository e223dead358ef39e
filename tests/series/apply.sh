# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# apply.sh on the real kernel, in $tmp/linux.  Sourced by run.

before=$(manifest "$tmp/linux" | sha256sum)
check "apply: the whole series" "$top/scripts/apply.sh" "$tmp/linux"
if [ ! -d "$tmp/linux/.pc" ]; then
	return 0
fi
result "apply: quilt knows every patch of the series" "$(diff \
	<(series_patches "$series") <(cd "$tmp/linux" && project_quilt series | sed 's,^patches/,,'))"
result "apply: all are applied" "$(diff <(series_patches "$series") "$tmp/linux/.pc/applied-patches")"
patched=$(manifest "$tmp/linux" | sha256sum)
refused "apply: a second time" "$top/scripts/apply.sh" "$tmp/linux"
result "apply: that changed nothing" "$(
	[ "$(manifest "$tmp/linux" | sha256sum)" = "$patched" ] || echo "it did")"

# a user's own quilt, with a configuration that points elsewhere
own_quilt()
{
	(cd "$tmp/linux" && QUILT_PATCHES=debian/patches quilt --quiltrc - "$@")
}
check "quilt: pop" own_quilt pop -q
check "quilt: push" own_quilt push -q
last=$(tail -n 1 "$tmp/linux/.pc/applied-patches")
cp "$top/patches/$last" "$tmp/last.patch"
check "quilt: refresh" own_quilt refresh -f -p ab --no-timestamps --no-index
result "quilt: refresh writes the project's patch, unchanged" "$(
	[ ! -L "$top/patches/$last" ] && diff "$tmp/last.patch" "$top/patches/$last")"
check "apply: --pop" "$top/scripts/apply.sh" --pop "$tmp/linux"
result "apply: --pop restores the tree to the byte" "$(
	[ "$(manifest "$tmp/linux" | sha256sum)" = "$before" ] ||
		echo "the tree differs from what it was")"
refused "apply: --pop of what is not applied" "$top/scripts/apply.sh" --pop "$tmp/linux"

# --- on the touched files alone, which is quick --------------------------------

{
	while read -r patch; do
		patch_files "$top/patches/$patch"
	done < <(series_patches "$series")
	kernel_landmarks
} | LC_ALL=C sort -u >"$tmp/wanted"

small=$tmp/small
fresh()
{
	rm -rf "$small"
	mkdir "$small"
	(cd "$tmp/linux" && while read -r file; do
		[ ! -f "$file" ] || printf '%s\0' "$file"
	done <"$tmp/wanted" | xargs -0 cp -p --parents -t "$small")
}

state()
{
	manifest "$small" | sha256sum
}

# the same without what quilt keeps
content()
{
	(cd "$small" && find . -path ./.pc -prune -o -type f -print0 |
		LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
}

# untouched NAME CMD...: refused with status 2, and not a byte changed
untouched()
{
	local name=$1 was

	shift
	was=$(state)
	refused "$name" "$@"
	if [ "$(state)" = "$was" ]; then
		pass "$name: nothing changed"
	else
		fail "$name: nothing changed"
	fi
}

apply()
{
	"$top/scripts/apply.sh" "$@"
}

touched=$(kernel_configs "$kernel")/touched

# every prefix goes in without fuzz or offset, and comes out again
fresh
ln -s "$top/patches" "$small/patches"
cp "$series" "$small/series"
states=("$(content)")
bad=
count=0
while read -r patch; do
	count=$((count + 1))
	if ! output=$(cd "$small" && project_quilt push 2>&1); then
		bad+="$output"$'\n'
		break
	fi
	case $output in
	*fuzz*)	bad+="$output"$'\n' ;;
	*offset*)
		# a kernel that stands still has all where the patches say
		[ ! -f "$touched" ] || bad+="$output"$'\n'
		;;
	esac
	states+=("$(content)")
done < <(series_patches "$series")
result "prefixes: each patch applies where it says" "$bad"
bad=
for ((i = count - 1; i >= 0; i--)); do
	(cd "$small" && project_quilt pop -q >/dev/null 2>&1) || bad+="pop to $i failed"$'\n'
	[ "$(content)" = "${states[i]}" ] || bad+="prefix $i is not restored"$'\n'
done
result "prefixes: each comes back to the byte" "$bad"

# a file that the series changes, best of all source code, and one that it adds
changed=$(while read -r patch; do
	awk '/^--- a\// { sub(/^a\//, "", $2); print $2 }' "$top/patches/$patch"
done < <(series_patches "$series") | while read -r file; do
	[ ! -f "$tmp/linux/$file" ] || echo "$file"
done | awk '/\.[ch]$/ { print; exit } !other { other = $0 } END { if (NR && !/\.[ch]$/) print other }')
added=$(while read -r patch; do
	awk '/^--- / { from = $2 } /^\+\+\+ / && from == "/dev/null" { sub(/^b\//, "", $2); print $2 }' \
		"$top/patches/$patch"
done < <(series_patches "$series") | head -n 1)
if [ -f "$touched" ]; then
	result "apply: the vanilla content of every changed file is known (scripts/touched.sh)" \
		"$(diff <("$top/scripts/touched.sh" "$tmp/linux") "$touched")"
fi

fresh
rm "$small/init/main.c"
untouched "apply: no kernel" apply "$small"
refused "apply: no folder" apply "$tmp/no-such-folder"
refused "apply: no argument" apply
refused "apply: unknown option" apply --push "$small"

fresh
sed -i 's/^SUBLEVEL = .*/SUBLEVEL = 1/; s/^PATCHLEVEL = .*/PATCHLEVEL = 99/' "$small/Makefile"
untouched "apply: version without patches" apply "$small"

fresh
if [ -f "$touched" ]; then
	printf '\n/* mine */\n' >>"$small/$changed"
	untouched "apply: local change in $changed" apply "$small"
else
	# every line is another
	sed -i 's/./&x/' "$small/$changed"
	untouched "apply: local change in $changed, where a patch wants its lines" \
		apply "$small"
	fresh
	sed -i '1i # mine' "$small/$changed"
	check "apply: local change in $changed, elsewhere" apply "$small"
	check "apply: and it is kept" grep -qx '# mine' "$small/$changed"
fi

fresh
rm "$small/$changed"
untouched "apply: $changed is missing" apply "$small"

if [ -n "$added" ]; then
	fresh
	mkdir -p "$small/$(dirname "$added")"
	echo '/* mine */' >"$small/$added"
	untouched "apply: $added exists already" apply "$small"
fi

fresh
mkdir "$small/patches"
untouched "apply: a patches folder of the user's" apply "$small"

fresh
mkdir -p "$small/.pc"
printf 'theirs.patch\n' >"$small/.pc/applied-patches"
untouched "apply: another project's patches are applied" apply "$small"

# a context line that is off needs fuzz, and fuzz is not given
fresh
first=$(series_patches "$series" | while read -r patch; do
	! sed '1,/^@@/d' "$top/patches/$patch" | grep -q '^ [[:alnum:]]' || echo "$patch"
done | head -n 1)
cp "$top/patches/$first" "$tmp/first.patch"
awk '!done && /^ [[:alnum:]].*/ && seen { print " " "x" substr($0, 2); done = 1; next }
     /^@@/ { seen = 1 } { print }' "$tmp/first.patch" >"$top/patches/$first"
if cmp -s "$tmp/first.patch" "$top/patches/$first"; then
	fail "apply: a patch that needs fuzz" "could not make one of $first"
else
	untouched "apply: a patch that needs fuzz" apply "$small"
fi
cp "$tmp/first.patch" "$top/patches/$first"

fresh
check "apply: the touched files alone" apply "$small"
untouched "apply: again" apply "$small"
printf '\n/* mine */\n' >>"$small/$changed"
untouched "apply: --pop over a local change in $changed" apply --pop "$small"

# the way of the README, without apply.sh
by_hand()
{
	fresh
	ln -s "$top/patches" "$small/patches" || return 1
	cp "$series" "$small/series" || return 1
	(cd "$small" && quilt --quiltrc - push -a -q) || return 1
	(cd "$small" && quilt --quiltrc - pop -a -q)
}
check "quilt alone: push -a and pop -a" by_hand
