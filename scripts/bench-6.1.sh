#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: bench-6.1.sh [option]...
#
# Measures Debian's own 6.1 kernel: its dm-crypt as it is, over "aes-cbc-plain64"
# and over "capi:acrypto(cbc(aes))-plain64", both in one boot of a QEMU guest, turn
# and turn about.  Fetches the kernel, builds the modules, boots with one CPU whose
# clock counts instructions: with AES instructions (aesni) and without (generic),
# with sectors of 512 and of 4096 bytes.  Prints a table for each and, at the end,
#
#	worst cell: RATIO (which cell)
#
# where a ratio above 1 means that acrypto is the faster one.  Tables, figures
# and plots also go to benchmarks/results/, with all that is there on one page,
# index.html.  bench.sh --kernel 6.1 calls this.
#
#  --quick		fewer cells
#  --rounds N		measure every cell so often (2)
#  --bits N		size of the key: 128, 192 or 256 (128)
#  --modules DIR	measure these modules, as modules.sh built them
#  --aa			stock against stock instead, which shows the error of the
#			method
#  --out DIR		where the results go
#
# exit: 0 done, 1 failed, 2 wrong usage or unfit input

set -eu -o pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"

# megabytes of each device, milliseconds by the guest's clock of each run
MEGABYTES=16
RUNTIME=200
# what the guest loads, and what that loads
MODULES=(crypto arch/x86/crypto lib/crypto drivers/md drivers/block)

quick=no rounds=2 bits=128 built='' aa=no out=$ACRYPTO_TOP/benchmarks/results

options rounds= bits= modules=built out= quick aa -- "$@"
[[ $rounds =~ ^[1-9][0-9]*$ ]] || usage_error "--rounds takes a number above 0"
case $bits in
128 | 192 | 256) ;;
*) usage_error "--bits takes 128, 192 or 256, not '$bits'" ;;
esac
[ -z "$built" ] || [ -d "$built" ] || refuse "no such folder: $built"

need_packages python3 qemu-system-x86 musl-tools
mkdir -p "$out"
image=$("$ACRYPTO_TOP/scripts/stock.sh" image)
release=$(cat "$image/release")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

mkdir "$work/modules"
for name in "${MODULES[@]}"; do
	find "$image/modules/$name" -name '*.ko' -exec cp -t "$work/modules" {} +
done
if [ -z "$built" ]; then
	headers=$("$ACRYPTO_TOP/scripts/stock.sh" headers)
	"$ACRYPTO_TOP/scripts/modules.sh" --kernel-headers "$headers" "$work/built" \
		>/dev/null || die "the modules do not build"
	built=$work/built
fi
find "$built" -name 'acrypto*.ko' -exec cp -t "$work/modules" {} +

key=
for ((i = 0; i < bits / 8; i++)); do
	key+=$(printf '%02x' $(((i * 37 + 11) % 256)))
done
variants='stock acrypto'
[ "$aa" = no ] || variants='stock stock2'
if [ "$quick" = yes ]; then
	cells='write:4k:1 write:1m:1 read:4k:1 read:1m:1'
else
	cells=$(for pattern in write read; do
		for block in 4k 16k 64k 256k 1m; do
			printf '%s:%s:1 ' $pattern $block
		done
	done)'randwrite:4k:1 randread:4k:1'
fi

# guest CPU SECTOR: a boot, with progress
guest()
{
	local name=$1-$2 model=qemu64 aes=no started=$SECONDS samples

	[ "$1" = generic ] || model=max aes=yes
	# shellcheck disable=SC2086
	samples=$(($(printf '%s\n' $cells | wc -l) * rounds * 2))
	say "$name: booting Linux $release"
	"$ACRYPTO_TOP/scripts/guest.sh" --kernel "$image/vmlinuz" \
		--modules "$work/modules" --mem $((MEGABYTES * 2 + 320)) --smp 1 \
		--cpu $model --icount --timeout 7200 \
		--script "$ACRYPTO_TOP/benchmarks/guest/fio.sh" \
		--file "$ACRYPTO_TOP/benchmarks/guest/lib-6.1.sh:/bench.sh" \
		--file "$ACRYPTO_TOP/benchmarks/guest/lib.sh:/bench-common.sh" \
		--env CIPHER=aes-cbc-plain64 --env "OURS=capi:acrypto(cbc(aes))-plain64" \
		--env "KEY=$key" --env "SECTOR=$2" --env "AES=$aes" \
		--env "CELLS=$cells" --env "VARIANTS=$variants" \
		--env "ROUNDS=$rounds" --env "RUNTIME=$RUNTIME" \
		--env "MEGABYTES=$MEGABYTES" --env COUNT=no \
		--out "$work/$name" | {
		n=0
		while read -r line; do
			case $line in
			sample\ *)
				n=$((n + 1))
				say "$name $n/$samples: ${line#sample }"
				;;
			verdict:*) ;;
			*) say "$name: $line" ;;
			esac
		done
	}
	say "$name: done in $((SECONDS - started)) s"
}

# once, not by each guest
"$ACRYPTO_TOP/scripts/userland.sh" >/dev/null

# Instructions are counted, so guests beside each other don't disturb each other.
names='generic-512 generic-4096 aesni-512 aesni-4096'
pids=()
for name in $names; do
	if [ ${#pids[@]} -ge "$(jobs_count)" ]; then
		wait "${pids[0]}" || die "a guest failed"
		pids=("${pids[@]:1}")
	fi
	guest "${name%-*}" "${name#*-}" &
	pids+=($!)
done
for pid in "${pids[@]}"; do
	wait "$pid" || die "a guest failed"
done

processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
emulator=$(qemu-system-x86_64 --version | head -n 1)
reports=()
for name in $names; do
	case $name in
	generic-*) code="generic code (-cpu qemu64)" ;;
	*) code="AES instructions (-cpu max)" ;;
	esac
	file=6.1-fio-$name
	[ "$bits" = 128 ] || file+=-$bits
	[ "$aa" = no ] || file+=-aa
	python3 "$ACRYPTO_TOP/benchmarks/report.py" \
		--title "fio, Linux $release, aes-cbc-plain64, $bits-bit key, $code, sectors of ${name#*-}" \
		--note "host: $processor, $(nproc) CPUs" --note "emulator: $emulator" \
		--note "clock: instructions (one CPU, -icount)" \
		--note "acrypto: $(revision)" --name "$file" --out "$out" \
		"$work/$name"
	cat "$out/$file.txt"
	printf '\n'
	reports+=("$out/$file.csv")
done
python3 "$ACRYPTO_TOP/benchmarks/page.py" "$out"
python3 "$ACRYPTO_TOP/benchmarks/report.py" --worst "${reports[@]}"
