#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: memory.py QMP MEMORY CONSOLE OVER

Looks for keys in the memory of a guest, which is the file MEMORY.  The guest writes a
line to its CONSOLE and stops itself (look() of keys.sh):
	look: WHAT: [+|-]KIND{=HEX|@NUMBER}...
Then each key with a + must be there and none with a -, in any form that gives it away:
as it is, as words of the other byte order, the last round key of AES, a HMAC's padded
keys and the states after them; of DES nothing but the key itself.  NUMBER stands for a
key as crypto/acrypto/test_keys.c computes it.  KIND is aes128, aes256, des, 3des, sha1,
sha256, sha1-long (a HMAC's), the same with -mac (what the HMAC of its data is) or data.
The guest goes on when it was looked at.

QMP is QEMU's socket, and OVER a file that is there when nobody will open it any more.
Prints a line `ok` or `not ok` for each look; ends with QEMU.
"""
import hashlib
import hmac
import json
import mmap
import os
import re
import socket
import struct
import sys
import time

LENGTHS = {"aes128": 16, "aes256": 32, "des": 8, "3des": 24, "sha1": 20, "sha256": 32,
           "sha1-long": 100, "data": 16}


def computed(number, size):
    """as keys_bytes()"""
    x = (number * 2654435761 + 1) & 0xffffffff
    out = bytearray()
    for _ in range(size):
        x = (x ^ x << 13) & 0xffffffff
        x ^= x >> 17
        x = (x ^ x << 5) & 0xffffffff
        out.append(x & 255)
    return bytes(out)


def swapped(data):
    return b"".join(data[n:n + 4][::-1] for n in range(0, len(data), 4))


# --- AES (FIPS 197) -------------------------------------------------------------------

def _xtime(a):
    return (a << 1 ^ (0x1b if a & 0x80 else 0)) & 0xff


def _sbox():
    box = [0x63] * 256
    p = q = 1
    while True:
        p ^= _xtime(p)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xff
        if q & 0x80:
            q ^= 9
        box[p] = (q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^
                  (q << 4 | q >> 4)) & 0xff ^ 0x63
        if p == 1:
            return bytes(box)


SBOX = _sbox()


def aes_schedule(key):
    w, rcon = bytearray(key), 1
    for i in range(len(key), 16 * (len(key) // 4 + 7), 4):
        t = w[i - 4:i]
        if i % len(key) == 0:
            t = bytearray((SBOX[t[1]] ^ rcon, SBOX[t[2]], SBOX[t[3]], SBOX[t[0]]))
            rcon = _xtime(rcon)
        elif len(key) == 32 and i % 32 == 16:
            t = bytearray(SBOX[b] for b in t)
        w += bytes(a ^ b for a, b in zip(t, w[i - len(key):i - len(key) + 4]))
    return bytes(w)


def aes_forms(key):
    schedule = aes_schedule(key)
    forms = {"key": key[:16], "last round key": schedule[-16:]}
    if len(key) > 16:
        forms["rest of the key"] = key[16:]
    return forms


# --- DES ------------------------------------------------------------------------------

def des_forms(key):
    """parts of eight bytes"""
    return {f"key {n // 8}": key[n:n + 8] for n in range(0, len(key), 8)}


# --- HMAC (RFC 2104) ------------------------------------------------------------------

def _rol(x, n):
    return (x << n | x >> 32 - n) & 0xffffffff


def sha1_block(block):
    w = list(struct.unpack(">16I", block))
    for i in range(16, 80):
        w.append(_rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1))
    start = (0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)
    a, b, c, d, e = start
    for i in range(80):
        f, k = (((b & c) | (~b & d), 0x5a827999), (b ^ c ^ d, 0x6ed9eba1),
                ((b & c) | (b & d) | (c & d), 0x8f1bbcdc), (b ^ c ^ d, 0xca62c1d6))[i // 20]
        a, b, c, d, e = (_rol(a, 5) + (f & 0xffffffff) + e + k + w[i]) & 0xffffffff, \
            a, _rol(b, 30), c, d
    return [(x + y) & 0xffffffff for x, y in zip(start, (a, b, c, d, e))]


def _roots():
    """the fractions of the first primes' cube roots and square roots"""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, n))]
    def root(n, k):
        x = int(round(n ** (1 / k)))
        while x ** k > n:
            x -= 1
        while (x + 1) ** k <= n:
            x += 1
        return x
    return [root(p << 96, 3) & 0xffffffff for p in primes[:64]], \
        [root(p << 64, 2) & 0xffffffff for p in primes[:8]]


def sha256_block(block):
    k, start = _roots()
    w = list(struct.unpack(">16I", block))

    def ror(x, n):
        return _rol(x, 32 - n)
    for i in range(16, 64):
        s0 = ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3
        s1 = ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & 0xffffffff)
    a, b, c, d, e, f, g, h = start
    for i in range(64):
        t1 = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + (e & f ^ ~e & g) + k[i] + w[i]
        t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & 0xffffffff, a, b, c, \
            (d + t1) & 0xffffffff, e, f, g
    return [(x + y) & 0xffffffff for x, y in zip(start, (a, b, c, d, e, f, g, h))]


def hmac_forms(kind, key):
    short = hashlib.sha1(key).digest() if len(key) > 64 else key
    block = sha256_block if kind == "sha256" else sha1_block
    forms = {"key": key[:16], "key as used": short[:16]}
    for name, byte in (("inner", 0x36), ("outer", 0x5c)):
        padded = bytes(b ^ byte for b in short.ljust(64, b"\0"))
        forms[f"{name} key"] = padded[:16]
        forms[f"{name} state"] = struct.pack(">4I", *block(padded)[:4])
    return forms


def mac_forms(kind, key):
    """of the data that test_keys.c gives to a HMAC"""
    data = (computed(0, LENGTHS["data"]) * 64)[:1023]
    mac = hmac.digest(key, data, "sha256" if kind == "sha256-mac" else "sha1")
    return {"digest": mac[:16]}


# --- looking --------------------------------------------------------------------------

def forms_of(token):
    """the name of what is looked for: the bytes"""
    kind, how, text = re.fullmatch(r"([a-z0-9-]+)([=@])([0-9a-f]+)", token).groups()
    size = LENGTHS[kind.removesuffix("-mac")]
    key = bytes.fromhex(text) if how == "=" else computed(int(text), size)
    if len(key) != size:
        sys.exit(f"memory.py: {token}: not {size} bytes")
    if kind == "data":
        return {"data": key}
    forms = aes_forms(key) if kind.startswith("aes") else \
        des_forms(key) if kind.endswith("des") else \
        mac_forms(kind, key) if kind.endswith("-mac") else hmac_forms(kind, key)
    # ciphers and hashes keep words of the CPU's byte order
    return forms | {f"{name}, swapped": swapped(form) for name, form in forms.items()}


def touched(fd):
    """the parts of a file that are no holes"""
    end = 0
    while True:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError:
            return
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end


def found(memory, parts, form):
    """where: some of it"""
    places = []
    for start, end in parts:
        at = memory.find(form, start, end)
        while at >= 0 and len(places) < 4:
            places.append(hex(at))
            at = memory.find(form, at + len(form), end)
    return places


def look(line, path):
    """what is wrong"""
    wrong = []
    with open(path, "rb") as f:
        memory = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        parts = list(touched(f.fileno()))
    for token in line.split():
        places = {name: found(memory, parts, form)
                  for name, form in forms_of(token[1:]).items()}
        places = {name: where for name, where in places.items() if where}
        print(f"# {token}: {places}", flush=True)
        if token[0] == "+" and not places:
            wrong.append(f"no {token[1:]}")
        if token[0] == "-" and places:
            wrong.append(f"{token[1:]}: {', '.join(places)}")
    memory.close()
    return wrong


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    qmp, path, console, over = sys.argv[1:]
    link = socket.socket(socket.AF_UNIX)
    while True:
        try:
            link.connect(qmp)
            break
        except OSError:
            if os.path.exists(over):
                return
            time.sleep(0.1)
    stream = link.makefile("rw")
    stream.readline()

    def command(name):
        stream.write(json.dumps({"execute": name}) + "\n")
        stream.flush()

    command("qmp_capabilities")
    done = 0
    try:
        for text in stream:
            event = json.loads(text).get("event")
            if event != "GUEST_PANICKED":
                continue
            with open(console, errors="replace") as f:
                lines = re.findall(r"look: (.*?): ([^\r\n]*)", f.read())
            if len(lines) != done + 1:
                print(f"not ok - look {done + 1} of {len(lines)}", flush=True)
            done = len(lines)
            name, tokens = lines[-1]
            wrong = look(tokens, path)
            print(f"not ok - {name}: {'; '.join(wrong)}" if wrong else f"ok - {name}",
                  flush=True)
            command("cont")
    except ConnectionError:
        pass


main()
