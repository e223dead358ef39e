#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Usage: build.sh [--config NAME] [--modules DIR] TREE
#
# Configures and builds the kernel in TREE, with its modules.
#
#   --config NAME	configs/VERSION/NAME.config (default x86_64); a line
#			"# base: OTHER" in it puts OTHER.config before it
#   --modules DIR	install the modules below DIR (default TREE/installed)
#
# Options of the configuration that TREE does not know are left out; one that it
# knows and that does not take effect is an error.  ccache is used if it is there.
# The last lines, on standard output, say where the results lie:
#	image PATH
#	vmlinux PATH
#	modules PATH
# Exit 0 done, 1 failed, 2 wrong usage or unfit tree.

set -eu
. "$(dirname "$(readlink -f "$0")")/lib.sh"

name=x86_64
modules=
options config=name modules= ... -- "$@"
shift $((OPTIND - 1))
[ $# -eq 1 ] || usage_error "one kernel tree is needed"
tree=$1

[ -d "$tree" ] || refuse "$tree is no folder"
tree=$(readlink -f "$tree")
version=$(kernel_version "$tree") || refuse "$tree is no Linux kernel tree"
configs=$(kernel_configs "$version") || refuse "Linux $version is not supported"
[ -f "$configs/$name.config" ] ||
	refuse "no configuration $name for Linux $version; there are:" \
		"$(find "$configs" -name '*.config' -printf '%f ' | sed 's/\.config//g')"
! grep -q '^config %config:' "$tree/Makefile" ||
	refuse "$tree is not patched for this machine's tools: scripts/apply.sh first"
case $name in
i386*)	arch=i386 ;;
*)	arch=x86_64 ;;
esac
modules=$(readlink -m "${modules:-$tree/installed}")

need_packages gcc make binutils libc6-dev kmod
case $version in
2.*)	;;
*)	need_packages bc bison flex libelf-dev libssl-dev ;;
esac

cc=gcc
! command -v ccache >/dev/null 2>&1 || cc="ccache gcc"
# what is given on make's command line, the architecture's Makefile can't extend
[ "$arch" != i386 ] || cc="$cc -m32"
log=$tree/build.log
kmake()
{
	make -C "$tree" ARCH="$arch" CC="$cc" LC_ALL=C "$@"
}

# --- configuration -----------------------------------------------------------

# asked NAME: the options of a configuration and of those it builds on
asked()
{
	local base

	base=$(sed -n 's/^# base: *//p' "$configs/$1.config")
	[ -z "$base" ] || asked "$base"
	cat "$configs/$1.config"
}

# one line per option, the last one wins
merged()
{
	asked "$name" | awk '
		/^CONFIG_[A-Za-z0-9_]+=/ { key = $0; sub(/=.*/, "", key) }
		/^# CONFIG_[A-Za-z0-9_]+ is not set/ { key = $2 }
		key != "" {
			if (!(key in value))
				order[++n] = key
			value[key] = $0
			key = ""
		}
		END { for (i = 1; i <= n; i++) print value[order[i]] }'
}

# Kconfig files that another one includes; of architectures, whose names may be
# variables there, all.
kconfigs()
{
	find "$tree" -name 'Kconfig*' -type f -printf '%P\n' >"$tree/.config.files"
	(cd "$tree" && xargs sed -n \
		's/^[[:blank:]]*source[[:blank:]]*"\{0,1\}\([^"]*\).*/\1/p' <.config.files) |
		awk 'NR == FNR { included[$1] = 1; next }
		     /^(Kconfig|arch\/)/ || $1 in included' - "$tree/.config.files"
	rm -f "$tree/.config.files"
}

# Prints the options that TREE knows and that came out otherwise than asked.
# An option that was to be off may also be invisible, and not be mentioned.
lost_options()
{
	kconfigs | (cd "$tree" && xargs \
		sed -n 's/^[[:blank:]]*\(menu\)\{0,1\}config[[:blank:]]\{1,\}\([A-Za-z0-9_]*\).*/CONFIG_\2/p') |
		sort -u >"$tree/.config.known"
	awk 'FILENAME == ARGV[1] { known[$1] = 1; next }
	     FILENAME == ARGV[2] {
		if (/^CONFIG_/) { key = $0; sub(/=.*/, "", key); have[key] = $0 }
		next
	     }
	     {
		if (/^#/) { key = $2; want = "" }
		else { key = $0; sub(/=.*/, "", key); want = $0 }
		if ((key in known) && have[key] != want)
			print (want == "" ? key " off" : want) \
				": is " (have[key] == "" ? "off" : have[key])
	     }' "$tree/.config.known" "$tree/.config" "$tree/.config.asked"
	rm -f "$tree/.config.known"
}

merged >"$tree/.config.asked"
cp "$tree/.config.asked" "$tree/.config"
# every question that is left gets its default
configure()
{
	yes '' | kmake oldconfig
}
run_logged "configuring Linux $version ($name)" "$tree/config.log" configure
lost=$(lost_options)
rm -f "$tree/.config.asked"
[ -z "$lost" ] || {
	printf '%s\n' "$lost" >&2
	die "$name: options that did not take effect, see above"
}

# --- build -------------------------------------------------------------------

run_logged "building Linux $version ($name) with $cc" "$log" kmake -j"$(jobs_count)"
rm -rf "$modules/lib/modules"
mkdir -p "$modules"
run_logged "installing modules" "$tree/modules.log" \
	kmake modules_install INSTALL_MOD_PATH="$modules"

for image in "$tree/arch/$arch/boot/bzImage" "$tree/arch/x86/boot/bzImage"; do
	[ -f "$image" ] && break
done
[ -f "$image" ] || die "no image was made; see $log"
printf 'image %s\nvmlinux %s\nmodules %s\n' "$image" "$tree/vmlinux" "$modules"
