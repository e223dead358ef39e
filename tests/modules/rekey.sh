# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# A key change costs through acrypto what it costs without, and a few hundred
# instructions: devices get a key by and by, when it is used.  That they do get it,
# and the right one, while it changes and while its transform goes.
# Variables: CPUS, AES (yes: the CPU has AES instructions).

. /lib.sh
. /core.sh
. /capi-lib.sh

TFMS=10000
KEY=00112233445566778899aabbccddeeff

# load TEST [PARAMETER]...: the shell loads what fails twice
load()
{
	local name=$1

	shift
	dmesg -c >/dev/null
	insmod /lib/modules/0.0.0/rekey.ko test="$name" "$@" 2>/dev/null
	dmesg | sed -n 's/.*rekey: /# /p' >/tmp/said
	cat /tmp/said >&3
}

rekey()
{
	load "$@"
	grep -q "$1: passed" /tmp/said && ! grep -q "$1: failed" /tmp/said
}

# cost KIND ALGORITHM: nanoseconds for the key changes of TFMS transforms: the
# first, the second, and one when each has been used; in /tmp/cost
cost()
{
	load time kind="$1" alg="$2" count=$TFMS
	sed -n 's/.*time: .* \([0-9]*\) first, \([0-9]*\) again, \([0-9]*\) used/\1 \2 \3/p' \
		/tmp/said | tail -n 1
}

# cheap "STOCK..." "OURS..." "MORE...": no more instructions for each than that
cheap()
{
	echo "$1 $2 $3" | awk -v n=$TFMS '{
		for (i = 1; i <= 3; i++)
			if (!$i || !$(i + 3) || $(i + 3) - $i > n * $(i + 6))
				bad = 1
		exit NF != 9 || bad
	}'
}

# more KIND: of the first, the second, and one that is used; a seventh more than it is
more()
{
	case "$AES $1" in
	"no skcipher")	echo 205 207 353 ;;
	"no ahash")	echo 164 166 168 ;;
	"no aead")	echo 212 224 224 ;;
	"yes skcipher")	echo 104 123 267 ;;
	"yes ahash")	echo 169 188 188 ;;
	"yes aead")	echo 243 294 294 ;;
	esac
}

check "modules load" modprobe acrypto_capi
check "the software provider loads" modprobe acrypto_soft
check "and a disk" sh -c "modprobe brd && modprobe dm-crypt"
if [ "$AES" = yes ]; then
	check "AES instructions are there" modprobe aesni-intel
fi
make_nodes
dm_create small "0 8192 linear /dev/ram0 0"

# --- devices get the key ------------------------------------------------------

crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY /dev/mapper/small
check "within a second a device works for a volume" warm ours
before=$(sessions scompleted)
dd if=/dev/mapper/ours of=/dev/null bs=4k count=16 iflag=direct 2>/dev/null
same "and does all of its requests then" "$(sessions scompleted)" $((before + 128))
dm_remove ours
for way in N Y; do
	echo $way >/sys/module/acrypto_capi/parameters/queued
	before=$(sessions scompleted)
	check "the key changes while devices get it (queued=$way)" rekey race count=200
	check "and each time they got it (queued=$way)" \
		[ "$(sessions scompleted)" -ge $((before + 200)) ]
	check "transforms go while devices get their keys (queued=$way)" \
		rekey gone count=200
	check "1000 keys under requests (queued=$way)" rekey under count=60
	check "and beside them (queued=$way)" rekey beside count=60
done
echo N >/sys/module/acrypto_capi/parameters/queued
if [ "$AES" = yes ]; then
	check "the SIMD registers are in use: another thread does it" \
		rekey simd count=1000
fi
echo Y >/sys/module/acrypto_capi/parameters/eager
before=$(sessions scompleted)
crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY /dev/mapper/small
dd if=/dev/mapper/ours of=/dev/null bs=4k count=16 iflag=direct 2>/dev/null
check "eager: the first request is a device's" \
	[ "$(sessions scompleted)" -ge $((before + 128)) ]
dm_remove ours
echo N >/sys/module/acrypto_capi/parameters/eager

# --- what it costs ------------------------------------------------------------

# by the instruction clock; with more CPUs there is none
if [ "$CPUS" = 1 ]; then
	for name in "skcipher cbc(aes)" "ahash hmac(sha1)" \
		"aead authenc(hmac(sha1),cbc(aes))"; do
		kind=${name%% *}
		name=${name#* }
		stock=$(cost "$kind" "$name")
		ours=$(cost "$kind" "acrypto($name)")
		more=$(more "$kind")
		check "$name: a key change takes $more instructions more than stock's at most" \
			cheap "$stock" "$ours" "$more"
	done
fi

dm_remove small
check "all that was started came back" [ "$(sessions sstarted)" = "$(sessions sfinished)" ]
check "all unloads" sh -c "rmmod acrypto_capi && rmmod acrypto_soft && rmmod acrypto"
finish
