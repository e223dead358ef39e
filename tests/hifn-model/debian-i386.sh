#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: debian-i386.sh
#
# Fetches Debian's newest kernel for i386 ("686"), beside the system's own package
# lists and without dpkg's knowledge, and prints the folder of the cache with
# vmlinuz, release and modules/: those for cryptography, hardware of that kind with
# its drivers, and random numbers.
# Without a network, what was fetched before is taken.
# Exit 0 done, 1 failed, 2 wrong usage, 3 it can't be had here.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/../../scripts/lib.sh"

MODULES=(crypto lib arch/x86/crypto drivers/crypto drivers/char/hw_random)

lists=$ACRYPTO_CACHE/apt-i386
apt=(-q -o APT::Architecture=i386 -o APT::Architectures=i386
	-o "Dir::State::Lists=$lists/lists" -o "Dir::Cache=$lists/cache"
	-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
	-o APT::Sandbox::User=root -o Acquire::Languages=none)

# the package with the newest kernel, as NAME=VERSION
newest()
{
	local name version

	name=$(apt-cache "${apt[@]}" depends --no-recommends --no-suggests linux-image-686 |
		sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
	[ -n "$name" ] || return 1
	version=$(apt-cache "${apt[@]}" policy "$name" | sed -n 's/^ *Candidate: //p')
	[ -n "$version" ] && [ "$version" != '(none)' ] || return 1
	printf '%s=%s\n' "$name" "$version"
}

read_lists()
{
	mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
	if [ -z "$(find "$lists/read" -mtime -1 2>/dev/null)" ]; then
		say "reading Debian's package lists for i386"
		# an archive without i386 is no failure
		apt-get "${apt[@]}" update >"$ACRYPTO_CACHE/logs/apt-i386.log" 2>&1 || true
		touch "$lists/read"
	fi
}

build_image()
{
	local dir=$1 all name

	say "fetching Debian's $package"
	(cd "$dir" && apt-get "${apt[@]}" download "$package") ||
		unavailable "could not fetch Debian's $package"
	for name in "$dir"/*.deb; do
		dpkg-deb -x "$name" "$dir"
	done
	all=$(echo "$dir"/lib/modules/*)
	basename "$all" >"$dir/release"
	mv "$dir/boot/vmlinuz-$(basename "$all")" "$dir/vmlinuz"
	mkdir "$dir/modules"
	for name in "${MODULES[@]}"; do
		(cd "$all/kernel" && find "$name" -name '*.ko' -exec \
			cp --parents -t "$dir/modules" {} +)
	done
	rm -rf "${dir:?}"/{lib,boot,usr} "$dir"/*.deb
}

case ${1-} in
-h | --help)
	show_help
	exit 0
	;;
'') ;;
*)	usage_error "no arguments" ;;
esac

mkdir -p "$ACRYPTO_CACHE/logs" "$lists"
with_lock apt-i386 read_lists
package=$(newest) || package=$(cat "$lists/package" 2>/dev/null) ||
	unavailable "Debian's kernel for i386 can't be had: see $ACRYPTO_CACHE/logs/apt-i386.log"
folder=$(cached stock-image-i386 "$(hash_of "$package" "$(declare -f build_image)" \
	"${MODULES[*]}")" build_image)
printf '%s\n' "$package" >"$lists/package"
printf '%s\n' "$folder"
