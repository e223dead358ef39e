# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091,SC2034
#
# In the guest: acrypto on PadLock alone.
# UNITS: how many capabilities a device has.  SEED: of the random numbers.
# SECONDS_EACH: of load.

. /lib.sh
. /core.sh
. /cases.sh

C=/sys/class/acrypto
BYTES=$((REGION * 512))
cpus=$(grep -c ^processor /proc/cpuinfo)

# --- self-tests ----------------------------------------------------------------

modprobe acrypto
refused "no length of a queue is below 0" modprobe acrypto_padlock qlen=-1
check "and the kernel says so" sh -c "dmesg | grep 'qlen=-1: must not'"
check "the driver loads" modprobe acrypto_padlock
# shellcheck disable=SC2046
set -- $(cat $C/crypto_sessions/devices)
same "a device for each CPU" "$*" \
	"$(seq 0 $((cpus - 1)) | sed 's/^/padlock/' | xargs)"
for dev in "$@"; do
	same "$dev is live" "$(cat "$C/$dev/state")" live
	same "$dev has all capabilities" "$(grep -c . "$C/$dev/capabilities")" "$UNITS"
	same "no self-test of $dev failed" "$(grep -c failed "$C/$dev/capabilities")" 0
done

# --- sessions -------------------------------------------------------------------

kernel_tests right

# keys change from session to session; user space uses its own at the same time
xcrypt busy "$SECONDS_EACH" &
BUSY=$!
stress threads=$((2 * cpus))
check "user space keeps its key" wait $BUSY
stress_end

# --- dm-crypt ------------------------------------------------------------------

# region NAME CIPHER KEY IVOFFSET NUMBER
region()
{
	dm_create "$1" "0 $REGION crypt $2 $3 $4 /dev/hda $(($5 * REGION))"
}

holds_data()
{
	dd if="/dev/mapper/$1" bs="$2" iflag=direct 2>/dev/null | cmp - /data
}

data()
{
	total=$(echo "$CASES" | grep -c .)
	n=0
	while read -r cipher key offset; do
		[ -n "$cipher" ] || continue
		name="$cipher $((${#key} * 4))"
		check "$name: table" region "w$n" "$cipher" "$key" "$offset" $n
		before=$(counter sstarted 'padlock*')
		check "$name: written" dd if=/data of="/dev/mapper/w$n" bs=64k oflag=direct
		check "$name: PadLock did it" test "$(counter sstarted 'padlock*')" -gt "$before"
		check "$name: read" holds_data "w$n" 20k
		region "r$n" "$cipher" "$key" "$offset" $((total + n))
		check "$name: reads what OpenSSL wrote" holds_data "r$n" 32k
		n=$((n + 1))
	done <<-EOT
	$CASES
	EOT
	same "all cases were tried" $n "$total"

	# odd places in memory
	check "odd vectors" vectors /dev/mapper/w2 $BYTES "$SEED" 200

	# many keys at once, on all CPUs
	readers=
	for i in $(seq 0 $((n - 1))); do
		(for round in 1 2 3; do
			holds_data "r$i" 4k || exit 1
		done) &
		readers="$readers $!"
	done
	for reader in $readers; do
		check "keys at the same time" wait "$reader"
	done

	# the driver goes and comes back under load
	(for round in 1 2 3 4 5 6; do
		holds_data r0 4k && holds_data r2 16k || exit 1
	done) &
	reader=$!
	times=0
	while kill -0 $reader 2>/dev/null; do
		rmmod acrypto_padlock
		sleep 0.2
		modprobe acrypto_padlock
		sleep 0.2
		times=$((times + 1))
	done
	check "unloaded $times times: no wrong data" wait $reader
	check "and it came to that" test $times -gt 0
	# written once more: what vectors left is not what the host looks for
	check "written at last" dd if=/data of=/dev/mapper/w2 bs=64k oflag=direct
	for i in $(seq 0 $((n - 1))); do
		dm_remove "w$i" "r$i"
	done
}

if [ -b /dev/hda ]; then
	modprobe dm-mod 2>/dev/null
	check "dm-crypt loads" modprobe dm-crypt
	data
fi

same "every session came back" "$(counter sstarted 'padlock*')" \
	"$(($(counter sfinished 'padlock*') + $(counter smoved 'padlock*')))"
same "none is left" "$(counter sessions 'padlock*')" 0
check "the driver goes" rmmod acrypto_padlock
finish
