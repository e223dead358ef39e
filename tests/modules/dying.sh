# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# The last device dies under users of the kernel's cryptographic API, and their
# keys change: no data are wrong, nobody waits for ever.  Variables: CPUS, AES
# (yes: the CPU has AES instructions).

. /lib.sh
. /core.sh
. /capi-lib.sh

KEY=00112233445566778899aabbccddeeff
KEY160=${KEY}01234567
KEY192=${KEY}0123456789abcdef
DISK=/dev/mapper/small

# within SECONDS CMD...: does it end by then?
within()
{
	local seconds=$1 pid n=0

	shift
	"$@" &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		n=$((n + 1))
		[ $n -le $((10 * seconds)) ] || return 1
		sleep 0.1
	done
	wait $pid
}

count()
{
	cat "$CLASS/sim0/$1"
}

# holds VOLUME FILE: what FILE has, that begins with it
holds()
{
	echo 3 >/proc/sys/vm/drop_caches
	dd if="/dev/mapper/$1" of=/tmp/read bs=64k count=1 2>/dev/null || return 2
	cmp "$2" /tmp/read
}

# written FILE: dd said so, and then stock reads the same; or it said that it failed
written()
{
	local status

	dd if="$1" of=/dev/mapper/ours bs=64k conv=fsync 2>/dev/null || {
		report "# dd: an error"
		return 0
	}
	dm_remove ours && crypt theirs aes-cbc-plain64 $KEY $DISK || return 1
	holds theirs "$1"
	status=$?
	dm_remove theirs && crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY $DISK &&
		return $status
}

# the same for what is read
readable()
{
	holds ours "$1"
	case $? in
	2)	report "# dd: an error" ;;
	1)	return 1 ;;
	esac
}

# it comes back each time that it has died, until /tmp/stop is there
keep_alive()
{
	while [ ! -e /tmp/stop ]; do
		if [ "$(state sim0)" = broken ]; then
			# the self-tests are for one that lives
			sim lose_every 0 0
			echo 0 >"$CLASS/sim0/broken"
			sim lose_every 0 $EVERY
			echo >>/tmp/deaths
		fi
		sleep 0.02
	done
}

# dying DEATHS ARGUMENTS...: afalg, until it has died so often
dying()
{
	local n=0 goal=$1

	shift
	while [ "$(wc -l </tmp/deaths)" -lt "$goal" ]; do
		n=$((n + 1))
		[ $n -le 300 ] && afalg "$@" || return 1
	done
}

check "modules load" sh -c "modprobe brd && modprobe dm-crypt &&
	modprobe algif_skcipher && modprobe algif_hash && modprobe algif_aead"
[ "$AES" = no ] || check "AES instructions are there" modprobe aesni-intel
check "a simulated device" modprobe acrypto_sim timeout_ms=100
check "devices get each key at once" modprobe acrypto_capi eager=Y
make_nodes
dm_create small "0 8192 linear /dev/ram0 0"
for name in "cbc(aes)" "cbc(des3_ede)"; do
	crypt ours "capi:acrypto($name)-plain64" \
		"$([ "$name" = "cbc(aes)" ] && echo $KEY || echo $KEY192)" $DISK
	dm_remove ours
done
for n in 1 2 3; do
	dd if=/dev/urandom of=/tmp/data$n bs=64k count=1 2>/dev/null
done
check "all others are broken" soft break

# --- it writes the result, and dies -------------------------------------------

crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY $DISK
before=$(count scompleted)
check "as long as it lives, it is right" written /tmp/data1
check "and did the work" [ "$(count scompleted)" -ge $((before + 128)) ]
sim lose_every 0 1
check "it writes the result and dies: no wrong data on the disk" written /tmp/data2
check "it is dead" await_state sim0 broken
sim lose_every 0 0
check "it is repaired" [ "$(repair sim0)" = live ]
check "the data are there to be read" written /tmp/data3
sim lose_every 0 1
check "it decrypts and dies: no wrong data are read" readable /tmp/data3
sim lose_every 0 0
await_state sim0 broken
check "it is repaired again" [ "$(repair sim0)" = live ]

# --- dying again and again ----------------------------------------------------

# a death takes as long as the timeout
rm -f /tmp/stop
: >/tmp/deaths
EVERY=5
sim lose_every 0 $EVERY
keep_alive &
pid=$!
check "ciphers: each answer is right" dying 5 \
	skcipher "acrypto(cbc(aes))" "cbc(aes-generic)" $KEY 20
check "hashes: each answer is right" dying 10 \
	hash "acrypto(sha1)" "sha1-generic" - 20
check "HMACs: each answer is right" dying 15 \
	hash "acrypto(hmac(sha256))" "hmac(sha256-generic)" $KEY160 20
check "cipher and HMAC: each answer is right" dying 20 \
	aead "acrypto(authenc(hmac(sha1),cbc(aes)))" \
	"authenc(hmac(sha1-generic),cbc(aes-generic))" $KEY160:$KEY 20
touch /tmp/stop
wait $pid
sim lose_every 0 0
[ "$(state sim0)" = live ] || { await_state sim0 broken; repair sim0; }

# --- what sets up a key waits for the volume of a dead device ------------------

cat >/tmp/helper <<'END'
#!/bin/sh
dd if=/dev/mapper/ours of=/dev/null bs=4k count=1 iflag=direct
exec /sbin/modprobe "$@"
END
chmod +x /tmp/helper
modprobe=$(cat /proc/sys/kernel/modprobe)
# a module more, and what was missed may be there now
modprobe xts
echo /tmp/helper >/proc/sys/kernel/modprobe
sim hang 0 1
(dd if=/dev/mapper/ours of=/tmp/read bs=64k count=1 iflag=direct; touch /tmp/ended) &
check "a key is set up while the device hangs" within 60 \
	crypt other "capi:acrypto(cbc(des3_ede))-plain64" $KEY192 /dev/ram1
check "the device is found dead" await_state sim0 broken
check "who waited for it goes on" within 60 \
	sh -c "while [ ! -e /tmp/ended ]; do sleep 0.1; done"
echo "$modprobe" >/proc/sys/kernel/modprobe
sim hang 0 0
check "and it can be repaired" [ "$(repair sim0)" = live ]
dm_remove ours
dm_remove other 2>/dev/null

# --- the key changes ----------------------------------------------------------

# rekey TEST [PARAMETER]...: the module never stays
rekey()
{
	local name=$1

	shift
	dmesg -c >/dev/null
	insmod "/lib/modules/0.0.0/rekey.ko" "test=$name" "$@" 2>/dev/null
	dmesg | sed -n 's/.*rekey: /# /p' >&3
	dmesg | grep -q "rekey: $name: passed" &&
		! dmesg | grep -q "rekey: $name: failed"
}

sim latency_us 0 2000
check "the key changes while a device works: each request by one key" \
	rekey under count=50
check "the key changes beside another thread's requests" \
	rekey beside count=100
sim latency_us 0 0
soft repair
echo Y >/sys/module/acrypto_capi/parameters/queued
check "the same with software devices and their threads" rekey under count=50
check "and beside another thread" rekey beside count=100
echo N >/sys/module/acrypto_capi/parameters/queued
check "and without" rekey beside count=100

check "all that was started came back" [ "$(sessions sstarted)" = "$(sessions sfinished)" ]
dm_remove small
check "all unloads" sh -c "rmmod acrypto_capi && rmmod acrypto_sim &&
	rmmod acrypto_soft && rmmod acrypto"
finish
