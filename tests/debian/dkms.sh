# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2016
#
# The DKMS package in a bare Debian 12.  Sourced by run.

need_packages debootstrap qemu-system-x86

# the archive that this machine's own packages come from
archive()
{
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Codename: bookworm' | sort -u | head -n 1 |
		cut -d' ' -f1
}

inside()
{
	local root=$1

	shift
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		unshare --mount --pid --fork sh -c '
			mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"
}

build_root()
{
	local dir=$1 file

	run_logged "making a bare Debian 12" "$ACRYPTO_WORK/logs/debootstrap.log" \
		debootstrap --variant=minbase bookworm "$dir" "$(archive)" || return 1
	# with the machine's own sources: security updates as well
	rm -f "$dir/etc/apt/sources.list"
	[ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$dir/etc/apt/"
	for file in /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/*proxy* /etc/resolv.conf; do
		[ ! -f "$file" ] || cp --remove-destination "$file" "$dir$file"
	done
	run_logged "installing DKMS and the headers in it" \
		"$ACRYPTO_WORK/logs/debootstrap-apt.log" inside "$dir" sh -c \
		'apt-get -q update && apt-get -q -y --no-install-recommends install \
			dkms linux-headers-amd64' || return 1
	rm -rf "$dir"/var/cache/apt/archives/*.deb "$dir"/var/lib/apt/lists/*
}

image=$("$ACRYPTO_TOP/scripts/stock.sh" image)
release=$(cat "$image/release")
root=$tmp/root
kept=$(cached bare-debian "$(hash_of "$release" "$(archive)" \
	"@$here/dkms.sh")" build_root)
cp -a "$kept" "$root"
rm -f "$root/.manifest"
result "a bare Debian has the headers of $release" "$(
	[ -e "$root/usr/src/linux-headers-$release/Makefile" ] || ls "$root/usr/src")"

state_of_root()
{
	(cd "$root" && find lib/modules usr/lib/modules usr/src var/lib/dkms etc -xdev \
		! -name 'modules.*' ! -path 'etc/ld.so.cache' -printf '%y %p\n' 2>/dev/null |
		LC_ALL=C sort -u)
}

state_of_root >"$tmp/bare"
cp "$deb" "$root/tmp/acrypto.deb"
if inside "$root" dpkg -i /tmp/acrypto.deb >&2 &&
   inside "$root" dkms install -m acrypto -v 0~test -k "$release" >&2; then
	pass "dpkg -i installs it, and DKMS builds the modules"
else
	fail "dpkg -i installs it, and DKMS builds the modules"
	cat "$root"/var/lib/dkms/acrypto/*/build/make.log >&2 || true
fi
rm -f "$root/tmp/acrypto.deb"
mkdir "$tmp/installed"
find "$root/lib/modules/$release/updates" -name 'acrypto*.ko*' \
	-exec cp -t "$tmp/installed" {} + || true
result "every module is installed" "$(diff <(echo "$dkms_names") \
	<(cd "$tmp/installed" && printf '%s\n' * | sed 's/\.ko.*//' | LC_ALL=C sort))"
find "$tmp/installed" -name '*.xz' -exec xz -d {} +
for name in crypto arch lib drivers/md drivers/block; do
	find "$image/modules/$name" -name '*.ko' -exec cp -t "$tmp/installed" {} +
done
check "they load and work in Debian's kernel" "$ACRYPTO_TOP/scripts/guest.sh" \
	--kernel "$image/vmlinuz" --modules "$tmp/installed" --mem 512 --icount \
	--script "$ACRYPTO_TOP/tests/modules/load.sh" --env CPUS=1 --env AES=no \
	--timeout 900
check "dpkg -r takes it away" inside "$root" dpkg -r acrypto-dkms
result "nothing is left of it" "$(state_of_root | diff "$tmp/bare" - | grep '^>' |
	grep -v 'var/lib/dpkg' || true)"
