# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# Drivers of the kernel's cryptographic API as devices: they pass the self-tests,
# share a stream of an unmodified dm-crypt, and may come and go under load.
# Variables: CPUS, AES (yes: the CPU has AES instructions).

. /lib.sh
. /core.sh

CLASS=/sys/class/acrypto
PARAMETERS=/sys/module/acrypto_capidev/parameters
KEY=00112233445566778899aabbccddeeff
ONE="cryptd(cbc(aes-generic))"
OTHER="cbc(aes-generic)"
[ "$AES" = no ] || OTHER="cryptd(__cbc-aes-aesni)"

count()
{
	cat "$CLASS/$1/$2"
}

# good NAME N: N capabilities, each passed with a rate
good()
{
	[ "$(wc -l <"$CLASS/$1/capabilities")" = "$2" ] || return 1
	awk '$4 <= 0 { print; bad = 1 } END { exit bad }' "$CLASS/$1/capabilities"
}

add()
{
	echo "$1" >$PARAMETERS/add
}

load()
{
	while [ ! -e /tmp/stop ]; do
		dd if=/tmp/data of=/dev/mapper/ours bs=64k conv=fsync 2>/dev/null &&
			echo 3 >/proc/sys/vm/drop_caches &&
			cmp /tmp/data /dev/mapper/ours || return 1
	done
}

check "modules load" sh -c "modprobe brd rd_nr=1 rd_size=4096 &&
	modprobe dm-crypt && modprobe cryptd && modprobe acrypto_capi"
[ "$AES" = no ] || check "AES instructions are there" modprobe aesni-intel
make_nodes

for name in "cbc(aes)" "no-such-driver" "acrypto(cbc(aes))" "ctr(aes-generic)"; do
	refused "$name is refused" modprobe acrypto_capidev "drivers=$name"
done
refused "no slots are refused" modprobe acrypto_capidev depth=0
check "two drivers become devices" modprobe acrypto_capidev depth=16 \
	"drivers=$ONE,$OTHER"
same "they are there" "$(count crypto_sessions devices)" "$ONE $OTHER"
check "$ONE passed its self-tests" good "$ONE" 6
check "$OTHER passed its self-tests" good "$OTHER" 6
refused "one twice is refused" add "$ONE"
for name in sha1-generic "hmac(sha1-generic)" "hmac(sha256-generic)" "cryptd(md5-generic)" \
	"ecb(des3_ede-generic)"; do
	check "$name is added" add "$name"
done
check "a hash passed its self-tests" good sha1-generic 1
check "an HMAC passed" good "hmac(sha256-generic)" 1
check "an asynchronous hash passed" good "cryptd(md5-generic)" 1
check "a cipher without an IV passed" good "ecb(des3_ede-generic)" 2

# whatever lengths a session has
kernel_tests right
kernel_tests short

# one stream, two devices
dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY /dev/ram0
check "they have work" device_work ours
one=$(count "$ONE" scompleted)
other=$(count "$OTHER" scompleted)
check "a stream is written" \
	dd if=/tmp/data of=/dev/mapper/ours bs=64k conv=fsync
one=$(($(count "$ONE" scompleted) - one))
other=$(($(count "$OTHER" scompleted) - other))
report "8192 sectors: $one to $ONE, $other to $OTHER"
# as their speeds are: one without the detour by a thread, or with AES
# instructions, may well do ten times as much
check "both had a share of it" [ $one -ge 200 -a $other -ge 200 ]
dm_remove ours
crypt theirs aes-cbc-plain64 $KEY /dev/ram0
check "stock reads the same" cmp /tmp/data /dev/mapper/theirs
dm_remove theirs

# they go, come and break under load
crypt ours "capi:acrypto(cbc(aes))-plain64" $KEY /dev/ram0
load &
pid=$!
for n in 1 2 3; do
	sleep 1
	check "one goes under load, $n" sh -c "echo '$ONE' >$PARAMETERS/remove"
	sleep 1
	check "and comes, $n" add "$ONE"
	sleep 1
	check "the other is taken out, $n" sh -c "echo 1 >'$CLASS/$OTHER/broken'"
	sleep 1
	check "and repaired, $n" sh -c "echo 0 >'$CLASS/$OTHER/broken'"
done
sleep 1
check "all go under load" rmmod acrypto_capidev
sleep 1
check "and come" modprobe acrypto_capidev depth=1 "drivers=$ONE,$OTHER"
# more COUNT: sessions
more()
{
	[ "$(count "$ONE" scompleted)" -gt "$1" ]
}
check "one slot is enough" until_true more "$(count "$ONE" scompleted)"
touch /tmp/stop
check "no data and no error" wait $pid
for name in "$ONE" "$OTHER"; do
	same "all that $name started came back" "$(count "$name" sstarted)" \
		"$(count "$name" sfinished)"
done
dm_remove ours
refused "what is not there can't be removed" \
	sh -c "echo sha1-generic >$PARAMETERS/remove"
check "all unloads" sh -c "rmmod acrypto_capidev && rmmod acrypto_capi &&
	rmmod acrypto"
finish
