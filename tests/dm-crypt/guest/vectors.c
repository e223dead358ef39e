// SPDX-License-Identifier: GPL-2.0
/*
 * usage: vectors DEVICE BYTES SEED ROUNDS
 *
 * Direct I/O in random vectors: up to 16 pieces of 512 to 16384 bytes each, in
 * buffers that begin at any multiple of 512 within a page, so that a bio's
 * pieces are parts of pages.  Every read is compared with what was written, and
 * at the end all of the device's first BYTES are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES		16
#define PIECE_MAX	16384
#define SECTOR		512

static uint64_t state;

static uint32_t below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

static void fail(const char *what, long long where)
{
	fprintf(stderr, "vectors: %s at %lld: %s\n", what, where,
		strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	struct iovec iov[PIECES];
	char *shadow, *area, *back;
	size_t bytes, total, at;
	int fd, round, rounds, i, n;
	off_t where;

	if (argc != 5) {
		fprintf(stderr, "usage: vectors DEVICE BYTES SEED ROUNDS\n");
		return 2;
	}
	bytes = strtoul(argv[2], NULL, 0);
	state = strtoul(argv[3], NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
	rounds = atoi(argv[4]);
	shadow = malloc(bytes);
	if (!shadow || posix_memalign((void **)&back, 4096, bytes) ||
	    posix_memalign((void **)&area, 4096, PIECES * (PIECE_MAX + 4096)))
		fail("no memory", 0);
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0)
		fail("open", 0);

	for (at = 0; at < bytes; at++)
		back[at] = shadow[at] = below(256);
	if (pwrite(fd, back, bytes, 0) != (ssize_t)bytes)
		fail("first write", 0);

	for (round = 0; round < rounds; round++) {
		n = 1 + below(PIECES);
		total = 0;
		for (i = 0; i < n; i++) {
			iov[i].iov_base = area + i * (PIECE_MAX + 4096) +
					  below(8) * SECTOR;
			iov[i].iov_len = (1 + below(PIECE_MAX / SECTOR)) * SECTOR;
			total += iov[i].iov_len;
		}
		where = (off_t)below((bytes - total) / SECTOR + 1) * SECTOR;
		if (lseek(fd, where, SEEK_SET) != where)
			fail("seek", where);
		if (below(2)) {
			for (i = 0, at = where; i < n; at += iov[i++].iov_len) {
				memset(iov[i].iov_base, below(256), iov[i].iov_len);
				((char *)iov[i].iov_base)[below(SECTOR)] ^= 0x55;
				memcpy(shadow + at, iov[i].iov_base, iov[i].iov_len);
			}
			if (writev(fd, iov, n) != (ssize_t)total)
				fail("write", where);
		} else {
			for (i = 0; i < n; i++)
				memset(iov[i].iov_base, 0xee, iov[i].iov_len);
			if (readv(fd, iov, n) != (ssize_t)total)
				fail("read", where);
			for (i = 0, at = where; i < n; at += iov[i++].iov_len) {
				errno = 0;
				if (memcmp(shadow + at, iov[i].iov_base,
					   iov[i].iov_len))
					fail("wrong data", (long long)at);
			}
		}
	}
	errno = 0;
	if (pread(fd, back, bytes, 0) != (ssize_t)bytes)
		fail("last read", 0);
	if (memcmp(shadow, back, bytes))
		fail("wrong data in the end", 0);
	return 0;
}
