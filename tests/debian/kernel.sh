# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# As a distributor would: all of Debian's source, patched, configured and built as
# packages; what is in them boots.  Sourced by run.  The tree is kept.

need_packages dpkg-dev rsync kmod cpio bc bison flex libelf-dev libssl-dev \
	build-essential debhelper fakeroot

tree=$ACRYPTO_WORK/6.1-debian/linux
rm -rf "$ACRYPTO_WORK/6.1-debian"
mkdir -p "$tree"
run_logged "unpacking Debian's source" "$ACRYPTO_WORK/logs/debian-unpack.log" \
	tar -xf "$source" -C "$tree" --strip-components=1
before=$(manifest "$tree" | sha256sum)
check "the whole source: the patches apply" "$ACRYPTO_TOP/scripts/apply.sh" "$tree"
check "the whole source: --pop" "$ACRYPTO_TOP/scripts/apply.sh" --pop "$tree"
result "the whole source: it is restored to the byte" "$(
	[ "$(manifest "$tree" | sha256sum)" = "$before" ] || echo "it differs")"
check "the whole source: the patches apply again" "$ACRYPTO_TOP/scripts/apply.sh" "$tree"

bindeb()
{
	make -C "$tree" ARCH=x86_64 LC_ALL=C -j"$(jobs_count)" \
		KDEB_PKGVERSION=1 bindeb-pkg
}

if "$ACRYPTO_TOP/scripts/build.sh" --config x86_64 "$tree" >/dev/null; then
	pass "it builds with configs/6.1/x86_64.config"
	if run_logged "building the packages" "$ACRYPTO_WORK/logs/bindeb.log" bindeb; then
		pass "make bindeb-pkg builds the packages"
	else
		fail "make bindeb-pkg builds the packages"
	fi
else
	fail "it builds with configs/6.1/x86_64.config"
fi
image=$(find "$ACRYPTO_WORK/6.1-debian" -maxdepth 1 -name 'linux-image-*_amd64.deb' |
	head -n 1)
if [ -n "$image" ]; then
	dpkg-deb -x "$image" "$tmp/image"
	check "the package of the kernel boots with its own modules" \
		"$ACRYPTO_TOP/scripts/guest.sh" \
		--kernel "$(find "$tmp/image/boot" -name 'vmlinuz-*')" \
		--modules "$tmp/image/lib/modules" --mem 512 --icount \
		--script "$ACRYPTO_TOP/tests/modules/load.sh" \
		--env CPUS=1 --env AES=no --timeout 900
else
	fail "there is a package of the kernel"
fi
