#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: bench-esp.sh [option]...
#
# Measures IPsec (ESP, AES-128-CBC, HMAC-SHA1-96) on acrypto against the same
# kernel's stock ESP, in one boot of a QEMU guest that is both ends, turn and turn
# about.  Prints a table and `worst cell: RATIO (which cell)`; a ratio above 1
# means that acrypto is the faster one.  Results also go to benchmarks/results/,
# with all that is there on one page, index.html.
#
#  --kernel V		kernel to measure (2.6.20)
#  --cpus N		1 (default), or 2: with one SA and with four, and stock
#			against itself.  Time is counted in instructions, in which
#			two CPUs keep step
#  --wall		with two CPUs: wall time, by the time stamp counter
#  --device MODULE	measure this driver's devices instead of the CPU; for
#			acrypto_hifn there is a model of a HIFN 7956
#  --qemu-arg ARG	what the device needs of QEMU; may be repeated
#  --quick		less data for each cell
#  --rounds N		measure every cell so often
#  --tree TREE		measure this built kernel tree
#  --out DIR		where the results go
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

kernel=2.6.20 cpus=1 device=acrypto quick=no wall=no rounds='' tree=''
out=$ACRYPTO_TOP/benchmarks/results
extra=() lockstep=() qemu=()
options kernel= cpus= device= qemu-arg+=qemu rounds= tree= out= quick wall -- "$@"
for argument in "${qemu[@]}"; do
	extra+=(--qemu-arg "$argument")
done
[[ $cpus =~ ^[12]$ ]] || usage_error "--cpus takes 1 or 2, not '$cpus'"
[[ $rounds =~ ^([1-9][0-9]*)?$ ]] || usage_error "--rounds takes a number above 0"
[[ $device =~ ^[a-z][a-z0-9_]*$ ]] || usage_error "--device takes a module's name"
[ "$wall" = no ] || [ "$cpus" -eq 2 ] || usage_error "--wall is for two CPUs"
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
compile()
{
	musl-gcc -static -O2 -idirafter /usr/include -idirafter \
		"/usr/include/$(gcc -print-multiarch)" -o "$work/$1" "$2"
}
compile traffic "$ACRYPTO_TOP/tests/esp4/guest/traffic.c"

# datagrams and bytes of a measurement, by size; with several SAs, of each
scale=10
if [ "$quick" = yes ] || { [ "$cpus" -eq 2 ] && [ "$wall" = no ]; }; then
	scale=2
fi
sas=1
[ "$cpus" -eq 1 ] || sas='1 4'
cells=
for n in $sas; do
	for mode in transport tunnel; do
		cells+="$mode:64:$((1500 * scale / n)):$n $mode:512:$((800 * scale / n)):$n "
		cells+="$mode:1400:$((600 * scale / n)):$n $mode:bulk:$((600000 * scale / n)):$n "
	done
done
if [ "$cpus" -eq 1 ]; then
	rounds=${rounds:-2}
	variants="stock $device"
	clock='instructions (one CPU, -icount)'
	how=(--icount --count)
elif [ "$wall" = yes ]; then
	rounds=${rounds:-5}
	variants="stock $device stock2"
	clock='wall time, by the time stamp counter'
	how=(--smp 2 --env CLOCK=ticks)
else
	rounds=${rounds:-3}
	variants="stock $device stock2"
	clock='instructions in lockstep, two emulated CPUs, one a nanosecond'
	how=(--smp 2 --lockstep)
	lockstep=(--lockstep)
fi

if [ "$device" = acrypto_hifn ]; then
	plugin=$("$ACRYPTO_TOP/tests/qemu/build-device.sh" hifn795x) || exit 1
	# what a PCI bus of 32 bits and 33 MHz carries, when each byte crosses it twice
	extra+=(--plugin "$plugin" --qemu-arg -device
		--qemu-arg "hifn795x,chip=7956,rate=66000000")
fi

say "booting Linux $kernel"
"$ACRYPTO_TOP/scripts/guest.sh" --tree "$tree" --timeout 7200 "${how[@]}" \
	--script "$ACRYPTO_TOP/benchmarks/guest/esp.sh" \
	--file "$ACRYPTO_TOP/benchmarks/guest/lib.sh:/bench.sh" \
	--file "$work/traffic:/bin/traffic" \
	--env "CELLS=$cells" --env "ROUNDS=$rounds" --env "VARIANTS=$variants" \
	--out "$work/guest" ${extra[@]+"${extra[@]}"} | while read -r line; do
	case $line in
	verdict:* | mark\ *) ;;
	*) say "$line" ;;
	esac
done

name=$kernel-esp
[ "$cpus" -eq 1 ] || name+=-smp$cpus
[ "$wall" = no ] || name+=-wall
if [ "$device" != acrypto ]; then
	name+=-$device
	# the table's columns are stock and acrypto
	sed -i -e "s/^\(sample [^ ]*\) $device /\1 acrypto /" \
		-e "s,^\(mark [^/]*\)/$device/,\1/acrypto/," "$work/guest/result.log"
fi
processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
# with a device the CPU has time left: what it executed is the price of a cell
price=
[ "$cpus" -eq 2 ] || price=$(awk 'FNR == NR { if ($1 == "mark") name[++n] = $2; next }
	$3 == "cpu" && split(name[$2], part, "/") == 3 {
		if (!(part[1] in seen)) { seen[part[1]]; cell[++cells] = part[1] }
		sum[part[1], part[2] == "stock"] += $6
	}
	END { for (i = 1; i <= cells; i++) if (sum[cell[i], 1])
		printf " %s %.2f,", cell[i], sum[cell[i], 0] / sum[cell[i], 1] }' \
	"$work/guest/result.log" "$work/guest/counts.log" | sed 's/,$//')
python3 "$ACRYPTO_TOP/benchmarks/report.py" \
	--title "ESP over IPv4, Linux $kernel, AES-128-CBC, HMAC-SHA1-96, payload" \
	--note "both ends in one guest: each packet is encrypted and decrypted once" \
	--note "host: $processor, $(nproc) CPUs" \
	--note "emulator: $(qemu-system-x86_64 --version | head -n 1)" \
	--note "clock: $clock" \
	--note "devices: $device" ${price:+--note "the CPU's instructions, stock's being 1:$price"} \
	--note "acrypto: $(revision)" \
	--name "$name" --out "$out" ${lockstep[@]+"${lockstep[@]}"} "$work/guest"
cat "$out/$name.txt"
python3 "$ACRYPTO_TOP/benchmarks/page.py" "$out"
python3 "$ACRYPTO_TOP/benchmarks/report.py" --worst "$out/$name.csv"
