# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: Debian's kernel, with its own drivers for PadLock.
# SEED, WORKERS, REQUESTS: of the random requests.  AHEAD, HASH: the model's, as
# xcrypt has them.  RNG: "yes" where via-rng can work.

. /lib.sh

check "the instructions, from user space" sh -c "xcrypt check $AHEAD $HASH >/tmp/said"
report "# $(grep -c '^ok' /tmp/said) checks of the instructions"
grep '^not ok' /tmp/said >&3

for module in aes-generic sha1_generic sha256_generic algif_skcipher algif_hash \
    padlock-aes padlock-sha; do
	modprobe $module 2>/dev/null
done
# where it can't work, 6.1.176 keeps it in a list after it has gone
[ "$RNG" = no ] || modprobe via-rng
check "Debian's padlock-aes is there" grep -q 'cbc-aes-padlock' /proc/crypto
check "and padlock-sha" grep -q 'sha256-padlock' /proc/crypto
refused "no self-test failed" sh -c "dmesg | grep -i 'alg: .*padlock.*fail'"
same "all have passed" "$(grep -A5 'driver.*padlock' /proc/crypto | grep -c 'selftest.*: passed')" \
	"$(grep -c 'driver.*padlock' /proc/crypto)"

check "its AES and the generic one are equal" \
	referee "$SEED" "$WORKERS" "$REQUESTS" "ecb(aes)=ecb-aes-padlock" \
	"cbc(aes)=cbc-aes-padlock"
sha=$(sed -n 's/^driver *: *\(sha1-padlock.*\)/\1/p' /proc/crypto | head -n 1)
check "so are SHA-1" digest "$SEED" "$REQUESTS" sha1-generic "$sha"
check "and SHA-256" digest "$SEED" "$REQUESTS" sha256-generic "sha256${sha#sha1}"

if [ "$RNG" = yes ]; then
	same "via-rng is used" "$(cat /sys/class/misc/hw_random/rng_current)" via
	make_nodes
	check "and has numbers" dd if=/dev/hw_random of=/tmp/random bs=64 count=4 iflag=fullblock
	check "that differ" sh -c "[ $(hexdump -v -e '8/1 "%02x" "\n"' /tmp/random | sort -u | wc -l) -eq 32 ]"
fi
finish
