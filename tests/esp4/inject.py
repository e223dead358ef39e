#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""usage: inject.py --socket OWN --to GUEST --count N --seed S [--timeout SEC]

Is the other end of a guest's wire, and sends it N packets of which most are wrong:
cut, changed, repeated, old, padded wrongly, of wrong lengths, for nobody, in
fragments that overlap, and wrong inside although they are authentic, for the keys
are known here (guest/esp.sh).  The same seed gives the same packets.

Prints what a receiver has to count for each SA that authenticates:
	expect SPI packets N replay-window N replay N failed N
and how many numbered datagrams have to arrive:
	expect good N
Before those N come packets that differ in one bit from a good one, by each bit of the
ICV and by one of each byte before it; of them the ICV has to refuse
	flipped N
With --cases alone: prints the SAs that there have to be.
exit: 0 all were sent, 1 the guest doesn't answer any more, 2 wrong usage
"""
import argparse
import os
import random
import select
import socket
import struct
import sys
import time

import esp

OWN, GUEST = bytes.fromhex("525400000002"), bytes.fromhex("525400000001")

# as guest/inject.sh has them
CASES = ["transport:aes128:sha1:none", "transport:3des:md5:none", "transport:null:sha1:none",
         "tunnel:aes256:sha1:none", "tunnel:des:md5:none", "transport:aes192:null:none",
         "transport:aes128:md5:espinudp", "transport:aes128:sha1:espinudp-nonike"]
WINDOW = 32
MAGIC, END = 0x65737021, 0x65737045


class Receiver:
    """what a correct receiver makes of an SA's packets (RFC 4303, 3.4.3)"""

    def __init__(self):
        self.last, self.bitmap = 0, 0
        self.packets = self.old = self.replayed = self.failed = 0

    def check(self, seq):
        if seq == 0:
            return False
        if seq > self.last:
            return True
        if self.last - seq >= WINDOW:
            self.old += 1
            return False
        if self.bitmap >> (self.last - seq) & 1:
            self.replayed += 1
            return False
        return True

    def accept(self, seq):
        if seq > self.last:
            shift = seq - self.last
            self.bitmap = (self.bitmap << shift | 1) & 0xffffffff if shift < WINDOW else 1
            self.last = seq
        else:
            self.bitmap |= 1 << self.last - seq
        self.packets += 1

    def take(self, seq, authentic=True, sound=True):
        """True if the packet's content goes on"""
        if not self.check(seq):
            return False
        if not authentic:
            self.failed += 1
            return False
        if not sound:
            return False
        self.accept(seq)
        return True


class Link:
    def __init__(self, own, to, timeout):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(own)
        self.socket.setblocking(False)
        self.to, self.limit = to, time.time() + timeout
        self.pings = 0

    def send(self, frame):
        while True:
            try:
                self.socket.sendto(frame, self.to)
                return
            except (BlockingIOError, ConnectionRefusedError, FileNotFoundError):
                self.patience()
                time.sleep(0.001)

    def patience(self):
        if time.time() > self.limit:
            print("not ok - the guest answers to the end")
            sys.exit(1)

    def ether(self, packet, kind=0x0800):
        self.send((GUEST + OWN + struct.pack(">H", kind) + packet).ljust(60, b"\0"))

    def receive(self, wait):
        """the next frame that came in; ARP is answered here"""
        if not select.select([self.socket], [], [], wait)[0]:
            return None
        data = self.socket.recv(65536)
        if data[12:14] == b"\x08\x06" and data[20:22] == b"\0\x01" and data[41] == 2:
            self.ether(struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + OWN + data[38:42] +
                       data[22:28] + data[28:32], 0x0806)
        return data

    def ping(self, retry=5):
        """until the guest has taken all that was sent before"""
        self.pings += 1
        mark = struct.pack(">HH", 0x7069, self.pings & 0xffff)
        echo = struct.pack(">BBH", 8, 0, 0) + mark
        echo = echo[:2] + struct.pack(">H", esp.checksum(echo)) + echo[4:]
        while True:
            self.ether(esp.ip_packet("10.0.0.2", "10.0.0.1", esp.ICMP, echo))
            until = time.time() + retry
            while time.time() < until:
                self.patience()
                data = self.receive(0.5)
                if data and data[12:14] == b"\x08\x00" and data[23] == esp.ICMP and \
                   data[34] == 0 and data[38:42] == mark:
                    return


class Injector:
    def __init__(self, link, seed):
        self.link, self.random = link, random.Random(seed)
        self.sas = [esp.SA.of_case(case, 2) for case in CASES]
        self.seq = {sa.spi: 0 for sa in self.sas}
        self.receiver = {sa.spi: Receiver() for sa in self.sas}
        self.recent = {sa.spi: [] for sa in self.sas}
        self.number = self.good = self.ident = self.flipped = 0

    # --- parts ------------------------------------------------------------------

    def next(self, sa):
        self.seq[sa.spi] += 1
        return self.seq[sa.spi]

    def iv(self, sa):
        return self.random.randbytes(sa.iv)

    def numbered(self, src, dst, size=None):
        size = self.random.choice((8, 9, 20, 64, 100, 500, 1300)) if size is None else size
        data = struct.pack(">II", MAGIC, self.number) + esp.content(size - 8)
        self.number += 1
        return esp.udp_packet(src, dst, 9, 9, data)

    def inside(self, sa, size=None):
        """a good packet's next header and payload"""
        if sa.mode == "tunnel":
            return esp.IPIP, esp.ip_packet("10.2.0.2", "10.2.0.1", esp.UDP, self.numbered(
                "10.2.0.2", "10.2.0.1", size))
        return esp.UDP, self.numbered("10.1.0.2", "10.1.0.1", size)

    def out(self, sa, packet, **options):
        """an ESP packet, in what the SA puts around it"""
        protocol = esp.ESP
        if sa.encap != "none":
            protocol = esp.UDP
            port = 4500 if sa.encap == "espinudp" else 4501
            marker = b"" if sa.encap == "espinudp" else bytes(8)
            packet = esp.udp_packet("10.1.0.2", "10.1.0.1", port, port, marker + packet,
                                    check=0)
        self.ip(packet, protocol, **options)

    def ip(self, payload, protocol=esp.ESP, **options):
        if "ident" not in options:
            options["ident"] = self.ident = self.ident + 1
        self.link.ether(esp.ip_packet("10.1.0.2", "10.1.0.1", protocol, payload, **options))

    def fragments(self, payload, protocol, cut):
        ident = self.ident = self.ident + 1
        for start in range(0, len(payload), cut):
            more = 0x2000 if start + cut < len(payload) else 0
            self.ip(payload[start:start + cut], protocol, ident=ident,
                    frag=more | start // 8)

    def took(self, sa, seq, **how):
        return self.receiver[sa.spi].take(seq, **how)

    def deliver(self, sa, seq):
        if self.took(sa, seq):
            self.good += 1

    # --- kinds of packets: an authentic SA's receiver is told what it will see -----

    def right(self, sa):
        seq = self.next(sa)
        protocol, payload = self.inside(sa)
        packet = sa.seal(seq, protocol, payload, self.iv(sa))
        self.recent[sa.spi] = (self.recent[sa.spi] + [(seq, packet)])[-48:]
        self.deliver(sa, seq)
        self.out(sa, packet)

    def fragmented(self, sa):
        if sa.encap != "none":
            return self.right(sa)
        seq = self.next(sa)
        protocol, payload = self.inside(sa, 1300)
        packet = sa.seal(seq, protocol, payload, self.iv(sa))
        self.deliver(sa, seq)
        return self.fragments(packet, esp.ESP, 8 * self.random.randint(8, 150))

    def overtaken(self, sa):
        """the later one first: both are in the window"""
        pair = []
        for _ in range(2):
            seq = self.next(sa)
            protocol, payload = self.inside(sa)
            pair.append((seq, sa.seal(seq, protocol, payload, self.iv(sa))))
        for seq, packet in reversed(pair):
            self.deliver(sa, seq)
            self.out(sa, packet)

    def replayed(self, sa):
        if not self.recent[sa.spi]:
            return self.right(sa)
        seq, packet = self.random.choice(self.recent[sa.spi])
        self.deliver(sa, seq)
        return self.out(sa, packet)

    def twice_at_once(self, sa):
        seq = self.next(sa)
        protocol, payload = self.inside(sa)
        packet = sa.seal(seq, protocol, payload, self.iv(sa))
        for _ in range(2):
            self.deliver(sa, seq)
            self.out(sa, packet)

    def number_zero(self, sa):
        protocol, payload = self.inside(sa)
        self.took(sa, 0)
        self.out(sa, sa.seal(0, protocol, payload, self.iv(sa)))

    def jump(self, sa):
        self.seq[sa.spi] += self.random.choice((2, 5, 31, 32, 33, 100))
        self.right(sa)

    def tampered(self, sa):
        seq = self.next(sa)
        protocol, payload = self.inside(sa)
        packet = bytearray(sa.seal(seq, protocol, payload, self.iv(sa)))
        packet[self.random.randrange(8, len(packet))] ^= 1 << self.random.randrange(8)
        self.took(sa, seq, authentic=False)
        self.out(sa, bytes(packet))

    def forged_number(self, sa):
        """must not move the window"""
        seq = self.seq[sa.spi] + self.random.choice((1, 40, 100000, 0x70000000))
        packet = struct.pack(">II", sa.spi, seq) + self.random.randbytes(
            sa.iv + sa.align * self.random.randint(1, 8) + sa.icv)
        self.took(sa, seq, authentic=False)
        self.out(sa, packet)

    def cut_short(self, sa):
        seq = self.next(sa)
        protocol, payload = self.inside(sa)
        packet = sa.seal(seq, protocol, payload, self.iv(sa))
        packet = packet[:self.random.randrange(0, len(packet))]
        elen = len(packet) - 8 - sa.iv - sa.icv
        if len(packet) >= 8:
            # shorter than the numbers: not parsed at all
            self.took(sa, seq, authentic=elen <= 0 or elen % sa.align > 0, sound=False)
        self.out(sa, packet)

    def no_block(self, sa):
        """authentic, but no whole number of blocks"""
        seq = self.next(sa)
        cut = self.random.randint(1, sa.align - 1)
        protocol, payload = self.inside(sa)
        self.took(sa, seq, sound=False)
        self.out(sa, sa.seal(seq, protocol, payload, self.iv(sa), cut=cut))

    def empty(self, sa):
        seq = self.next(sa)
        packet = struct.pack(">II", sa.spi, seq) + self.iv(sa)
        self.took(sa, seq, sound=False)
        self.out(sa, packet + sa.mac(packet))

    def much_padding(self, sa):
        seq = self.next(sa)
        payload = self.random.randbytes(sa.align * self.random.randint(1, 4) - 2)
        pad = self.random.randint(len(payload), 255)
        self.took(sa, seq, sound=False)
        self.out(sa, sa.seal(seq, esp.UDP, payload, self.iv(sa), pad=b"", padlen=pad))

    def long_padding(self, sa):
        """more than needed is allowed, and any content is taken"""
        seq = self.next(sa)
        protocol, payload = self.inside(sa, 64)
        extra = (-len(payload) - 2) % sa.align + sa.align * self.random.randint(0, 200 // sa.align)
        pad = self.random.choice((bytes(range(1, extra + 1)), self.random.randbytes(extra)))
        self.deliver(sa, seq)
        self.out(sa, sa.seal(seq, protocol, payload, self.iv(sa), pad=pad))

    def next_header(self, sa):
        seq = self.next(sa)
        protocol = self.random.choice((0, 1, 2, 4, 6, 17, 41, 47, 50, 51, 59, 94, 103, 108,
                                       136, 255))
        self.took(sa, seq)
        self.out(sa, sa.seal(seq, protocol, self.random.randbytes(
            self.random.choice((1, 3, 4, 7, 8, 12, 20, 40, 200))), self.iv(sa)))

    def bad_inside(self, sa):
        """authentic, and what is in it is not"""
        seq = self.next(sa)
        src, dst = ("10.2.0.2", "10.2.0.1") if sa.mode == "tunnel" else ("10.1.0.2", "10.1.0.1")
        data = self.random.randbytes(self.random.randint(8, 60))
        protocol, payload = esp.UDP, self.random.choice((
            lambda: esp.udp_packet(src, dst, 9, 9, data, length=len(data) + 9),
            lambda: esp.udp_packet(src, dst, 9, 9, data, length=7),
            lambda: esp.udp_packet(src, dst, 9, 9, data, check=0x1234),
            lambda: esp.udp_packet(src, dst, 9, 10, data),
            lambda: data[:self.random.randint(1, 7)]))()
        if sa.mode == "tunnel":
            protocol, payload = esp.IPIP, self.random.choice((
                lambda: esp.ip_packet(src, dst, esp.UDP, payload),
                lambda: esp.ip_packet(src, dst, esp.UDP, payload, version=6),
                lambda: esp.ip_packet(src, dst, esp.UDP, payload, ihl=4),
                lambda: esp.ip_packet(src, dst, esp.UDP, payload, ihl=15),
                lambda: esp.ip_packet(src, dst, esp.UDP, payload, length=19),
                lambda: esp.ip_packet(src, dst, esp.UDP, payload, length=2000),
                lambda: esp.ip_packet("10.9.9.9", dst, esp.UDP, payload),
                lambda: esp.ip_packet(src, "224.0.0.1", esp.UDP, payload),
                lambda: esp.ip_packet(src, dst, 59, payload),
                lambda: data[:self.random.randint(1, 19)]))()
        self.took(sa, seq)
        self.out(sa, sa.seal(seq, protocol, payload, self.iv(sa)))

    def nobody(self, sa):
        protocol, payload = self.inside(sa)
        packet = bytearray(sa.seal(self.seq[sa.spi] + 1, protocol, payload, self.iv(sa)))
        packet[0:4] = struct.pack(">I", self.random.choice((0, 1, 255, sa.spi ^ 1 << 16,
                                                            0xffffffff)))
        self.out(sa, bytes(packet))

    def garbage(self, _):
        self.ip(self.random.randbytes(self.random.choice((0, 1, 3, 4, 7, 8, 20, 100, 1400))))

    def wrong_encap(self, sa):
        """the right packet in the wrong clothes"""
        protocol, payload = self.inside(sa)
        packet = sa.seal(self.seq[sa.spi] + 1, protocol, payload, self.iv(sa))
        if sa.encap != "none":
            return self.ip(packet)
        return self.ip(esp.udp_packet("10.1.0.2", "10.1.0.1", 4500, 4500, packet, check=0),
                       esp.UDP)

    def short_encap(self, sa):
        port = self.random.choice((4500, 4501))
        data = self.random.choice((b"\xff", b"", b"\xff\xff", bytes(4), bytes(8), bytes(11),
                                   bytes(16), struct.pack(">I", sa.spi)))
        self.ip(esp.udp_packet("10.1.0.2", "10.1.0.1", port, port, data, check=0), esp.UDP)

    def with_options(self, sa):
        seq = self.next(sa)
        protocol, payload = self.inside(sa, 100)
        packet = sa.seal(seq, protocol, payload, self.iv(sa))
        self.deliver(sa, seq)
        self.out(sa, packet, options=b"\1" * 4 * self.random.randint(1, 10))

    def plain(self, _):
        """what a policy protects does not come without"""
        self.ip(self.numbered("10.1.0.2", "10.1.0.1", 64), esp.UDP)

    def overlapping(self, sa):
        """fragments of which the second says something else: of no SA's"""
        packet = struct.pack(">II", sa.spi ^ 1 << 20, 1) + self.random.randbytes(120)
        ident = self.ident = self.ident + 1
        self.ip(packet[:64], frag=0x2000, ident=ident)
        self.ip(packet[32:], frag=4, ident=ident)

    def flip(self, sa, packet, seq, at, bit):
        packet = bytearray(packet)
        packet[at] ^= 1 << bit
        self.took(sa, seq ^ ((1 << bit) << 8 * (7 - at) if at < 8 else 0), authentic=False)
        self.out(sa, bytes(packet))
        self.flipped += 1
        if self.flipped % 12 == 11:
            self.link.ping()

    def flip_each(self, sa):
        """a good packet with one bit changed: the ICV refuses it, whatever the bit"""
        # a number whose bytes all have a bit that is not set, to become greater
        seq = self.seq[sa.spi] + 1
        protocol, payload = self.inside(sa, 20)
        packet = sa.seal(seq, protocol, payload, self.iv(sa))
        icv = len(packet) - sa.icv
        for at in range(4, icv):
            bits = [bit for bit in range(8) if at >= 8 or not packet[at] >> bit & 1]
            self.flip(sa, packet, seq, at, self.random.choice(bits))
        for at in range(icv, len(packet)):
            for bit in range(8):
                self.flip(sa, packet, seq, at, bit)
        # a byte of the SPI: no SA's
        for at in range(4):
            other = bytearray(packet)
            other[at] ^= 1 << self.random.randrange(8)
            self.out(sa, bytes(other))
        # and nothing was wrong with it
        self.next(sa)
        self.deliver(sa, seq)
        self.out(sa, packet)

    KINDS = [(right, 10), (fragmented, 4), (overtaken, 2), (replayed, 5), (twice_at_once, 3),
             (number_zero, 2), (jump, 3), (tampered, 8), (forged_number, 5), (cut_short, 6),
             (no_block, 4), (empty, 2), (much_padding, 4), (long_padding, 3),
             (next_header, 5), (bad_inside, 6), (nobody, 3), (garbage, 3), (wrong_encap, 2),
             (short_encap, 3), (with_options, 2), (plain, 2), (overlapping, 1)]
    # without authentication, changed packets are as good as any
    UNCHECKED = list(filter(lambda kind: kind[0].__name__ not in
                            ("tampered", "forged_number", "cut_short"), KINDS))

    def run(self, count):
        for sa in self.sas:
            if sa.hash:
                self.flip_each(sa)
        for n in range(count):
            sa = self.random.choice(self.sas)
            kinds = self.KINDS if sa.hash else self.UNCHECKED
            self.random.choices([k for k, _ in kinds], [w for _, w in kinds])[0](self, sa)
            if n % 12 == 11:
                self.link.ping()
        self.link.ping()
        for sa in self.sas:
            r = self.receiver[sa.spi]
            # without authentication nobody can tell what a packet does
            if sa.hash:
                print(f"expect {sa.spi:#x} packets {r.packets} replay-window {r.old} "
                      f"replay {r.replayed} failed {r.failed}")
        print(f"expect good {self.good}")
        print(f"flipped {self.flipped}")


def main():
    if sys.argv[1:] == ["--cases"]:
        print(*CASES)
        return
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--timeout", type=int, default=600)
    args = parser.parse_args()
    link = Link(args.socket, args.to, args.timeout)
    # the guest gets its address when its SAs are there
    link.ping(retry=2)
    Injector(link, args.seed).run(args.count)
    # give what is still with slow devices time to be done; then it may count
    for _ in range(10):
        time.sleep(0.1)
        link.ping()
    link.ether(esp.ip_packet("10.0.0.2", "10.0.0.1", esp.UDP, esp.udp_packet(
        "10.0.0.2", "10.0.0.1", 9, 9, struct.pack(">II", END, 0))))
    # it may still ask who has this address, while it counts
    until = time.time() + 5
    while time.time() < until:
        link.receive(0.5)
    os.unlink(args.socket)


main()
