#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: package.sh [--version VERSION] OUTDIR
#
# Makes acrypto-dkms_VERSION_all.deb in OUTDIR: a Debian package with the source
# of the modules, which DKMS builds when the package is installed and again for
# each new kernel of the 6.1 series.  Any user can make it:
#
#	scripts/package.sh /tmp
#	apt-get install linux-headers-amd64 /tmp/acrypto-dkms_*_all.deb
#	modprobe acrypto_soft
#
# dpkg -r acrypto-dkms takes all of it away again.
#
#   --version VERSION	default: the project's, as 2026.11.27 for 2026_11_27; where that
#			is not what is tagged, ~DATE.REVISION follows
#
# The path of the package is printed.
# Exit 0 done, 1 failed, 2 wrong usage.

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

version=
options version= ... -- "$@"
shift $((OPTIND - 1))
# what dpkg takes, without an epoch or a revision
[[ $version =~ ^([0-9][A-Za-z0-9.+~]*)?$ ]] ||
	usage_error "'$version' is no version for a package"
[ $# -eq 1 ] || usage_error "one folder is needed"
[ -d "$1" ] || refuse "$1 is no folder"
out=$(readlink -f "$1")

# the same content makes the same package
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(project_date)}
export SOURCE_DATE_EPOCH
if [ -z "$version" ]; then
	version=$(project_version)
	case $version in
	*-*)
		more=${version#*-}
		[ "$SOURCE_DATE_EPOCH" -eq 0 ] ||
			more=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M).$more
		version=${version%%-*}~${more//-/.}
		;;
	esac
	version=${version//_/.}
fi

need_tool dpkg-deb dpkg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
source=$root/usr/src/acrypto-$version
doc=$root/usr/share/doc/acrypto-dkms
mkdir -p "$root/DEBIAN" "$(dirname "$source")" "$doc"
"$ACRYPTO_TOP/scripts/modules.sh" --source "$source"

# --- for DKMS -------------------------------------------------------------------

# one line "FOLDER NAME" for each module
modules()
{
	local folder

	sed -n 's/^obj-y := //p' "$source/Kbuild" | tr ' ' '\n' | while read -r folder; do
		sed -n "s,^obj-\$(CONFIG_ACRYPTO[A-Z0-9_]*) += \([a-z0-9_]*\)\.o\$,${folder%/} \1,p" \
			"$source/$folder/Makefile"
	done
}

# make, not this shell, is told where DKMS has things
# shellcheck disable=SC2016
{
	printf '# SPDX-License-Identifier: GPL-2.0\n'
	printf 'PACKAGE_NAME="acrypto"\nPACKAGE_VERSION="%s"\n' "$version"
	printf 'AUTOINSTALL="yes"\nBUILD_EXCLUSIVE_KERNEL="^6\\.1\\."\n'
	command='make -C ${kernel_source_dir}'
	command+=' M=${dkms_tree}/${PACKAGE_NAME}/${PACKAGE_VERSION}/build'
	printf 'MAKE[0]="%s modules"\nCLEAN="%s clean"\n' "$command" "$command"
	n=0
	while read -r folder name; do
		printf 'BUILT_MODULE_NAME[%d]="%s"\n' "$n" "$name"
		printf 'BUILT_MODULE_LOCATION[%d]="%s"\n' "$n" "$folder"
		printf 'DEST_MODULE_LOCATION[%d]="/updates/dkms"\n' "$n"
		n=$((n + 1))
	done < <(modules)
} >"$source/dkms.conf"
grep -q '^BUILT_MODULE_NAME' "$source/dkms.conf" || die "no modules were found"

# --- for dpkg -------------------------------------------------------------------

mv "$source/Documentation/crypto/acrypto.txt" "$doc/"
rm -rf "$source/Documentation"
cat >"$doc/copyright" <<'END'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2026 The acrypto developers
License: GPL-2
 On Debian systems, the text of the GNU General Public License, version 2, is
 in /usr/share/common-licenses/GPL-2.
END
cat >"$root/DEBIAN/control" <<END
Package: acrypto-dkms
Version: $version
Architecture: all
Section: kernel
Priority: optional
Maintainer: The acrypto developers <acrypto@localhost>
Depends: dkms (>= 3.0)
Recommends: linux-headers-amd64 | linux-headers-generic
Description: asynchronous crypto layer for Linux 6.1, as modules (DKMS)
 acrypto gives cryptographic work to many devices at once: accelerators, and
 every CPU.  A load balancer chooses among them, sessions have priorities, and
 when a device dies its work goes on elsewhere.
 .
 The modules are built when this package is installed.  An unmodified dm-crypt
 uses them when its table names capi:acrypto(cbc(aes))-plain64 as the cipher.
END
# DKMS' own script decides for which kernels to build now
cat >"$root/DEBIAN/postinst" <<END
#!/bin/sh
set -e
if [ "\$1" = configure ]; then
	/usr/lib/dkms/common.postinst acrypto $version "" "" "\$2"
fi
END
cat >"$root/DEBIAN/prerm" <<END
#!/bin/sh
set -e
case \$1 in
remove | upgrade | deconfigure)
	if [ -n "\$(dkms status -m acrypto -v $version)" ]; then
		dkms remove -m acrypto -v $version --all
	fi
	;;
esac
END
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) \
	>"$root/DEBIAN/md5sums"
find "$root" -type d -exec chmod 755 {} +
find "$root/usr" -type f -exec chmod 644 {} +

deb=$out/acrypto-dkms_${version}_all.deb
dpkg-deb --root-owner-group --build "$root" "$deb" >&2
printf '%s\n' "$deb"
