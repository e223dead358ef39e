// SPDX-License-Identifier: GPL-2.0
/*
 * Two algorithms of the kernel do the same work through AF_ALG, and it has to
 * be the same to the byte.
 *
 * usage: afalg skcipher|hash|aead ONE OTHER KEY COUNT
 *
 * KEY is hexadecimal; "-" is none.  For aead it is the HMAC's key, a colon, and
 * the cipher's.  Lengths and data come from a generator of their own, the same
 * in each run.  Exit 0 the same COUNT times, 1 not, 2 wrong usage.
 */

#define _GNU_SOURCE	/* memfd_create() */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

/* <linux/if_alg.h> and <linux/rtnetlink.h>, which musl doesn't come with */
#define SOL_ALG			279
#define ALG_SET_KEY		1
#define ALG_SET_IV		2
#define ALG_SET_OP		3
#define ALG_SET_AEAD_ASSOCLEN	4
#define ALG_SET_AEAD_AUTHSIZE	5
#define ALG_OP_DECRYPT		0
#define ALG_OP_ENCRYPT		1

struct sockaddr_alg {
	uint16_t family;
	uint8_t type[14];
	uint32_t feat;
	uint32_t mask;
	uint8_t name[64];
};

#define MAX_DATA	8192
#define IV		16
#define AUTH		12	/* as IPsec has it */
#define DIGEST		32

static uint32_t seed = 12345;

static uint32_t number(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static void fill(uint8_t *p, size_t n)
{
	while (n--)
		*p++ = number();
}

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s: %s\n", name, what, strerror(errno));
	exit(1);
}

static size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = 0;
	unsigned int byte;

	while (sscanf(hex, "%2x", &byte) == 1) {
		out[n++] = byte;
		hex += 2;
	}
	return n;
}

/* authenc's key: struct rtattr, the length of the cipher's key, both keys */
static size_t authenc_key(uint8_t *out, const char *hex)
{
	const char *colon = strchr(hex, ':');
	char first[256] = "";
	size_t nauth, nenc;

	if (!colon || (size_t)(colon - hex) >= sizeof(first)) {
		fprintf(stderr, "aead: a key is HMAC:CIPHER\n");
		exit(2);
	}
	memcpy(first, hex, colon - hex);
	nauth = from_hex(out + 8, first);
	nenc = from_hex(out + 8 + nauth, colon + 1);
	memcpy(out, (uint16_t[]){ 8, 1 }, 4);
	memcpy(out + 4, (uint8_t[]){ 0, 0, 0, nenc }, 4);
	return 8 + nauth + nenc;
}

/* a socket that does requests */
static int open_alg(const char *type, const char *name, const char *hex)
{
	struct sockaddr_alg sa = { .family = AF_ALG };
	int aead = !strcmp(type, "aead"), s, op;
	uint8_t key[256];
	size_t n;

	snprintf((char *)sa.type, sizeof(sa.type), "%s", type);
	snprintf((char *)sa.name, sizeof(sa.name), "%s", name);
	s = socket(AF_ALG, SOCK_SEQPACKET, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&sa, sizeof(sa)))
		fail("bind", name);
	if (strcmp(hex, "-")) {
		n = aead ? authenc_key(key, hex) : from_hex(key, hex);
		if (setsockopt(s, SOL_ALG, ALG_SET_KEY, key, n))
			fail("key", name);
	}
	if (aead && setsockopt(s, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, NULL, AUTH))
		fail("size of the tag", name);
	op = accept(s, NULL, 0);
	if (op < 0)
		fail("accept", name);
	return op;
}

static struct cmsghdr *control(struct msghdr *msg, struct cmsghdr *c, int type,
			       const void *data, size_t n)
{
	c = c ? CMSG_NXTHDR(msg, c) : CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_ALG;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	return c;
}

/* bytes of the result, or -1 and errno */
static ssize_t run(int op, uint32_t what, const uint8_t *iv, uint32_t assoc,
		   int aead, const uint8_t *in, size_t n, uint8_t *out,
		   size_t room)
{
	struct {
		uint32_t len;
		uint8_t iv[IV];
	} ivmsg = { .len = IV };
	uint8_t buf[256] = { 0 };
	struct iovec iov = { (void *)in, n };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = buf,
	};
	struct cmsghdr *c;

	memcpy(ivmsg.iv, iv, IV);
	msg.msg_controllen = CMSG_SPACE(4) + CMSG_SPACE(sizeof(ivmsg)) +
			     (aead ? CMSG_SPACE(4) : 0);
	c = control(&msg, NULL, ALG_SET_OP, &what, 4);
	c = control(&msg, c, ALG_SET_IV, &ivmsg, sizeof(ivmsg));
	if (aead)
		control(&msg, c, ALG_SET_AEAD_ASSOCLEN, &assoc, 4);
	if (sendmsg(op, &msg, 0) != (ssize_t)n)
		return -1;
	return read(op, out, room);
}

static void differ(const char *what, int i, size_t n)
{
	fprintf(stderr, "%s: request %d, %zu bytes: not the same\n", what, i, n);
	exit(1);
}

static void test_skcipher(int one, int other, int i)
{
	static uint8_t in[MAX_DATA], a[MAX_DATA], b[MAX_DATA];
	size_t n = 16 * (1 + number() % (MAX_DATA / 16));
	uint8_t iv[IV];

	fill(iv, IV);
	fill(in, n);
	if (run(one, ALG_OP_ENCRYPT, iv, 0, 0, in, n, a, n) != (ssize_t)n ||
	    run(other, ALG_OP_ENCRYPT, iv, 0, 0, in, n, b, n) != (ssize_t)n)
		fail("encrypt", "skcipher");
	if (memcmp(a, b, n))
		differ("encrypt", i, n);
	if (run(one, ALG_OP_DECRYPT, iv, 0, 0, a, n, b, n) != (ssize_t)n)
		fail("decrypt", "skcipher");
	if (memcmp(in, b, n))
		differ("decrypt", i, n);
}

static void test_aead(int one, int other, int i)
{
	static uint8_t in[MAX_DATA], a[MAX_DATA], b[MAX_DATA], c[MAX_DATA];
	size_t assoc = number() % 64, n = 16 * (1 + number() % 256);
	size_t whole = assoc + n + AUTH;
	uint8_t iv[IV];

	fill(iv, IV);
	fill(in, assoc + n);
	if (run(one, ALG_OP_ENCRYPT, iv, assoc, 1, in, assoc + n, a,
		  whole) != (ssize_t)whole ||
	    run(other, ALG_OP_ENCRYPT, iv, assoc, 1, in, assoc + n, b,
		  whole) != (ssize_t)whole)
		fail("encrypt", "aead");
	if (memcmp(a + assoc, b + assoc, n + AUTH))
		differ("encrypt", i, n);
	/* reading gives what was sent of the associated data, not more */
	memcpy(a, in, assoc);
	if (run(one, ALG_OP_DECRYPT, iv, assoc, 1, a, whole, c,
		  assoc + n) != (ssize_t)(assoc + n))
		fail("decrypt", "aead");
	if (memcmp(in + assoc, c + assoc, n))
		differ("decrypt", i, n);

	/* one bit anywhere makes it a forgery */
	a[number() % whole] ^= 1 << number() % 8;
	errno = 0;
	if (run(one, ALG_OP_DECRYPT, iv, assoc, 1, a, whole, c,
		  assoc + n) >= 0 || errno != EBADMSG)
		differ("forgery", i, n);
}

/* @way 0 in one piece, 1 a page of a file (digest()), 2 in pieces */
static ssize_t hash(int op, int way, const uint8_t *in, size_t n, uint8_t *out)
{
	size_t half = n / 2;
	ssize_t sent;
	int file;

	switch (way) {
	case 0:
		if (send(op, in, n, 0) != (ssize_t)n)
			return -1;
		break;
	case 1:
		file = memfd_create("data", 0);
		if (file < 0 || write(file, in, n) != (ssize_t)n ||
		    lseek(file, 0, SEEK_SET))
			return -1;
		sent = sendfile(op, file, NULL, n);
		close(file);
		if (sent != (ssize_t)n)
			return -1;
		break;
	default:
		if (send(op, in, half, MSG_MORE) != (ssize_t)half ||
		    send(op, in + half, n - half, 0) != (ssize_t)(n - half))
			return -1;
	}
	return read(op, out, DIGEST);
}

static void test_hash(int one, int other, int i)
{
	static uint8_t in[MAX_DATA];
	uint8_t a[DIGEST], b[DIGEST];
	size_t n = 1 + number() % (i % 3 == 1 ? 4096 : MAX_DATA);
	ssize_t size;

	fill(in, n);
	size = hash(one, i % 3, in, n, a);
	if (size < 16 || hash(other, 0, in, n, b) != size)
		fail("digest", "hash");
	if (memcmp(a, b, size))
		differ("digest", i, n);
}

int main(int argc, char **argv)
{
	int one, other, i, count;
	const char *type;

	if (argc != 6 || (strcmp(argv[1], "skcipher") && strcmp(argv[1], "hash") &&
			  strcmp(argv[1], "aead"))) {
		fprintf(stderr, "usage: afalg skcipher|hash|aead ONE OTHER KEY COUNT\n");
		return 2;
	}
	type = argv[1];
	one = open_alg(type, argv[2], argv[4]);
	other = open_alg(type, argv[3], argv[4]);
	count = atoi(argv[5]);
	for (i = 0; i < count; i++) {
		if (!strcmp(type, "skcipher"))
			test_skcipher(one, other, i);
		else if (!strcmp(type, "aead"))
			test_aead(one, other, i);
		else
			test_hash(one, other, i);
	}
	return 0;
}
