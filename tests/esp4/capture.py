#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: capture.py WIRE.PCAP RESULT.LOG [--lost] [--tap FRAMES SUM SPI SPI]

Decrypts what two guests sent each other and compares it with what they meant to
send; the keys are in the lines "sa ..." of RESULT.LOG.  Checked for each SA:

	every ICV, every padding byte, lengths and checksums, the content
	sequence numbers begin at 1 and leave in order, without a gap
	no IV twice
	nothing between protected addresses that is not ESP

--lost: devices failed, and packets with them: numbers may be missing.
--tap: this many frames of these SAs, with this sum, is what a packet socket of the first guest
saw.  Prints one line `ok - NAME` or `not ok - NAME: WHAT` for each.
exit: 0 all was right, 1 it was not, 2 wrong usage
"""
import collections
import struct
import sys
import zlib

import esp

REPLIES = {0, 8}


class Capture:
    def __init__(self, sas):
        self.sas = {sa.spi: sa for sa in sas}
        self.outer, self.inner = esp.Reassembly(), esp.Reassembly()
        self.sequence = collections.defaultdict(list)
        self.order = collections.defaultdict(list)
        self.ivs = collections.defaultdict(collections.Counter)
        self.packets = collections.Counter()
        self.carried = collections.Counter()
        self.starts = {}
        self.wrong = collections.defaultdict(list)
        self.plain = []
        self.tapped = set()
        self.taken = 0
        self.sum = 0

    def frame(self, data):
        if len(data) < 34 or data[12:14] != b"\x08\x00":
            return
        ip = esp.Ip(data[14:])
        if ip.protocol == esp.ESP and ip.payload[:4] in self.tapped:
            self.taken += 1
            self.sum = self.sum + zlib.adler32(data[14:14 + ip.length]) & 0xffffffff
        # a packet leaves when its first fragment does
        if not ip.offset:
            name, sequence = self.spi_of(ip)
            if name is not None:
                self.order[name].append(sequence)
        ip = self.outer.add(ip)
        if ip is None:
            return
        payload = self.protected(ip)
        if payload is None:
            self.unprotected(ip)
            return
        number = struct.unpack(">I", payload[:4])[0]
        sa = self.sas.get(number)
        if sa is None:
            self.wrong["?"].append(f"SPI {number:#x} is nobody's")
            return
        self.packets[number] += 1
        if not sa.known():
            return
        try:
            sequence, iv, protocol, inner = sa.open(payload)
            self.sequence[number].append(sequence)
            if sa.iv:
                self.ivs[number][iv] += 1
            self.opened(sa, ip, protocol, inner)
        except esp.Wrong as error:
            self.wrong[number].append(str(error))

    def protected(self, ip):
        """the ESP packet in it, if any"""
        if ip.protocol == esp.ESP:
            return ip.payload
        if ip.protocol == esp.UDP and len(ip.payload) >= 16:
            ports = struct.unpack(">HH", ip.payload[:4])
            if ports == (4500, 4500) and ip.payload[8:12] != bytes(4):
                return ip.payload[8:]
            if ports == (4501, 4501) and ip.payload[8:16] == bytes(8):
                return ip.payload[16:]
        return None

    def spi_of(self, ip):
        payload = self.protected(ip)
        if payload is None or len(payload) < 8:
            return None, None
        return struct.unpack(">II", payload[:8])

    def unprotected(self, ip):
        if ip.src[1] == 0 or ip.dst[1] == 0:
            return
        # the end of a connection may come after the end of its SAs
        if ip.protocol == esp.TCP and len(ip.payload) <= 4 * (ip.payload[12] >> 4):
            return
        self.plain.append(f"{'.'.join(map(str, ip.src))} protocol {ip.protocol}")

    def opened(self, sa, outer, protocol, data):
        src, dst = outer.src, outer.dst
        if sa.mode == "tunnel":
            if protocol != esp.IPIP:
                raise esp.Wrong(f"protocol {protocol} in a tunnel")
            ip = self.inner.add(esp.Ip(data))
            if ip is None:
                return
            protocol, data, src, dst = ip.protocol, ip.payload, ip.src, ip.dst
        elif sa.mode == "beet":
            if protocol == esp.BEETPH:
                raise esp.Wrong("options in BEET mode, where there were none")
        self.inside(sa, protocol, data, src, dst)

    def inside(self, sa, protocol, data, src, dst):
        pseudo = src + dst + struct.pack(">HH", protocol, len(data))
        if protocol == esp.ICMP:
            if esp.checksum(data):
                raise esp.Wrong("ICMP checksum")
            if data[0] not in REPLIES:
                return
            self.compare(data[8:], esp.content(len(data) - 8), "ICMP")
        elif protocol == esp.UDP:
            if struct.unpack(">H", data[4:6])[0] != len(data):
                raise esp.Wrong("UDP length")
            if data[6:8] != b"\0\0" and esp.checksum(pseudo + data):
                raise esp.Wrong("UDP checksum")
            ports = struct.unpack(">HH", data[:4])
            if 7 in ports:
                self.compare(data[8:], esp.content(len(data) - 8), "UDP")
            elif 9 in ports and len(data) > 16:
                self.compare(data[16:], esp.content(len(data) - 16), "UDP")
        elif protocol == esp.TCP:
            if esp.checksum(pseudo + data):
                raise esp.Wrong("TCP checksum")
            head = 4 * (data[12] >> 4)
            name = (sa.spi, src, dst, data[:4])
            sequence = struct.unpack(">I", data[4:8])[0]
            if data[13] & 2:
                self.starts[name] = sequence + 1
            if len(data) > head and name in self.starts:
                offset = sequence - self.starts[name] & 0xffffffff
                # a packet that asks whether the other end still lives
                if offset < 1 << 31:
                    self.compare(data[head:], esp.stream(offset, len(data) - head), "TCP")
        else:
            raise esp.Wrong(f"protocol {protocol}")
        self.carried[sa.spi] += 1

    @staticmethod
    def compare(is_, should_be, what):
        if is_ != should_be:
            raise esp.Wrong(f"{what}: {len(is_)} bytes are not what was sent")


def main():
    args = sys.argv[1:]
    lost = "--lost" in args
    if lost:
        args.remove("--lost")
    if len(args) not in (2, 7):
        sys.stderr.write(__doc__)
        sys.exit(2)
    with open(args[1], errors="replace") as log:
        sas = [esp.SA.of_line(line) for line in log if line.startswith("sa 0x")]
    capture = Capture(sas)
    capture.tapped = {struct.pack(">I", int(spi, 16)) for spi in args[5:]}
    for data in esp.pcap(args[0]):
        try:
            capture.frame(data)
        except esp.Wrong as error:
            capture.wrong["?"].append(str(error))

    failed = []

    def result(name, wrong):
        if wrong:
            failed.append(name)
            print(f"not ok - {name}: {str(wrong)[:300]}")
        else:
            print(f"ok - {name}")

    total = sum(capture.carried.values())
    print(f"# {sum(capture.packets.values())} packets of {len(capture.packets)} SAs, "
          f"{total} of them with content that is known, {len(sas)} SAs")
    names = {sa.spi: f"{sa.spi:#x} {sa.mode} {sa.cipher} {sa.auth} {sa.encap}" for sa in sas}
    idle = [names[spi] for spi, sa in capture.sas.items() if not capture.packets[spi]]
    result("every SA was used", "none at all" if not sas else idle)
    result("what was sent is what was meant",
           {names.get(spi, spi): errors[:2] for spi, errors in capture.wrong.items()})
    result("something was in it", "" if total else "nothing with content that is known")
    disordered = [names.get(spi, hex(spi)) for spi, numbers in capture.order.items()
                  if any(b <= a for a, b in zip(numbers, numbers[1:]))]
    result("packets leave in the order of their sequence numbers", disordered)
    gaps = [f"{names[spi]}: {len(set(range(1, max(n) + 1)) - set(n))} missing"
            for spi, n in capture.sequence.items()
            if sorted(n) != list(range(1, max(n) + 1))]
    if not lost:
        result("no sequence number is left out or used twice", gaps)
    result("no IV comes twice", [names[spi] for spi, ivs in capture.ivs.items()
                                 if max(ivs.values()) > 1])
    result("nothing leaves unprotected", capture.plain[:5])
    if len(args) == 7:
        result("a packet socket sees what was on the wire",
               "" if [str(capture.taken), str(capture.sum)] == args[3:5] else
               f"{args[3]} frames, sum {args[4]}; on the wire: "
               f"{capture.taken}, {capture.sum}")
    sys.exit(1 if failed else 0)


main()
