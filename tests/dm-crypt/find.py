#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""find.py KEY FILE: 0 if FILE holds the bytes of the hexadecimal KEY."""
import mmap
import sys

if len(sys.argv) != 3:
    sys.exit(__doc__)
key = bytes.fromhex(sys.argv[1])
# old ciphers keep the key as words of the other byte order
swapped = b"".join(key[n:n + 4][::-1] for n in range(0, len(key), 4))
with open(sys.argv[2], "rb") as f:
    memory = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    found = [hex(memory.find(k)) for k in (key, swapped) if memory.find(k) >= 0]
print("found at", found)
sys.exit(0 if found else 1)
