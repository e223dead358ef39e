# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Ciphers that are tried on PadLock: tests/dm-crypt/guest/cases.sh tells what a line
# says; the host's half of it is tests/dm-crypt/disk.py.

# shellcheck disable=SC2034
CASES="
aes-cbc-plain 8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b 0
aes-cbc-plain 603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4 4294967290
aes-cbc-essiv:sha256 2b7e151628aed2a6abf7158809cf4f3c 0
aes-ecb 2b7e151628aed2a6abf7158809cf4f3c 0
"

# sectors of each region; those that the host encrypted begin behind the ones
# that the guest writes
REGION=512
