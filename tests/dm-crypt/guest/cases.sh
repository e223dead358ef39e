# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=dash
#
# Ciphers that the guest and the host try, each on a region of its own of the
# disk: its name in a table, its key, the number of the first sector as the
# table states it (iv_offset).  Keys are made of parts that differ.  Both
# sides read this file: the host takes the lines of the list as they are.

# shellcheck disable=SC2034
CASES="
aes-cbc-plain 2b7e151628aed2a6abf7158809cf4f3c 0
aes-cbc-plain 8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b 0
aes-cbc-plain 603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4 0
aes-cbc-plain 00112233445566778899aabbccddeeff 4294967290
aes-cbc-essiv:sha256 2b7e151628aed2a6abf7158809cf4f3c 0
aes-cbc-essiv:sha256 8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b 0
aes-cbc-essiv:sha256 603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4 7
aes-cbc-benbi 2b7e151628aed2a6abf7158809cf4f3c 0
aes-ecb 2b7e151628aed2a6abf7158809cf4f3c 0
des3_ede-cbc-plain 0123456789abcdef23456789abcdef01456789abcdef0123 0
des3_ede-cbc-plain 0123456789abcdef23456789abcdef01456789abcdef0123 99
des-cbc-plain 0123456789abcdef 0
cipher_null-ecb - 0
"

# sectors of each region; those that the host encrypted begin behind the ones
# that the guest writes
REGION=2048
