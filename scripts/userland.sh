#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: userland.sh [--arch x86_64|i386] [--compiler] [DIR]
#
# Builds the programs of the test guests from Debian's source packages,
# static and against musl, so that they run on every kernel from 2.6.15 on
# (Debian's own glibc refuses kernels older than 3.2):
#
#	busybox dmsetup fio bonnie++ mke2fs e2fsck ip
#
# and copies them into DIR, which is made if need be.  Without DIR the folder
# of the cache that holds them is printed.  They are built once, and again
# when Debian's versions, the compilers or this script change.
#
#   --arch ARCH	what machine they are for: x86_64 (default), or i386, which has
#		busybox and dmsetup alone
#   --compiler	print the path of a compiler for further programs of that kind
#		instead; to be called with -static
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

arch=x86_64 compiler=''
PACKAGES=(busybox lvm2 fio bonnie++ e2fsprogs iproute2)
NEEDS=(gcc g++ make musl-tools linux-libc-dev dpkg-dev bzip2 xz-utils binutils)

# Debian has a musl for each of its machines, but no compiler for i386 on amd64
# that knows it: so musl is built, for gcc -m32.
build_compiler_i386()
{
	local dir=$1 work

	work=$(mktemp -d "$ACRYPTO_CACHE/musl.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	fetch_source_package musl "$work/musl"
	run_logged "building musl for i386" "$ACRYPTO_CACHE/logs/userland-musl.log" \
		bash "$0" --build-package musl "$work/musl" "$dir"
	rm -rf "$work"
	trap - EXIT
}

# $1 is a name for the folder while it is being made, and musl's specs would keep
# it: they are made again by whoever uses them
build_musl()
{
	local dir=$1

	CROSS_COMPILE='' ./configure --target=i386 --prefix=/ --disable-shared \
		--enable-wrapper=gcc CC="gcc -m32 -march=i686"
	make -j"$(jobs_count)" CROSS_COMPILE=
	make install CROSS_COMPILE= DESTDIR="$dir"
	cp tools/musl-gcc.specs.sh "$dir/"
}

# print a compiler for i386
compiler_i386()
{
	local musl dir multiarch

	musl=$(cached musl-i386 "$(hash_of "$(declare -f build_compiler_i386 build_musl)" \
		"$(source_package_version musl || echo offline)" "$(gcc --version)")" \
		build_compiler_i386)
	multiarch=$(gcc -print-multiarch)
	dir=$ACRYPTO_CACHE/compiler-i386
	mkdir -p "$dir/include"
	ln -sfn /usr/include/linux "$dir/include/linux"
	ln -sfn /usr/include/asm-generic "$dir/include/asm-generic"
	ln -sfn /usr/include/mtd "$dir/include/mtd"
	ln -sfn /usr/include/scsi "$dir/include/scsi"
	ln -sfn "/usr/include/$multiarch/asm" "$dir/include/asm"
	sh "$musl/musl-gcc.specs.sh" "$musl/include" "$musl/lib" \
		/lib/ld-musl-i386.so.1 >"$dir/specs.$$"
	mv "$dir/specs.$$" "$dir/specs"
	cat >"$dir/cc.$$" <<-EOF
	#!/bin/sh
	exec gcc -m32 -march=i686 -Wl,-m,elf_i386 "\$@" -specs $dir/specs \\
		-idirafter $dir/include
	EOF
	chmod +x "$dir/cc.$$"
	mv "$dir/cc.$$" "$dir/cc"
	printf '%s\n' "$dir/cc"
}

# a compiler for musl that finds the kernel's headers and nothing of glibc
make_compilers()
{
	local dir=$1 gcc_dir arch version

	arch=$(gcc -print-multiarch)
	version=$(gcc -dumpversion)
	gcc_dir=$(dirname "$(gcc -print-libgcc-file-name)")
	mkdir -p "$dir/include"
	ln -s /usr/include/linux /usr/include/asm-generic /usr/include/mtd \
		/usr/include/scsi "$dir/include"
	ln -s "/usr/include/$arch/asm" "$dir/include/asm"
	cat >"$dir/cc" <<-EOF
	#!/bin/sh
	exec musl-gcc -idirafter $dir/include "\$@"
	EOF
	# Debian's libstdc++ was made for glibc; what bonnie++ uses of it also
	# compiles against musl's headers
	cat >"$dir/c++" <<-EOF
	#!/bin/sh
	exec g++ -nostdinc "-D__GLIBC_PREREQ(a,b)=0" -D__locale_t=locale_t \\
		-isystem /usr/include/c++/$version \\
		-isystem /usr/include/$arch/c++/$version \\
		-isystem $gcc_dir/include -isystem /usr/include/$(uname -m)-linux-musl \\
		-idirafter $dir/include "\$@"
	EOF
	ln -s "$(command -v ld)" "$dir/ld"
	: >"$dir/configure"
	chmod +x "$dir/cc" "$dir/c++"
}

busybox_options()
{
	cat <<-'EOF'
	STATIC LFS HOSTNAME STTY LONG_OPTS SHOW_USAGE FEATURE_VERBOSE_USAGE BUSYBOX
	SH_IS_ASH ASH ASH_ECHO ASH_PRINTF ASH_TEST ASH_HELP ASH_INTERNAL_GLOB
	ASH_GETOPTS ASH_CMDCMD ASH_BASH_COMPAT ASH_JOB_CONTROL ASH_OPTIMIZE_FOR_SIZE
	FEATURE_SH_MATH FEATURE_SH_MATH_64 FEATURE_SH_MATH_BASE
	FEATURE_SH_STANDALONE FEATURE_PREFER_APPLETS
	TEST TEST1 TEST2 FEATURE_TEST_64 PRINTF ECHO FEATURE_FANCY_ECHO
	CAT CHMOD CHOWN CP CUT DATE FEATURE_DATE_ISOFMT FEATURE_DATE_NANO
	DD FEATURE_DD_SIGNAL_HANDLING FEATURE_DD_IBS_OBS FEATURE_DD_STATUS
	DF DU FEATURE_DU_DEFAULT_BLOCKSIZE_1K ENV EXPR EXPR_MATH_SUPPORT_64
	FALSE TRUE HEAD FEATURE_FANCY_HEAD LN LS FEATURE_LS_FILETYPES
	FEATURE_LS_SORTFILES FEATURE_LS_TIMESTAMPS MD5SUM SHA1SUM SHA256SUM
	FEATURE_MD5_SHA1_SUM_CHECK MKDIR MKNOD MKFIFO MV NICE NPROC OD PWD
	READLINK RM RMDIR SEQ SLEEP FEATURE_FANCY_SLEEP FLOAT_DURATION SORT
	FEATURE_SORT_BIG SPLIT STAT FEATURE_STAT_FORMAT SYNC FEATURE_SYNC_FANCY
	FSYNC TAC TAIL FEATURE_FANCY_TAIL TEE TIMEOUT TOUCH TR TRUNCATE UNAME UNIQ
	WC YES BASENAME DIRNAME ID TTY USLEEP PASTE COMM SHUF WHICH
	BASE64 CRC32 CKSUM AWK FEATURE_AWK_LIBM FEATURE_AWK_GNU_EXTENSIONS
	CMP DIFF SED GREP EGREP FGREP FEATURE_GREP_CONTEXT FIND
	FEATURE_FIND_TYPE FEATURE_FIND_NEWER FEATURE_FIND_SIZE XARGS
	MOUNT FEATURE_MOUNT_FLAGS FEATURE_MOUNT_LOOP FEATURE_MOUNT_LOOP_CREATE
	UMOUNT FEATURE_UMOUNT_ALL MOUNTPOINT LOSETUP BLOCKDEV HEXDUMP HD XXD
	MKSWAP SWAPON SWAPOFF DMESG FREERAMDISK TASKSET CHRT FLOCK HALT
	POWEROFF REBOOT MDEV SETSID CTTYHACK CLEAR SWITCH_ROOT
	INSMOD RMMOD LSMOD FEATURE_LSMOD_PRETTY_2_6_OUTPUT MODPROBE DEPMOD MODINFO FEATURE_MODUTILS_ALIAS FEATURE_MODUTILS_SYMBOLS
	FEATURE_CMDLINE_MODULE_OPTIONS
	FREE KILL KILLALL PS PIDOF PGREP PKILL UPTIME BB_SYSCTL RENICE TIME WATCH
	TOP FEATURE_TOP_CPU_USAGE_PERCENTAGE DEVMEM GZIP GUNZIP ZCAT TAR CPIO
	IFCONFIG FEATURE_IFCONFIG_STATUS FEATURE_IFCONFIG_HW ROUTE PING
	NC NC_SERVER NC_EXTRA
	EOF
}

build_busybox()
{
	local tools=$1 name

	make allnoconfig
	for name in $(busybox_options); do
		sed -i "s/^# CONFIG_$name is not set/CONFIG_$name=y/" .config
	done
	sed -i -e 's,^CONFIG_DEFAULT_MODULES_DIR=.*,CONFIG_DEFAULT_MODULES_DIR="/lib/modules",' \
		-e 's,^CONFIG_DEFAULT_DEPMOD_FILE=.*,CONFIG_DEFAULT_DEPMOD_FILE="modules.dep",' .config
	# not through `yes |`: it dies of the closed pipe, and pipefail sees it
	make CC="$tools/cc" HOSTCC=gcc oldconfig < <(yes '' 2>/dev/null)
	for name in $(busybox_options); do
		grep -qx "CONFIG_$name=y" .config || die "busybox: no option $name"
	done
	make -j"$(jobs_count)" CC="$tools/cc" LD="$tools/ld" HOSTCC=gcc SKIP_STRIP=y \
		busybox busybox.links
	cp busybox "$OUT/"
	# what guests of another machine can't be asked for
	sed 's,.*/,,' busybox.links >"$OUT/.applets"
}

build_lvm2()
{
	local -a host

	read -r -a host <"$1/configure" || true
	./configure CC="$1/cc" CFLAGS=-O2 ${host[@]+"${host[@]}"} \
		--enable-static_link --disable-selinux \
		--disable-readline --disable-nls --disable-udev_sync \
		--disable-udev_rules --disable-blkid_wiping --disable-dmeventd \
		--disable-systemd-journal --disable-app-machineid \
		--disable-notify-dbus --disable-dbus-service --disable-lvmpolld
	make -C include
	make -j"$(jobs_count)" device-mapper
	make -C libdm/dm-tools dmsetup.static
	cp libdm/dm-tools/dmsetup.static "$OUT/dmsetup"
}

build_fio()
{
	./configure --cc="$1/cc" --build-static --disable-native --disable-numa \
		--disable-rdma --disable-rados --disable-rbd --disable-http \
		--disable-gfapi --disable-lex --disable-xnvme --disable-libzbc \
		--disable-pmem --disable-libnfs --disable-dfs --disable-tcmalloc
	# timerfd came with 2.6.25
	sed -i '/TIMERFD/d' config-host.h config-host.mak
	make -j"$(jobs_count)" fio
	cp fio "$OUT/"
}

build_bonnie()
{
	local tools=$1 name

	./configure
	# the static initialiser it would choose is glibc's own
	sed -i '/define LINUX_PTHREAD/d' port.h
	# what libstdc++ expects of glibc; unwinding then uses the older way
	cat >standins.c <<-'EOF'
	#include <fcntl.h>
	#include <stdlib.h>
	#include <unistd.h>

	char __libc_single_threaded;

	int _dl_find_object(void *pc, void *result)
	{
		(void)pc;
		(void)result;
		return -1;
	}

	unsigned int arc4random(void)
	{
		unsigned int value;
		int fd = open("/dev/urandom", O_RDONLY);

		if (fd < 0 || read(fd, &value, sizeof(value)) != sizeof(value))
			abort();
		close(fd);
		return value;
	}
	EOF
	"$tools/cc" -O2 -c standins.c
	set --
	for name in bonnie++ bon_io bon_file bon_time bon_suid semaphore sync \
	    thread duration rand util; do
		"$tools/c++" -O2 -DNDEBUG -c "$name.cpp"
		set -- "$@" "$name.o"
	done
	"$tools/cc" -static -o "$OUT/bonnie++" "$@" standins.o \
		-Wl,--start-group "$(g++ -print-file-name=libstdc++.a)" \
		"$(g++ -print-file-name=libgcc_eh.a)" \
		"$(g++ -print-file-name=libgcc.a)" -lc -Wl,--end-group
}

build_e2fsprogs()
{
	./configure CC="$1/cc" CFLAGS=-O2 LDFLAGS=-static --disable-nls \
		--disable-elf-shlibs --disable-debugfs --disable-imager \
		--disable-resizer --disable-defrag --disable-fuse2fs --disable-uuidd \
		--disable-mmp --disable-tdb --disable-bmap-stats --disable-backtrace \
		--enable-libuuid --enable-libblkid --without-crond-dir \
		--without-systemd-unit-dir --without-udev-rules-dir
	make -j"$(jobs_count)" libs
	make -j"$(jobs_count)" -C misc mke2fs
	make -j"$(jobs_count)" -C e2fsck e2fsck
	cp misc/mke2fs e2fsck/e2fsck "$OUT/"
}

build_iproute2()
{
	local tools=$1 dir

	# nothing of what the host has: no ELF, RPC, capabilities
	PKG_CONFIG=false CC="$tools/cc" ./configure
	# before 2.6.22 netlink does not tell how long a message is that it is
	# only asked to look at; the buffer of 32 KiB is enough for any
	sed -i 's/len = __rtnl_recvmsg(fd, msg, MSG_PEEK | MSG_TRUNC);/len = 32768;/' \
		lib/libnetlink.c
	grep -q '^	len = 32768;' lib/libnetlink.c || die "iproute2: not as expected"
	for dir in lib ip; do
		make -j"$(jobs_count)" CC="$tools/cc" HOSTCC=gcc SHARED_LIBS=n \
			LDFLAGS=-static SUBDIRS=$dir
	done
	cp ip/ip "$OUT/"
}

# in a shell of its own: `set -e` has no effect in a function called by `||`
build_package()
{
	local function=$1 source=$2 tools=$3

	cd "$source"
	"build_$function" "$tools"
}

# a program that was built wrongly is found here, not in a guest
check_program()
{
	local file=$1 output

	shift
	case $(LC_ALL=C readelf -lW "$file") in
	*INTERP*) die "$file isn't static" ;;
	esac
	# not every machine of 64 bits runs programs of 32
	if [ "$arch" = i386 ]; then
		LC_ALL=C readelf -h "$file" | grep -q "Class: *ELF32" ||
			die "$file isn't for i386"
		return 0
	fi
	output=$("$file" "$@" 2>&1) || true
	case $output in
	*"$EXPECT"*) ;;
	*) die "$file doesn't run: $output" ;;
	esac
}

build_userland()
{
	local out=$1 work package

	work=$(mktemp -d "$ACRYPTO_CACHE/userland.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	if [ "$arch" = i386 ]; then
		mkdir "$work/tools"
		ln -s "$(compiler_i386)" "$work/tools/cc"
		printf '#!/bin/sh\nexec ld -m elf_i386 "$@"\n' >"$work/tools/ld"
		chmod +x "$work/tools/ld"
		# what configure can't find out where such programs don't run
		echo --host=i386-pc-linux-gnu ac_cv_func_malloc_0_nonnull=yes \
			ac_cv_func_realloc_0_nonnull=yes >"$work/tools/configure"
	else
		make_compilers "$work/tools"
	fi
	for package in "${PACKAGES[@]}"; do
		fetch_source_package "$package" "$work/$package"
		OUT=$out run_logged "building $package for the guests" \
			"$ACRYPTO_CACHE/logs/userland-$package.log" \
			bash "$0" --build-package "${package%++}" "$work/$package" \
			"$work/tools" || return 1
	done
	strip "$out"/*
	chmod 755 "$out"/*
	EXPECT=BusyBox check_program "$out/busybox"
	EXPECT=Library check_program "$out/dmsetup" --version
	if [ "$arch" != i386 ]; then
		EXPECT=fio-3 check_program "$out/fio" --version
		EXPECT=mke2fs check_program "$out/mke2fs" -V
		EXPECT=e2fsck check_program "$out/e2fsck" -V
		EXPECT=usage check_program "$out/bonnie++" -h
		EXPECT=iproute2 check_program "$out/ip" -V
	fi
	rm -rf "$work"
	trap - EXIT
}

key()
{
	local package versions=

	for package in "${PACKAGES[@]}"; do
		versions+=" $package=$(source_package_version "$package" || echo offline)"
	done
	hash_of "@$(readlink -f "$0")" "$versions" "$(gcc --version)" "$(g++ --version)" \
		"$(dpkg-query -W musl-dev linux-libc-dev)"
}

while [ $# -gt 0 ]; do
	case $1 in
	-h | --help)
		show_help
		exit 0
		;;
	--build-package)
		shift
		build_package "$@"
		exit 0
		;;
	--arch)
		[ $# -ge 2 ] || usage_error "$1 needs a value"
		arch=$2
		shift
		;;
	--compiler)
		compiler=1
		;;
	-*)
		usage_error "unknown option '$1'"
		;;
	*)
		break
		;;
	esac
	shift
done
[ $# -le 1 ] || usage_error "one folder at most"
[ -z "$compiler" ] || [ $# -eq 0 ] || usage_error "a compiler is not copied"
case $arch in
x86_64)	;;
i386)
	PACKAGES=(busybox lvm2)
	NEEDS=(gcc make musl-tools "lib32gcc-$(gcc -dumpversion)-dev" linux-libc-dev
		dpkg-dev bzip2 xz-utils binutils)
	;;
*)	usage_error "no programs for '$arch'" ;;
esac

mkdir -p "$ACRYPTO_CACHE"
need_tool gcc gcc
need_packages "${NEEDS[@]}"
if [ -n "$compiler" ]; then
	if [ "$arch" = i386 ]; then
		compiler_i386
	else
		command -v musl-gcc
	fi
	exit 0
fi
name=userland
[ "$arch" = x86_64 ] || name=userland-$arch
folder=$(cached "$name" "$(key)" build_userland)
if [ $# -eq 1 ]; then
	[ ! -e "$1" ] || [ -d "$1" ] || refuse "'$1' is no folder"
	mkdir -p "$1"
	find "$folder" -type f ! -name .manifest -exec cp -p {} "$1/" \;
else
	printf '%s\n' "$folder"
fi
