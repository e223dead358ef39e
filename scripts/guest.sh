#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: guest.sh {--tree TREE | --kernel IMAGE} --script FILE [option]...
#
# Boots a kernel in QEMU (pure emulation, so every machine can do it), runs
# FILE in it and tells how it went.  FILE is a script for busybox' shell;
# tests/guest/lib.sh, which every guest has as /lib.sh, says what it can use.
# The lines that it reports appear on stdout as they come.
#
#  --tree TREE		kernel tree, built by build.sh: its image and its modules
#  --kernel IMAGE	bzImage to boot
#  --modules DIR	folder with the kernel's modules, however deep
#  --script FILE	what the guest runs
#  --file HOST[:PATH]	a file that the guest gets, as PATH (default: /NAME)
#  --env NAME=VALUE	a variable for the script
#  --smp N		virtual CPUs (1)
#  --mem MB		memory (256)
#  --cpu MODEL		QEMU's CPU model (qemu64)
#  --arch ARCH		what the guest's programs are for: x86_64 or i386 (default:
#			as TREE, else x86_64)
#  --icount		time counts instructions: repeatable, for one CPU alone
#  --disk FILE		raw image that becomes the next IDE disk: hda, hdb, ...
#  --append TEXT	more of the kernel's command line
#  --timeout SEC	give up after so many seconds (300) since it had its
#			processors, or after ACRYPTO_GUEST_LIMIT, if that is set and less
#  --out DIR		where console.log, result.log and counts.log are left
#  --count		count instructions, from mark to mark (tests/qemu/insn.c)
#  --profile		the same for every block of code (for scripts/profile.sh)
#  --mark ADDRESS	where the kernel's sethostname() is, which sets the marks, for
#			a kernel that has no System.map beside it (boot it with
#			nokaslr and look into /proc/kallsyms)
#  --lockstep		time counts instructions, with several CPUs: none gets ahead
#			of another by more than 20000, and from the first mark on
#			each takes a nanosecond; implies --count.  The kernel idles
#			by polling, since a halted CPU has no clock
#  --plugin FILE	a further QEMU plugin, with its arguments
#  --qemu-arg ARG	a further argument for QEMU; may be repeated
#  --allow REGEX	a complaint of the kernel that is part of the test
#  --quiet		only messages, not the reported lines
#  --shell		a guest that fails stays, without a time limit, with a shell on
#			its console, which is the terminal; Ctrl-A x ends it.  gdb's port
#			is open all the time
#
# It waits for as many of the machine's processors as the guest has (see take_cores in
# lib.sh), unless time counts instructions: such a guest lives on what others leave, at
# a low priority, and its time limit is one of QEMU's processor time.
#
# The run fails when the guest doesn't say how it went, says that it failed,
# reports a `not ok` line, takes too long, or when its kernel complains.
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input, 3 what it needs can't be had here

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# What a kernel says when something is wrong with it.
COMPLAINTS='BUG:|BUG at|Oops|WARNING:|Kernel panic|Call Trace|Badness at'
COMPLAINTS+='|soft lockup|detected stall|INFO: possible|possible circular locking'
COMPLAINTS+='|possible recursive locking|inconsistent lock state'
COMPLAINTS+='|bad unlock balance|held lock freed|Slab corruption|slab error'
COMPLAINTS+='|double free|Redzone|Poison overwritten|scheduling while atomic'
COMPLAINTS+='|sleeping function called|Unable to handle kernel'
COMPLAINTS+='|general protection fault|segfault|Bad page state'
COMPLAINTS+='|bad: scheduling|still has locks held|leaked'
COMPLAINTS+='|Out of memory|oom-killer|unable to mount root|Attempted to kill'

tree='' kernel='' modules='' script='' smp=1 mem=256 cpu=qemu64 arch='' icount=''
limit=300 out='' mark='' allow='' quiet='' count='' profile='' lockstep='' shell=''
files=() variables=() disks=() append=() plugins=() extra=()

options tree= kernel= modules= script= file+=files env+=variables smp= mem= cpu= arch= \
	disk+=disks append+= timeout=limit out= mark= plugin+=plugins \
	qemu-arg+=extra allow= icount count profile lockstep quiet shell -- "$@"
counting=
[ -z "$count$lockstep" ] || counting=count
[ -z "$profile" ] || counting=profile
[ -z "$lockstep" ] || append+=(idle=poll notsc)
# the console's descriptors: test.sh gives those that the suite has not
if [ -n "$shell" ] && [ -z "${ACRYPTO_SHELL-}" ]; then
	exec 8<&0 9>&2
	ACRYPTO_SHELL=yes
fi
shell=${ACRYPTO_SHELL-}
[ -z "$shell" ] || variables+=(GUEST_SHELL=yes)

number()
{
	case $2 in
	'' | *[!0-9]* | 0) usage_error "$1 takes a number above 0, not '$2'" ;;
	esac
}

number --smp "$smp"
number --mem "$mem"
number --timeout "$limit"
number ACRYPTO_GUEST_LIMIT "${ACRYPTO_GUEST_LIMIT:=$limit}"
[ "$limit" -le "$ACRYPTO_GUEST_LIMIT" ] || limit=$ACRYPTO_GUEST_LIMIT
if [ -n "$tree" ]; then
	[ -d "$tree" ] || refuse "no such folder: $tree"
	for file in "$tree"/arch/{x86_64,x86,i386}/boot/bzImage; do
		[ -n "$kernel" ] || [ ! -f "$file" ] || kernel=$file
	done
	[ -n "$kernel" ] || refuse "$tree isn't built: there is no bzImage"
	case $kernel in
	*/arch/i386/*) arch=${arch:-i386} ;;
	esac
	# a tree built by hand has them where they were made
	[ -n "$modules" ] || modules=$tree/installed
	[ -d "$modules" ] || modules=$tree
fi
[ -n "$kernel" ] || usage_error "no --tree or --kernel"
[ -n "$script" ] || usage_error "no --script"
for file in "$kernel" "$script" ${disks[@]+"${disks[@]}"}; do
	[ -f "$file" ] || refuse "no such file: $file"
done
[ -z "$modules" ] || [ -d "$modules" ] || refuse "no such folder: $modules"
[ -z "$icount" ] || [ "$smp" -eq 1 ] || usage_error "--icount is for one CPU"
[ ${#disks[@]} -le 4 ] || usage_error "four IDE disks at most"
for variable in ${variables[@]+"${variables[@]}"}; do
	[[ $variable =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] ||
		usage_error "--env takes NAME=VALUE, not '$variable'"
done

need_packages qemu-system-x86 cpio kmod
userland=$("$ACRYPTO_TOP/scripts/userland.sh" --arch "${arch:-x86_64}")

work=$(mktemp -d)
qemu=
# QEMU never outlives this script; --pdeathsig below is for SIGKILL
clean_up()
{
	[ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
if [ -n "$out" ]; then
	mkdir -p "$out"
else
	out=$work
fi
rm -f "$out/console.log" "$out/result.log" "$out/counts.log"

# --- initramfs ----------------------------------------------------------------

build_initramfs()
{
	local root=$work/root file from to module

	mkdir -p "$root"/{bin,dev,etc,lib/modules/0.0.0,mnt,proc,sys,tmp}
	cp "$userland"/* "$root/bin/"
	while read -r file; do
		[ -e "$root/bin/$file" ] || ln -s busybox "$root/bin/$file"
	done <"$userland/.applets"
	ln -s bin "$root/sbin"
	mknod -m 600 "$root/dev/console" c 5 1
	cp "$ACRYPTO_TOP/tests/guest/init" "$root/init"
	cp "$ACRYPTO_TOP/tests/guest/lib.sh" "$root/lib.sh"
	cp "$script" "$root/script"
	chmod 755 "$root/init" "$root/script"
	for file in ${files[@]+"${files[@]}"}; do
		from=${file%%:*}
		to=/$(basename "$from")
		[ "$from" = "$file" ] || to=${file#*:}
		[ -f "$from" ] || refuse "no such file: $from"
		mkdir -p "$(dirname "$root/$to")"
		cp "$from" "$root/$to"
	done
	for variable in ${variables[@]+"${variables[@]}"}; do
		printf '%s=%q\n' "${variable%%=*}" "${variable#*=}"
	done >"$root/env"
	if [ -n "$modules" ]; then
		find "$modules" -name '*.ko' -type f | while read -r module; do
			cp "$module" "$root/lib/modules/0.0.0/"
		done
		find "$root/lib/modules/0.0.0" -name '*.ko' -exec strip -g {} +
		/sbin/depmod -b "$root" 0.0.0 2>"$work/depmod" || {
			cat "$work/depmod" >&2
			die "no list of modules: depmod failed"
		}
	fi
	(cd "$root" && find . -print0 | LC_ALL=C sort -z |
		cpio --null -o -H newc --quiet) >"$work/initramfs"
}

# root owns everything in the guest, and device nodes need root
[ "$(id -u)" -eq 0 ] || refuse "making the guest's files needs root"
build_initramfs

# --- QEMU ---------------------------------------------------------------------

# Newer machines report a memory area near 1 TB that 2.6.15 panics on.  With an
# HPET the clock of 2.6 kernels runs at twice the speed here: they take each
# tick for two, since QEMU's comparator already holds the next one.
console=file,id=console,path=$out/console.log
panic=1
if [ -n "$shell" ]; then
	console=stdio,id=console,mux=on,signal=off,logfile=$out/console.log
	panic="0 nokaslr"
fi
# shellcheck disable=SC2054
args=(-M pc-i440fx-7.0,hpet=off -cpu "$cpu" -smp "$smp" -m "$mem" -no-reboot
	-display none -monitor none -net none -kernel "$kernel"
	-initrd "$work/initramfs" -chardev "$console" -serial chardev:console
	-serial "file:$out/result.raw")
command_line="console=ttyS0 panic=$panic nmi_watchdog=0 ${append[*]}"
if [ -n "$icount" ]; then
	# shellcheck disable=SC2054
	args+=(-accel tcg,thread=single
		-icount "shift=0,sleep=off"
		-rtc clock=vm,base=2020-01-01T00:00:00)
elif [ "$smp" -gt 1 ]; then
	args+=(-accel "tcg,thread=multi")
else
	args+=(-accel tcg)
fi
index=0
for disk in ${disks[@]+"${disks[@]}"}; do
	args+=(-drive "file=$disk,format=raw,if=ide,index=$index,cache=unsafe")
	index=$((index + 1))
done
if [ -n "$counting" ]; then
	insn=$("$ACRYPTO_TOP/tests/qemu/build.sh" insn)
	plugin=$insn,out=$out/counts.log,mode=$counting${lockstep:+,lockstep=20000,pause=100}
	map=$(dirname "$kernel")/System.map
	[ -f "$map" ] || map=$(dirname "$kernel")/../../../System.map
	if [ -z "$mark" ] && [ -f "$map" ]; then
		mark=$(awk '$3 == "sys_sethostname" || $3 == "__x64_sys_sethostname" \
			{ print "0x" $1; exit }' "$map")
	fi
	[ -z "$mark" ] || plugin+=",mark=$mark"
	plugins+=("$plugin")
fi
for plugin in ${plugins[@]+"${plugins[@]}"}; do
	args+=(-plugin "$plugin")
done
args+=(-append "$command_line" ${extra[@]+"${extra[@]}"})

if [ -n "$icount$lockstep" ]; then
	renice -n 10 -p $$ >/dev/null
else
	take_cores "$smp"
fi
if [ -n "$shell" ]; then
	port=1234
	while (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
	args+=(-gdb "tcp:127.0.0.1:$port")
	vmlinux=$kernel
	[ ! -f "$tree/vmlinux" ] || vmlinux=$tree/vmlinux
	printf '%s\n' "--- gdb $vmlinux -ex 'target remote :$port'" >&9
	mkfifo "$work/keys"
	exec 7<>"$work/keys"
	# a terminal is QEMU's own; a script is not read before there is a shell
	[ ! -t 8 ] || exec 7<&8
fi

# --- watching -----------------------------------------------------------------

complaints()
{
	grep -aE "$COMPLAINTS" "$out/console.log" |
		grep -avE "@@report: ${allow:+|$allow}"
}

# the reported lines so far, the whole ones: see tests/guest/init
results()
{
	local file

	for file in "$out/console.log" "$out/result.raw"; do
		head -n "$(wc -l <"$file")" "$file" | tr -d '\r' |
			if [ "$file" = "$out/console.log" ]; then
				# <6>: somebody shows the kernel's log
				sed -n '/<6>@@report: /!s/.*@@report: //p'
			else
				cat
			fi
	done
}

show_results()
{
	local lines

	results >"$out/result.log"
	lines=$(wc -l <"$out/result.log")
	[ "$lines" -gt "$shown" ] || return 0
	[ -n "$quiet" ] || tail -n +$((shown + 1)) "$out/result.log"
	shown=$lines
}

# The guest's seconds: what neighbours get is not its fault, if its clock doesn't mind.
spent()
{
	if [ -n "$icount$lockstep" ]; then
		awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) / hz) }' \
			"/proc/$qemu/stat" 2>/dev/null || echo 0
	else
		echo $((SECONDS - started))
	fi
}

# Boot once, until it ends or has to be ended: $why says why, $status is QEMU's.
boot()
{
	local started=$SECONDS condemned='' now

	why=
	status=0
	shown=0
	: >"$out/console.log"
	: >"$out/result.raw"
	: >"$out/qemu.log"
	[ -n "$shell" ] || exec 7</dev/null 9>>"$out/qemu.log"
	setpriv --pdeathsig KILL env ${lockstep:+"LD_PRELOAD=$insn"} \
		qemu-system-x86_64 "${args[@]}" <&7 >&9 2>>"$out/qemu.log" &
	qemu=$!
	while kill -0 "$qemu" 2>/dev/null; do
		sleep $((SECONDS - started < 5 ? 0 : 1)).2
		show_results
		if [ -n "$shell" ]; then
			type_in
			continue
		fi
		now=$(spent)
		if [ "$now" -ge "$limit" ] ||
		   [ $((SECONDS - started)) -ge $((10 * limit)) ]; then
			why="it took more than $limit s"
			break
		fi
		# what a broken kernel still does is of no interest, its trace is
		if [ -z "$condemned" ] && complaints >"$work/complaints"; then
			condemned=$now
		fi
		if [ -n "$condemned" ] && [ $((now - condemned)) -ge 10 ]; then
			why="the kernel complained"
			break
		fi
	done
	kill -KILL "$qemu" 2>/dev/null || true
	wait "$qemu" 2>/dev/null || status=$?
	qemu=
	show_results
	rm -f "$out/result.raw"
}

# what comes from no terminal, for the guest's shell once it is there
typed=
type_in()
{
	[ -z "$typed" ] && [ ! -t 8 ] && grep -qx shell "$out/result.log" || return 0
	typed=yes
	{
		cat <&8
		printf '\nexit\n'
	} >&7 &
}

# A host that is too busy to deliver ten ticks in 40 ms lets 2.6 believe that the
# timer doesn't work, long before there is anything to test.
for try in 1 2 3 4; do
	boot
	grep -aq "IO-APIC + timer doesn't work" "$out/console.log" || break
	[ $try -eq 4 ] || warn "the host was too busy for the kernel's test of its timer: again"
done
if [ -s "$out/qemu.log" ]; then
	head -n 5 "$out/qemu.log" >&2
else
	rm -f "$out/qemu.log"
fi

verdict=$(sed -n 's/^verdict: //p' "$out/result.log" | tail -n 1)
if complaints >"$work/complaints"; then
	printf '%s\n' "--- the kernel complained:" >&2
	grep -aE -m 1 -B 2 -A 40 "$(head -n 1 "$work/complaints" | tr -d '\r' |
		sed 's/[^A-Za-z0-9 :=]/./g')" "$out/console.log" | tr -d '\r' >&2 || true
	die "the kernel complained: $(head -n 1 "$work/complaints" | tr -d '\r')"
fi
if [ -z "$verdict" ]; then
	printf '%s\n' "--- the end of the console:" >&2
	tail -n 20 "$out/console.log" | tr -d '\r' >&2
	die "the guest gave no verdict: ${why:-QEMU ended ($status)}"
fi
[ -z "$why" ] || die "the guest was ended: $why"
if [ "$verdict" != pass ]; then
	printf '%s\n' "--- the end of the console:" >&2
	tail -n 20 "$out/console.log" | tr -d '\r' >&2
	die "the guest says: $verdict"
fi
if grep -q '^not ok' "$out/result.log"; then
	die "$(grep -c '^not ok' "$out/result.log") checks failed"
fi
