# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# Who loads modules for the kernel reads from a volume of dm-crypt, as on a system
# that lies on one, and its device dies just then.  Whatever asked for the module
# may not hold what recovery needs; nor may self-tests, where ciphers are modules.

. /lib.sh
. /core.sh

KEY=2b7e151628aed2a6abf7158809cf4f3c
CALLED=/tmp/called

echo /bin/modprobe >/proc/sys/kernel/modprobe
for module in dm-mod dm-crypt acrypto_soft; do
	modprobe $module
done
modprobe acrypto_sim devices=2 kind=1,1 latency_us=200,200 timeout_ms=300,300
soft break

cat >/tmp/helper <<'EOF'
#!/bin/sh
# dies, is read from, and has recovered
echo called >>/tmp/called
[ ! -e /tmp/armed ] || {
	rm /tmp/armed
	echo 1,0 >/sys/module/acrypto_sim/parameters/hang
}
dd if=/dev/mapper/c of=/dev/null bs=64k count=4 iflag=direct && echo read >>/tmp/called
exec /bin/modprobe "$@"
EOF
chmod +x /tmp/helper
check "a table" crypt c aes-cbc-essiv:sha256 $KEY /dev/ram0 || finish
check "it is read" dd if=/dev/mapper/c of=/dev/null bs=64k count=4 iflag=direct

# ends CMD...: within 30 seconds, whatever comes of it
ends()
{
	local n=0

	"$@" &
	while kill -0 $! 2>/dev/null; do
		n=$((n + 1))
		[ $n -le 150 ] || return 1
		sleep 0.2
	done
}

# dying NAME CMD...: while it asks for a module, sim0 dies
dying()
{
	local name="$1"

	shift
	check "$name: sim1 is out of the way" break_device sim1
	rm -f $CALLED
	: >/tmp/armed
	echo /tmp/helper >/proc/sys/kernel/modprobe
	check "$name: it ends" ends "$@" || finish
	echo /bin/modprobe >/proc/sys/kernel/modprobe
	if [ -e $CALLED ]; then
		check "$name: the helper could read" grep read $CALLED
		same "$name: the device has died" "$(state sim0)" broken
	elif [ "$name" = "self-tests" ]; then
		rm /tmp/armed
		check "$name: they have what they need" grep '^des ' /proc/modules
	else
		check "$name: the helper was called" false
	fi
	sim hang 0 0
	check "$name: the devices come back" \
		[ "$(repair sim0) $(repair sim1)" = "live live" ]
	check "$name: and data can be read" \
		dd if=/dev/mapper/c of=/dev/null bs=64k count=4 iflag=direct
}

table()
{
	! crypt d nothing-cbc-plain $KEY /dev/ram1
}

file_system()
{
	! mount -t nothing /dev/ram1 /mnt
}

self_tests()
{
	rmmod des
	repair sim1
}

dying "a cipher" table
dying "a file system" file_system
if grep -q '^des ' /proc/modules; then
	dying "self-tests" self_tests
fi
check "the target goes" dm_remove c
finish
