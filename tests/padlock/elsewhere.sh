# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash disable=SC1091
#
# In the guest: where there is no PadLock, or not on every CPU.

. /lib.sh

modprobe acrypto
refused "the driver refuses this processor" modprobe acrypto_padlock
check "and says why" sh -c 'dmesg | grep "acrypto_padlock: CPU 0 is no VIA processor, but "'
same "there is no device" "$(cat /sys/class/acrypto/crypto_sessions/devices)" ""
finish
