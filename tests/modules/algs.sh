# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# All that the front end offers: it passes the kernel's own tests, does what the
# generic code does, for programs (AF_ALG) and for IPsec, and stays there while it
# is used.  Variables: CPUS, AES (yes: the CPU has AES instructions).

. /lib.sh
. /capi-lib.sh

SPI=0x100
HASHES="md5 sha1 sha256"
CIPHERS="cbc(aes) ecb(aes) cbc(des3_ede) ecb(des3_ede)"
PAIRS="authenc(hmac(sha1),cbc(aes)) authenc(hmac(sha256),cbc(aes))
authenc(hmac(sha1),cbc(des3_ede))"
KEY128=00112233445566778899aabbccddeeff
KEY160=${KEY128}01234567

# same_work MINIMUM TYPE ONE OTHER KEY: 60 requests, at least MINIMUM of ONE's as
# sessions
same_work()
{
	local before

	before=$(sessions scompleted)
	afalg "$2" "$3" "$4" "$5" 60 || return 1
	[ "$(sessions scompleted)" -ge $((before + $1)) ]
}

all=
for name in $HASHES; do
	all="$all;$name;hmac($name)"
done
for name in $CIPHERS $PAIRS; do
	all="$all;$name"
done

[ "$AES" = no ] || check "AES instructions are there" modprobe aesni-intel
check "acrypto loads" modprobe acrypto_soft
check "AF_ALG loads" sh -c "modprobe algif_skcipher && modprobe algif_hash &&
	modprobe algif_aead"
refused "an algorithm that acrypto lacks can't be replaced" \
	modprobe acrypto_capi "replace=sha1;ctr(aes)"
refused "nothing is left of that" [ -e /sys/module/acrypto_capi ]

for way in N Y; do
	before=$(sessions scompleted)
	check "all are replaced (queued=$way)" \
		modprobe acrypto_capi eager=Y queued=$way "replace=${all#;}"
	for name in $(echo "${all#;}" | tr ';' ' '); do
		check "$name passes the kernel's tests (queued=$way)" passed "acrypto($name)"
	done
	check "they were sessions (queued=$way)" \
		[ "$(sessions scompleted)" -ge $((before + 500)) ]
	check "cbc(aes), as the generic code (queued=$way)" same_work 60 \
		skcipher "acrypto(cbc(aes))" "cbc(aes-generic)" $KEY128
	# every third message comes as a whole
	check "sha1, as the generic code (queued=$way)" same_work 20 \
		hash "acrypto(sha1)" "sha1-generic" -
	check "hmac(sha256), as the generic code (queued=$way)" same_work 20 \
		hash "acrypto(hmac(sha256))" "hmac(sha256-generic)" $KEY160
	check "authenc(hmac(sha1),cbc(aes)), as the generic code (queued=$way)" \
		same_work 60 aead "acrypto(authenc(hmac(sha1),cbc(aes)))" \
		"authenc(hmac(sha1-generic),cbc(aes-generic))" $KEY160:$KEY128
	[ $way = Y ] || check "it unloads" rmmod acrypto_capi
done

# IPsec, which knows nothing of acrypto, sends to itself
echo N >/sys/module/acrypto_capi/parameters/eager
if [ -x /bin/ip ]; then
	check "IPsec loads" sh -c "modprobe esp4 && modprobe xfrm_user &&
		modprobe echainiv"
	ip link set lo up
	ip addr add 127.0.0.1/8 dev lo 2>/dev/null
	echo 0 >/proc/sys/net/ipv4/conf/lo/disable_xfrm
	echo 0 >/proc/sys/net/ipv4/conf/lo/disable_policy
	check "an unmodified ESP takes it" ip xfrm state add src 127.0.0.1 \
		dst 127.0.0.1 proto esp spi $SPI mode transport \
		auth "hmac(sha1)" 0x$KEY160 enc "cbc(aes)" 0x$KEY128
	for dir in in out; do
		ip xfrm policy add src 127.0.0.1 dst 127.0.0.1 dir $dir \
			tmpl src 127.0.0.1 dst 127.0.0.1 proto esp mode transport
	done
	# devices get the keys after the first packet
	ping 127.0.0.1 >/dev/null
	sleep 0.2
	before=$(sessions scompleted)
	# the ping of this busybox sends one
	check "packets go out and come in" sh -c "
		for i in 1 2 3 4 5 6 7 8 9 10; do ping 127.0.0.1 || exit 1; done"
	# request and reply, out and in; one pass or two
	check "they were sessions" [ "$(sessions scompleted)" -ge $((before + 40)) ]
	refused "the front end is in use" rmmod acrypto_capi
	ip xfrm policy flush
	ip xfrm state flush
else
	skip "ESP" "this userland has no ip"
fi

# held by a request, not by a transform alone
(afalg skcipher "acrypto(cbc(aes))" "cbc(aes-generic)" $KEY128 100000) &
pid=$!
sleep 0.5
refused "in use by a program: does not unload" rmmod acrypto_capi
kill $pid
wait $pid
check "all that was started came back" \
	[ "$(sessions sstarted)" = "$(sessions sfinished)" ]
n=0
while ! rmmod acrypto_capi 2>/dev/null; do
	n=$((n + 1))
	[ $n -lt 50 ] || break
	sleep 0.2
done
check "all unloads" sh -c "[ ! -e /sys/module/acrypto_capi ] &&
	rmmod acrypto_soft && rmmod acrypto"
finish
