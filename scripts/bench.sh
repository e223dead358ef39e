#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: bench.sh [option]...
#
# Measures dm-crypt on acrypto against the same kernel's stock dm-crypt, both
# in one boot of a QEMU guest, turn and turn about.  Gets and builds what it
# needs first.  Prints a table per workload and, at the end,
#
#	worst cell: RATIO (which cell)
#
# where a ratio above 1 means that acrypto is the faster one.  Tables, figures
# and plots also go to benchmarks/results/, with all that is there on one page,
# index.html.
#
#  --kernel V		kernel to measure: 2.6.20, or 6.1 for Debian's own, which takes
#			the options of bench-6.1.sh alone (2.6.20 if its source is at
#			hand, else 6.1)
#  --workload W	one of these; may be repeated (all of them)
#	fio		bare device, one CPU, time counted in instructions
#	streams		bare device, two CPUs, one stream and four; time counted
#			in instructions, in which the CPUs keep step
#	fio2		the same with fio, by wall time
#	copy		mkfs.ext3, copying a big file, reading it back
#	bonnie		bonnie++ on ext3
#	cryptoloop	bare devices and copying a file, cryptoloop beside both; by
#			aes-cbc-plain if no --cipher is named: it has no other IV
#	cryptoloop2	streams on the bare devices, cryptoloop beside both
#	esp		IPsec, by bench-esp.sh, which has more options
#  --quick		fewer cells, shorter runs
#  --cipher C		dm-crypt's name of the cipher (aes-cbc-essiv:sha256)
#  --bits N		size of its key (128)
#  --rounds N		measure every cell so often
#  --tree TREE		measure this built kernel tree
#  --aa			stock against stock instead, which shows the error of the
#			method
#  --vanilla		with --aa: this kernel's dm-crypt has no acrypto
#  --out DIR		where the results go
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

kernel='' quick=no cipher='' bits=128 rounds='' tree=''
aa=no vanilla=no out=$ACRYPTO_TOP/benchmarks/results
workloads=()

options kernel= workload+=workloads cipher= bits= rounds= tree= out= quick aa vanilla -- "$@"
for workload in "${workloads[@]}"; do
	case $workload in
	fio | streams | fio2 | copy | bonnie | cryptoloop | cryptoloop2 | esp) ;;
	*) usage_error "no workload '$workload'" ;;
	esac
done
if [ -z "$kernel$tree" ] && ! kernel_at_hand 2.6.20; then
	say "no source of Linux 2.6.20 is at hand: measuring Debian's 6.1"
	kernel=6.1
fi
: "${kernel:=2.6.20}"
if [ "$kernel" = 6.1 ]; then
	[ "${workloads[*]}/$tree/$vanilla/$cipher" = //no/ ] ||
		usage_error "--workload, --tree, --vanilla and --cipher are for 2.6.20"
	arguments=(--bits "$bits" --out "$out")
	[ -z "$rounds" ] || arguments+=(--rounds "$rounds")
	[ "$quick" = no ] || arguments+=(--quick)
	[ "$aa" = no ] || arguments+=(--aa)
	exec "$ACRYPTO_TOP/scripts/bench-6.1.sh" "${arguments[@]}"
fi
if [ ${#workloads[@]} -eq 0 ]; then
	workloads=(fio streams fio2 copy bonnie)
	case $cipher in
	'' | *-plain)	workloads+=(cryptoloop cryptoloop2) ;;
	esac
fi
case " ${workloads[*]} /$cipher" in
*" cryptoloop"*/ | *" cryptoloop"*-plain) ;;
*" cryptoloop"*) usage_error "cryptoloop needs a cipher that ends in -plain" ;;
esac
[[ $bits =~ ^[1-9][0-9]{1,3}$ ]] || usage_error "--bits takes a number, not '$bits'"
[ $((bits % 8)) -eq 0 ] || usage_error "--bits takes a multiple of 8, not '$bits'"
[[ $rounds =~ ^([1-9][0-9]*)?$ ]] || usage_error "--rounds takes a number above 0"
[ "$aa" = yes ] || [ "$vanilla" = no ] || usage_error "--vanilla needs --aa"
[ -z "$tree" ] || [ -d "$tree" ] || refuse "no such folder: $tree"

need_packages python3 qemu-system-x86 musl-tools linux-libc-dev
mkdir -p "$out"
if [ -z "$tree" ]; then
	tree=$(built_tree "$kernel" x86_64) || exit 1
else
	kernel=$(kernel_version "$tree") || refuse "$tree is no kernel tree"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# bytes that differ from each other: 3DES refuses equal parts
key=
for ((i = 0; i < bits / 8; i++)); do
	key+=$(printf '%02x' $(((i * 37 + 11) % 256)))
done

if [ "$aa" = yes ]; then
	one_cpu='stock stock2'
	two_cpus='stock stock2'
else
	one_cpu='stock acrypto'
	two_cpus='stock acrypto stock2'
fi

# what is measured where nothing else is asked for
default_cipher()
{
	case $1 in
	cryptoloop*)	echo aes-cbc-plain ;;
	*)		echo aes-cbc-essiv:sha256 ;;
	esac
}

# cells PATTERNS BLOCKS STREAMS: the list that the guest's scripts take
cells()
{
	local pattern block stream

	for pattern in $1; do
		for block in $2; do
			for stream in $3; do
				printf '%s:%s:%s ' "$pattern" "$block" "$stream"
			done
		done
	done
}

# guest NAME SAMPLES SCRIPT ARGUMENT...: run a benchmark's script, with progress
guest()
{
	local name=$1 samples=$2 script=$3 started=$SECONDS

	shift 3
	say "$name: booting Linux $kernel"
	"$ACRYPTO_TOP/scripts/guest.sh" --tree "$tree" --timeout 7200 \
		--script "$ACRYPTO_TOP/benchmarks/guest/$script.sh" \
		--file "$ACRYPTO_TOP/benchmarks/guest/lib.sh:/bench.sh" \
		--env "CIPHER=$cipher" --env "KEY=$key" --env "VANILLA=$vanilla" \
		--env "QUICK=$quick" --out "$work/$name" "$@" | {
		n=0
		while read -r line; do
			case $line in
			sample\ *)
				n=$((n + 1))
				say "$name $n/$samples: ${line#sample }"
				;;
			mark\ -) ;;
			mark\ *)
				n=$((n + 1))
				say "$name $n/$samples: ${line#mark }"
				;;
			verdict:*) ;;
			*) say "$name: $line" ;;
			esac
		done
	}
	say "$name: done in $((SECONDS - started)) s"
}

words()
{
	printf '%s\n' $#
}

# musl_program NAME: build it of benchmarks/guest, and give it to the guest as well
musl_program()
{
	musl-gcc -static -O2 -idirafter /usr/include \
		-idirafter "/usr/include/$(gcc -print-multiarch)" \
		-o "$work/$1.bin" "$ACRYPTO_TOP/benchmarks/guest/$1.c"
	programs+=(--file "$work/$1.bin:/bin/$1")
}

all='write read randwrite randread'
ramdisk='--append ramdisk_size'

run_fio()
{
	local list n=${rounds:-2} time=1000 mb=32

	list=$(cells "$all" '4k 16k 64k 256k 1m' 1)
	if [ "$quick" = yes ]; then
		list=$(cells "$all" '4k 64k 1m' 1)
		time=250
	fi
	# shellcheck disable=SC2086
	guest fio $(($(words $list) * n * $(words $one_cpu))) fio --icount --smp 1 \
		--mem 384 $ramdisk=$((mb * 1024)) --env "CELLS=$list" \
		--env "RUNTIME=$time" --env "ROUNDS=$n" --env MEGABYTES=$mb \
		--env "VARIANTS=$one_cpu"
}

run_streams()
{
	local list='' pattern block streams n=${rounds:-5} mb=16 blocks='4 16 64 256 1024'
	local patterns=$all variants=$two_cpus

	[ "$quick" = no ] || patterns='write read' blocks='4 64 1024' n=${rounds:-3}
	if [ "$workload" = cryptoloop2 ]; then
		patterns='write read' blocks='4 64 1024' variants=$one_cpu
		[ "$aa" = yes ] || variants+=' cryptoloop'
		musl_program cryptoloop
	fi
	for pattern in $patterns; do
		for block in $blocks; do
			for streams in 1 4; do
				# enough requests for one stream, and no more; time
				# enough for the scheduler to spread several
				list+="$pattern:$((block << 10)):$streams:$((streams > 1 ? mb << 20 :
					block < 64 ? 1 << 20 : block > 256 ? 4 << 20 : 2 << 20)) "
			done
		done
	done
	musl_program streams
	# shellcheck disable=SC2086
	guest "$workload" $(($(words $list) * n * $(words $variants))) streams --smp 2 \
		--lockstep --mem 384 $ramdisk=$((mb * 1024)) --env "CELLS=$list" \
		--env "ROUNDS=$n" --env MEGABYTES=$mb --env "VARIANTS=$variants" \
		"${programs[@]}"
}

run_fio2()
{
	local list n=${rounds:-9} amount=64 mb=32

	list=$(cells "$all" '4k 16k 64k 256k 1m' '1 4')
	if [ "$quick" = yes ]; then
		list=$(cells 'write read' '64k 1m' '1 4')
		n=${rounds:-4}
		amount=32
	fi
	musl_program ticks
	# shellcheck disable=SC2086
	guest fio2 $(($(words $list) * n * $(words $two_cpus))) fio --smp 2 \
		--mem 384 $ramdisk=$((mb * 1024)) --env "CELLS=$list" \
		--env "AMOUNT=$amount" --env "ROUNDS=$n" --env MEGABYTES=$mb \
		--env "VARIANTS=$two_cpus" "${programs[@]}"
}

run_copy()
{
	local n=${rounds:-3} file=48 mb=96

	[ "$quick" = no ] || n=${rounds:-2} file=16 mb=48
	# shellcheck disable=SC2086
	guest copy $((3 * n * $(words $one_cpu))) copy --icount --smp 1 \
		--mem $((mb * 2 + file + 160)) $ramdisk=$((mb * 1024)) \
		--env "ROUNDS=$n" --env MEGABYTES=$mb --env FILE_MB=$file \
		--env "VARIANTS=$one_cpu"
}

run_bonnie()
{
	local n=${rounds:-2} file=96 mb=144 files=16

	[ "$quick" = no ] || n=${rounds:-1} file=32 mb=64 files=4
	# enough for the ram disk and all that is cached of it
	# shellcheck disable=SC2086
	guest bonnie $((12 * n * $(words $one_cpu))) bonnie --icount --smp 1 \
		--mem $((mb * 2 + 128)) $ramdisk=$((mb * 1024)) \
		--env "ROUNDS=$n" --env MEGABYTES=$mb --env FILE_MB=$file \
		--env FILES=$files --env "VARIANTS=$one_cpu"
}

run_cryptoloop()
{
	local n=${rounds:-2} blocks='4096 65536 1048576' file=16 mb=32
	local variants=$one_cpu block list=''

	[ "$quick" = no ] || n=${rounds:-1} blocks='4096 1048576' file=8 mb=16
	[ "$aa" = yes ] || variants+=' cryptoloop'
	for block in $blocks; do
		list+="write:$block read:$block "
	done
	musl_program cryptoloop
	# shellcheck disable=SC2086
	guest cryptoloop $((($(words $list) + 3) * n * $(words $variants))) cryptoloop \
		--icount --smp 1 --mem 384 $ramdisk=$((mb * 1024)) --env "CELLS=$list" \
		--env "ROUNDS=$n" --env MEGABYTES=$mb --env FILE_MB=$file \
		--env "VARIANTS=$variants" "${programs[@]}"
}

run_cryptoloop2()
{
	run_streams
}

processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
emulator=$(qemu-system-x86_64 --version | head -n 1)
asked=$cipher
reports=()
for workload in "${workloads[@]}"; do
	if [ "$workload" = esp ]; then
		more=(${rounds:+--rounds "$rounds"})
		[ "$quick" = no ] || more+=(--quick)
		"$ACRYPTO_TOP/scripts/bench-esp.sh" --tree "$tree" --out "$out" \
			${more[@]+"${more[@]}"}
		reports+=("$out/$kernel-esp.csv")
		continue
	fi
	cipher=${asked:-$(default_cipher "$workload")}
	programs=()
	"run_$workload"
	notes=() lockstep=()
	case $workload in
	streams | cryptoloop2)
		clock='instructions in lockstep, two emulated CPUs, one a nanosecond'
		notes=(--note 'not shown by it: caches, memory bandwidth, waking a halted CPU')
		lockstep=(--lockstep)
		;;
	fio2) clock='wall time, by the time stamp counter' ;;
	*) clock='instructions (one CPU, -icount)' ;;
	esac
	name=$kernel-$workload
	[ "$cipher-$bits" = "$(default_cipher "$workload")-128" ] || name+=-${cipher//:/-}-$bits
	[ "$aa" = no ] || name+=-aa
	python3 "$ACRYPTO_TOP/benchmarks/report.py" \
		--title "$workload, Linux $kernel, $cipher, $bits-bit key" \
		--note "host: $processor, $(nproc) CPUs" --note "emulator: $emulator" \
		--note "clock: $clock" ${notes[@]+"${notes[@]}"} \
		--note "acrypto: $(revision)" --name "$name" --out "$out" \
		${lockstep[@]+"${lockstep[@]}"} "$work/$workload"
	cat "$out/$name.txt"
	printf '\n'
	reports+=("$out/$name.csv")
done
python3 "$ACRYPTO_TOP/benchmarks/page.py" "$out"
python3 "$ACRYPTO_TOP/benchmarks/report.py" --worst "${reports[@]}"
