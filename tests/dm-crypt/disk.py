#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes and checks the disk of the dm-crypt tests, by OpenSSL alone.

disk.py make CASES DISK DATA	random DATA; a DISK whose second half holds DATA
				encrypted for each case, the first half zeros
disk.py check CASES DISK DATA	does the first half hold DATA, encrypted?

Cipher and IV are computed here from dm-crypt's documentation:
 plain	the sector's number, 32 bits, little-endian, then zeros
 essiv	the sector's number, 64 bits, little-endian, encrypted by the same
	cipher with the hash of the key as its key
 benbi	the number of the cipher block, counted from 1, 64 bits, big-endian, at
	the IV's end
"""
import hashlib
import os
import re
import sys
import warnings

warnings.simplefilter("ignore")
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402

SECTOR = 512


def read_cases(path):
    text = open(path).read()
    lines = re.search(r'CASES="\n(.*?)"', text, re.S).group(1).split("\n")
    region = int(re.search(r"^REGION=(\d+)", text, re.M).group(1))
    cases = [line.split() for line in lines if line]
    return [(c, bytes.fromhex(k.strip("-")), int(o)) for c, k, o in cases], region * SECTOR


def algorithm(name, key):
    if name == "aes":
        return algorithms.AES(key)
    # with three equal parts it is DES
    return algorithms.TripleDES(key * 3 if name == "des" else key)


def initial_vector(kind, cipher, key, sector):
    size = algorithm(cipher, key).block_size // 8
    if kind == "plain":
        return (sector & 0xffffffff).to_bytes(4, "little").ljust(size, b"\0")
    if kind == "benbi":
        return (sector * SECTOR // size + 1).to_bytes(8, "big").rjust(size, b"\0")
    if kind.startswith("essiv:"):
        salt = hashlib.new(kind[len("essiv:"):], key).digest()
        essiv = Cipher(algorithm(cipher, salt), modes.ECB()).encryptor()
        return essiv.update(sector.to_bytes(8, "little").ljust(size, b"\0"))
    raise ValueError(kind)


def encrypt(case, data):
    name, key, first = case
    words = name.split("-", 2)
    if words[0] == "cipher_null":
        return data
    out = []
    for n in range(len(data) // SECTOR):
        if words[1] == "ecb":
            mode = modes.ECB()
        else:
            # dm-crypt adds the offset to the sector's number
            mode = modes.CBC(initial_vector(words[2], words[0], key, first + n))
        one = Cipher(algorithm(words[0], key), mode).encryptor()
        out.append(one.update(data[n * SECTOR:(n + 1) * SECTOR]))
    return b"".join(out)


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("make", "check"):
        sys.exit(__doc__)
    action, cases_path, disk_path, data_path = sys.argv[1:]
    cases, size = read_cases(cases_path)
    if action == "make":
        data = os.urandom(size)
        with open(data_path, "wb") as f:
            f.write(data)
        with open(disk_path, "wb") as f:
            f.write(bytes(size * len(cases)))
            for case in cases:
                f.write(encrypt(case, data))
            # a region to play on, and some more
            f.write(bytes(size * 4))
        return
    bad = 0
    with open(data_path, "rb") as f:
        data = f.read()
    with open(disk_path, "rb") as f:
        for case in cases:
            found, wanted = f.read(size), encrypt(case, data)
            wrong = [n for n in range(size // SECTOR)
                     if found[n * SECTOR:(n + 1) * SECTOR] !=
                     wanted[n * SECTOR:(n + 1) * SECTOR]]
            if wrong:
                bad += 1
                print(f"{case[0]}, {len(case[1]) * 8} bits, from {case[2]}: {len(wrong)} "
                      f"sectors differ, the first is {wrong[0]}")
    sys.exit(1 if bad else 0)


main()
