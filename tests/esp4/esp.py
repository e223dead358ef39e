# SPDX-License-Identifier: GPL-2.0
"""ESP (RFC 4303) and what it carries, as the tests of the kernel's need it.

Written from the RFCs for this purpose; ciphers come from python3-cryptography.
The counterparts in the guests are guest/esp.sh (keys, SPIs) and guest/traffic.c
(content of datagrams and streams).
"""
import hashlib
import hmac
import struct
import warnings

# that some of these ciphers are old is not news here
warnings.filterwarnings("ignore", message=".*(moved|deprecated).*")

# pylint: disable=wrong-import-position
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: E402

TABLE = 131071
LONGEST = 65507

IPIP, TCP, UDP, ICMP, ESP, BEETPH = 4, 6, 17, 1, 50, 94


def _table():
    out = bytearray()
    x = 2463534242
    for _ in range(TABLE):
        x = (x ^ x << 13) & 0xffffffff
        x ^= x >> 17
        x = (x ^ x << 5) & 0xffffffff
        out.append(x >> 11 & 0xff)
    return bytes(out)


table = _table()
_twice = table + table


def content(size):
    """of every datagram with this number of bytes"""
    start = size * 7919 % 65521
    return table[start:start + size]


def stream(offset, size):
    """a part of every stream"""
    out = b""
    while size:
        part = _twice[offset % TABLE:offset % TABLE + min(size, TABLE)]
        out, offset, size = out + part, offset + len(part), size - len(part)
    return out


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def address(text):
    return bytes(int(part) for part in text.split("."))


# --- SAs ------------------------------------------------------------------------

CIPHERS = {     # block, IV, key bits
    "null": (1, 0, 0), "des": (8, 8, 64), "3des": (8, 8, 192), "aes128": (16, 16, 128),
    "aes192": (16, 16, 192), "aes256": (16, 16, 256), "blowfish": (8, 8, 128),
    "cast128": (8, 8, 128), "serpent": (16, 16, 128), "twofish": (16, 16, 128)}
AUTHS = {"null": (None, 0, 0), "md5": (hashlib.md5, 12, 128),
         "sha1": (hashlib.sha1, 12, 160), "sha256": (hashlib.sha256, 12, 256)}


def key(bits, text):
    out = ""
    while len(out) < bits // 4:
        out += hashlib.sha256(f"{text} {len(out)}\n".encode()).hexdigest()
    return bytes.fromhex(out[:bits // 4])


def spi(name, side):
    return int(hashlib.sha256(f"{name}\n".encode()).hexdigest()[:6] + f"{side:02x}", 16)


class Wrong(Exception):
    """a packet is not what it should be"""


class SA:
    def __init__(self, number, mode, cipher, ckey, auth, akey, encap):
        self.spi, self.mode, self.cipher, self.auth = number, mode, cipher, auth
        self.encap = encap
        self.ckey, self.akey = ckey, akey
        self.block, self.iv, _ = CIPHERS[cipher]
        self.hash, self.icv, _ = AUTHS[auth]
        self.align = max(self.block, 4)

    @classmethod
    def of_case(cls, case, side):
        """as esp_up of guest/esp.sh makes it"""
        mode, cipher, auth, encap = case.split(":")
        return cls(spi(case, side), mode, cipher,
                   key(CIPHERS[cipher][2], f"{case} {side} c"), auth,
                   key(AUTHS[auth][2], f"{case} {side} a"), encap)

    @classmethod
    def of_line(cls, line):
        """from what a guest reports: sa SPI MODE CIPHER KEY AUTH KEY ENCAP"""
        _, number, mode, cipher, ckey, auth, akey, encap = line.split()

        def raw(text):
            return b"" if text == "-" else bytes.fromhex(text[2:])
        return cls(int(number, 16), mode, cipher, raw(ckey), auth, raw(akey), encap)

    def crypt(self, iv, data, encrypt):
        if self.cipher == "null" or not data:
            return data
        maker = {"des": algorithms.TripleDES, "3des": algorithms.TripleDES,
                 "blowfish": algorithms.Blowfish, "cast128": algorithms.CAST5}
        # three times the same key is DES
        ckey = self.ckey * 3 if self.cipher == "des" else self.ckey
        one = Cipher(maker.get(self.cipher, algorithms.AES)(ckey), modes.CBC(iv))
        worker = one.encryptor() if encrypt else one.decryptor()
        return worker.update(data) + worker.finalize()

    def mac(self, data):
        return hmac.new(self.akey, data, self.hash).digest()[:self.icv] if self.hash else b""

    def known(self):
        return self.cipher not in ("serpent", "twofish")

    def seal(self, seq, protocol, payload, iv, pad=None, padlen=None, cut=0):
        """An ESP packet.  pad and padlen: not what they should be; cut: bytes
        taken from the end of the cipher text, before it is authenticated."""
        if pad is None:
            pad = bytes(range(1, (-len(payload) - 2) % self.align + 1))
        if padlen is None:
            padlen = len(pad)
        text = payload + pad + bytes([padlen & 0xff, protocol])
        text = text[:len(text) - len(text) % self.block] if self.block > 1 else text
        text = self.crypt(iv, text, True)
        text = text[:len(text) - cut] if cut else text
        packet = struct.pack(">II", self.spi, seq) + iv + text
        return packet + self.mac(packet)

    def open(self, packet):
        """(sequence number, IV, next header, payload); every padding byte counts"""
        if len(packet) < 8 + self.iv + self.align + self.icv:
            raise Wrong(f"{len(packet)} bytes are too few")
        body = packet[:len(packet) - self.icv]
        if self.mac(body) != packet[len(body):]:
            raise Wrong("ICV")
        iv, text = body[8:8 + self.iv], body[8 + self.iv:]
        if len(text) % self.align:
            raise Wrong(f"{len(text)} bytes of cipher text")
        text = self.crypt(iv, text, False)
        padlen, protocol = text[-2], text[-1]
        if padlen + 2 > len(text):
            raise Wrong(f"{padlen} bytes of padding in {len(text)}")
        end = len(text) - 2 - padlen
        if text[end:-2] != bytes(range(1, padlen + 1)):
            raise Wrong("padding")
        return struct.unpack(">I", body[4:8])[0], iv, protocol, text[:end]


# --- packets ----------------------------------------------------------------------

def ip_packet(src, dst, protocol, payload, *, ident=0, frag=0, options=b"", ttl=64,
              length=None, version=4, ihl=None):
    ihl = 5 + len(options) // 4 if ihl is None else ihl
    length = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack(">BBHHHBBH4s4s", version << 4 | ihl, 0, length & 0xffff, ident & 0xffff,
                       frag, ttl, protocol, 0, address(src), address(dst)) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp_packet(src, dst, sport, dport, payload, *, length=None, check=None):
    length = 8 + len(payload) if length is None else length
    head = struct.pack(">HHHH", sport, dport, length & 0xffff, 0)
    if check is None:
        pseudo = address(src) + address(dst) + struct.pack(">HH", UDP, length & 0xffff)
        check = checksum(pseudo + head + payload) or 0xffff
    return head[:6] + struct.pack(">H", check) + payload


class Ip:
    def __init__(self, data):
        if len(data) < 20 or data[0] >> 4 != 4 or data[0] & 15 < 5:
            raise Wrong("no IP packet")
        self.ihl = 4 * (data[0] & 15)
        self.length = struct.unpack(">H", data[2:4])[0]
        if self.length < self.ihl or self.length > len(data):
            raise Wrong(f"IP length {self.length} of {len(data)}")
        if checksum(data[:self.ihl]):
            raise Wrong("IP checksum")
        self.ident, frag = struct.unpack(">HH", data[4:8])
        self.more, self.offset = bool(frag & 0x2000), 8 * (frag & 0x1fff)
        self.protocol, self.src, self.dst = data[9], data[12:16], data[16:20]
        self.payload = data[self.ihl:self.length]


class Reassembly:
    """of IP fragments, which on this wire neither overlap nor get lost"""

    def __init__(self):
        self.parts = {}

    def add(self, ip):
        if not ip.more and not ip.offset:
            return ip
        name = (ip.src, ip.dst, ip.protocol, ip.ident)
        parts = self.parts.setdefault(name, {})
        parts[ip.offset] = ip
        data, at = b"", 0
        while at in parts:
            data += parts[at].payload
            if not parts[at].more:
                whole = parts[0]
                whole.payload, whole.more = data, False
                del self.parts[name]
                return whole
            at = len(data)
        return None


def pcap(path):
    """the frames of a capture"""
    with open(path, "rb") as f:
        data = f.read()
    if data[:4] != b"\xd4\xc3\xb2\xa1":
        raise Wrong(f"{path} is no capture")
    at = 24
    while at + 16 <= len(data):
        size = struct.unpack("<I", data[at + 8:at + 12])[0]
        if at + 16 + size > len(data):
            break       # QEMU was ended while it wrote
        yield data[at + 16:at + 16 + size]
        at += 16 + size
