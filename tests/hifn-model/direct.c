// SPDX-License-Identifier: GPL-2.0
/*
 * Drives the model of the HIFN 795x without a driver, from user space, and looks at
 * what mainline's driver doesn't: the MAC engine, alone and with a cipher in one
 * pass, against the kernel's own algorithms through AF_ALG; contexts; refused
 * accesses to memory; faults.
 *
 *	direct /sys/bus/pci/devices/ADDRESS
 *
 * The board must have no driver.  Printed: "ok - NAME" or "not ok - NAME: WHY".
 * exit: 0 all ok, 1 not, 2 it could not be done
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* of <linux/if_alg.h>, which musl's compiler doesn't find */
#define AF_ALG_FAMILY	38
#define SOL_ALG_LEVEL	279
enum { ALG_SET_KEY = 1, ALG_SET_IV, ALG_SET_OP };

struct sockaddr_alg {
	uint16_t salg_family;
	char salg_type[14];
	uint32_t salg_feat;
	uint32_t salg_mask;
	char salg_name[64];
};

#define PAGE		4096
#define TIMES		60
#define VALID		0x80000000u
#define LAST		0x20000000u

enum { CMD, SRC, RES, DST, RINGS };
/* pages: rings, command, result, source, destination */
enum { P_RINGS, P_COMMAND, P_RESULT, P_SOURCE, P_DESTINATION, PAGES };

/* configuration space of the model */
enum { FAULT = 0xa4, AFTER = 0xa8, TIMES_LEFT = 0xac, MISUSES = 0xe0, ABORTED = 0xd8 };

static volatile uint32_t *pu, *dma;
static unsigned char *page[PAGES];
static uint32_t physical[PAGES];
static int config;
static int failures;

static void die(const char *what)
{
	printf("not ok - direct: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void result(int good, const char *name)
{
	printf("%s - direct: %s\n", good ? "ok" : "not ok", name);
	failures += !good;
}

static uint32_t model(unsigned int at)
{
	uint32_t value;

	if (pread(config, &value, 4, at) != 4)
		die("config");
	return value;
}

static void model_write(unsigned int at, uint32_t value)
{
	if (pwrite(config, &value, 4, at) != 4)
		die("config");
}

static void fill(unsigned char *to, size_t size)
{
	while (size--)
		*to++ = random();
}

static void put16(unsigned char *to, unsigned int value)
{
	to[0] = value;
	to[1] = value >> 8;
}

/* --- the kernel's answer -------------------------------------------------- */

static int algorithm(const char *type, const char *name, const unsigned char *key,
		     size_t size)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG_FAMILY };
	int parent = socket(AF_ALG_FAMILY, SOCK_SEQPACKET, 0), fd;

	strcpy(address.salg_type, type);
	strcpy(address.salg_name, name);
	if (parent < 0 || bind(parent, (struct sockaddr *)&address, sizeof(address)))
		die(name);
	if (size && setsockopt(parent, SOL_ALG_LEVEL, ALG_SET_KEY, key, size))
		die(name);
	fd = accept(parent, NULL, NULL);
	if (fd < 0)
		die(name);
	close(parent);
	return fd;
}

static void digest(const char *name, const unsigned char *key, size_t key_size,
		   const unsigned char *data, size_t size, unsigned char *to)
{
	int fd = algorithm("hash", name, key, key_size);

	if (send(fd, data, size, 0) != (ssize_t)size || read(fd, to, 20) < 16)
		die(name);
	close(fd);
}

static void cbc_aes(const unsigned char *key, const unsigned char *iv, int encrypt,
		    const unsigned char *from, unsigned char *to, size_t size)
{
	union {
		char bytes[CMSG_SPACE(4) + CMSG_SPACE(20)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)from, .iov_len = size };
	struct msghdr message = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	int fd = algorithm("skcipher", "cbc(aes)", key, 16);
	uint32_t iv_size = 16, operation = encrypt;
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_ALG_LEVEL;
	c->cmsg_type = ALG_SET_OP;
	c->cmsg_len = CMSG_LEN(4);
	memcpy(CMSG_DATA(c), &operation, 4);
	c = CMSG_NXTHDR(&message, c);
	c->cmsg_level = SOL_ALG_LEVEL;
	c->cmsg_type = ALG_SET_IV;
	c->cmsg_len = CMSG_LEN(20);
	memcpy(CMSG_DATA(c), &iv_size, 4);
	memcpy(CMSG_DATA(c) + 4, iv, 16);
	if (sendmsg(fd, &message, 0) != (ssize_t)size || read(fd, to, size) != (ssize_t)size)
		die("cbc(aes)");
	close(fd);
}

/* --- the chip ------------------------------------------------------------- */

static void bring_up(int unlock)
{
	uint32_t a;
	int i, j;

	dma[0x40 / 4] = 0x40404040;
	dma[0x48 / 4] = 7;
	usleep(1000);
	dma[0x48 / 4] = 4;
	usleep(1000);
	dma[0x48 / 4] = 7;
	pu[0x04 / 4] = 2;
	if (unlock) {
		dma[0x48 / 4] = 0x807;
		a = dma[0xf4 / 4];
		dma[0xfc / 4] = 0;
		for (i = 0; i < 12; i++) {
			for (j = 0; j < 0x101; j++)
				a = a << 1 | (__builtin_popcount(a & 0x80080125) & 1);
			dma[0xfc / 4] = a;
			usleep(1000);
		}
	}
	pu[0x08 / 4] = 0xffff;
	dma[0x48 / 4] = 0x10017;
}

static volatile uint32_t *descriptor(int ring, int index)
{
	return (volatile uint32_t *)(page[P_RINGS] + ring * 0x400) + 2 * index;
}

static void describe(int ring, int index, uint32_t address, uint32_t word)
{
	descriptor(ring, index)[1] = address;
	__sync_synchronize();
	descriptor(ring, index)[0] = word;
}

/* one command with one descriptor in each ring, at its start */
static void prepare(size_t command, size_t source, size_t destination, size_t answer)
{
	memset(page[P_RINGS], 0, PAGE);
	describe(SRC, 0, physical[P_SOURCE], VALID | LAST | source);
	describe(DST, 0, physical[P_DESTINATION], VALID | LAST | destination);
	describe(CMD, 0, physical[P_COMMAND], VALID | LAST | command);
	describe(RES, 0, physical[P_RESULT], VALID | LAST | answer);
}

/* 0: the chip gave the result's descriptor back */
static int go(void)
{
	int ring, tries;

	dma[0x40 / 4] = 0x40404040;
	for (ring = 0; ring < RINGS; ring++)
		dma[(0x0c + 0x10 * ring) / 4] = physical[P_RINGS] + ring * 0x400;
	dma[0x40 / 4] = 0x80808080 | 0x3e3e3c3f;
	for (tries = 0; tries < 200; tries++) {
		if (!(descriptor(RES, 0)[0] & VALID))
			return 0;
		usleep(100);
	}
	return -1;
}

static size_t command(unsigned int masks, unsigned int session, size_t size)
{
	unsigned char *p = page[P_COMMAND];

	memset(p, 0, 512);
	put16(p, masks);
	put16(p + 2, session);
	put16(p + 4, size);
	put16(p + 6, size);
	return 8;
}

static size_t part(size_t at, unsigned int masks, size_t skip, size_t count)
{
	unsigned char *p = page[P_COMMAND] + at;

	put16(p, masks);
	put16(p + 2, skip);
	put16(p + 4, count);
	return at + 8;
}

static size_t bytes(size_t at, const unsigned char *data, size_t size)
{
	memcpy(page[P_COMMAND] + at, data, size);
	return at + size;
}

/* --- tests ---------------------------------------------------------------- */

static void test_macs(void)
{
	static const char *const names[2][2] = {
		{ "hmac(sha1)", "hmac(md5)" }, { "sha1", "md5" },
	};
	unsigned char key[64], right[20];
	int i, good = 1, md5, plain, truncate;
	size_t size, skip, count, at, length;

	for (i = 0; i < TIMES && good; i++) {
		md5 = i & 1;
		plain = i % 5 == 0;
		truncate = i >> 1 & 1;
		size = 4 + random() % (PAGE - 4);
		skip = random() % (size - 1);
		count = 1 + random() % (size - skip);
		fill(key, sizeof(key));
		fill(page[P_SOURCE], size);
		memset(page[P_RESULT], 0, 64);
		at = command(0x0400, i, size);
		at = part(at, md5 | (plain ? 8 : 0) | (truncate ? 0x10 : 0) | 0x20 | 0x0800,
			  skip, count);
		at = bytes(at, key, sizeof(key));
		length = truncate ? 12 : md5 ? 16 : 20;
		prepare(at, size, (size + 3) & ~3u, 64);
		digest(names[plain][md5], key, plain ? 0 : sizeof(key),
		       page[P_SOURCE] + skip, count, right);
		good = !go() && !memcmp(page[P_RESULT] + 12, right, length) &&
		       !memcmp(page[P_DESTINATION], page[P_SOURCE], size);
	}
	result(good, "HMAC and hash of MD5 and SHA-1 equal the kernel's");
}

/* as ESP has it, or the other way round */
static void test_fused(void)
{
	unsigned char key[16], mac_key[64], iv[16], right[PAGE], mac[20];
	int i, good = 1, md5, decode, ipsec, over_output;
	size_t lead, size, at, tail;

	for (i = 0; i < TIMES && good; i++) {
		md5 = i & 1;
		decode = i >> 1 & 1;
		ipsec = i % 3 != 0;
		lead = 4 * (random() % 8);
		size = 16 + 16 * (random() % 100);
		tail = 4 * (random() % 4);
		fill(key, sizeof(key));
		fill(mac_key, sizeof(mac_key));
		fill(iv, sizeof(iv));
		fill(page[P_SOURCE], lead + size + tail);
		memset(page[P_RESULT], 0, 64);
		at = command(0x0c00 | (decode ? 0x2000 : 0), 0x77, lead + size + tail);
		at = part(at, md5 | 0x30 | 0x0800 | (ipsec ? 0x0200 : 0), 0, lead + size);
		at = part(at, 3 | 8 | 0x0800 | 0x1000, lead, size);
		at = bytes(at, mac_key, sizeof(mac_key));
		at = bytes(at, key, sizeof(key));
		at = bytes(at, iv, sizeof(iv));
		prepare(at, lead + size + tail, lead + size + tail, 64);

		memcpy(right, page[P_SOURCE], lead + size + tail);
		cbc_aes(key, iv, !decode, page[P_SOURCE] + lead, right + lead, size);
		over_output = ipsec != decode;
		digest(md5 ? "hmac(md5)" : "hmac(sha1)", mac_key, sizeof(mac_key),
		       over_output ? right : page[P_SOURCE], lead + size, mac);
		good = !go() && !memcmp(page[P_RESULT] + 12, mac, 12) &&
		       !memcmp(page[P_DESTINATION], right, lead + size + tail);
	}
	result(good, "AES and HMAC in one pass, MAC over either side, both directions");
}

/* the size of a command for CBC of AES-128, of what is in the source */
static size_t aes_command(unsigned int session, size_t size, const unsigned char *key,
			  const unsigned char *iv)
{
	size_t at = command(0x0800, session, size);

	at = part(at, 3 | 8 | (key ? 0x0800 : 0) | (iv ? 0x1000 : 0), 0, size);
	if (key)
		at = bytes(at, key, 16);
	if (iv)
		at = bytes(at, iv, 16);
	prepare(at, size, size, 12);
	return at;
}

static void test_contexts(void)
{
	unsigned char key[2][16], iv[16], right[256];
	int i, good = 1;

	fill(iv, sizeof(iv));
	for (i = 0; i < 2; i++) {
		fill(key[i], sizeof(key[i]));
		aes_command(5 + i, 128, key[i], iv);
		good &= !go();
	}
	/* the first session's key, and the IV where it had got to */
	memcpy(right, page[P_SOURCE], 128);
	memcpy(right + 128, page[P_SOURCE], 128);
	cbc_aes(key[0], iv, 1, right, right, 256);
	aes_command(5, 128, NULL, NULL);
	good &= !go() && !memcmp(page[P_DESTINATION], right + 128, 128);
	result(good, "a session without NEW_KEY and NEW_IV goes on where it was");
}

static void test_lock(void)
{
	unsigned char key[16];
	uint32_t misuses;

	bring_up(0);
	misuses = model(MISUSES);
	fill(key, sizeof(key));
	memset(page[P_DESTINATION], 0, 64);
	aes_command(1, 64, key, key);
	result(!go() && pu[0x08 / 4] & 0x8000 && !page[P_DESTINATION][0] &&
	       model(MISUSES) > misuses && (pu[0x14 / 4] & 0xff00) == 0x3000,
	       "a locked chip refuses");
	bring_up(1);
	aes_command(1, 64, key, key);
	result(!go() && !(pu[0x08 / 4] & 0x8000) && (pu[0x14 / 4] & 0xff00) == 0x1100,
	       "an unlocked one does not");
}

static void aborts(const char *name, int ring, uint32_t address)
{
	uint32_t before = model(ABORTED);
	unsigned char key[16] = { 1 };

	aes_command(1, 64, key, key);
	descriptor(ring, 0)[1] = address;
	result(go() && dma[0x40 / 4] & 0x20u << (8 * ring) && model(ABORTED) > before,
	       name);
	bring_up(1);
	aes_command(1, 64, key, key);
	if (go())
		result(0, "after a reset it works again");
}

static void test_memory(void)
{
	aborts("a source beyond memory: abort", SRC, 0xe0000000);
	aborts("a destination that would go on beyond 4 GiB: abort", DST, 0xffffffe0);
	aborts("a command in the chip's own registers: abort", CMD,
	       model(0x14) & ~15u);
	aborts("a result beyond memory: abort", RES, 0xe0000000);
}

static void test_faults(void)
{
	unsigned char key[16] = { 2 }, right[64];
	uint32_t csr;

	memset(page[P_SOURCE], 3, 64);
	memcpy(right, page[P_SOURCE], 64);
	cbc_aes(key, key, 1, right, right, 64);

	model_write(AFTER, 1);
	model_write(TIMES_LEFT, 1);
	model_write(FAULT, 6);
	aes_command(1, 64, key, key);
	result(!go() && !memcmp(page[P_DESTINATION], right, 64), "before a fault: right");
	aes_command(1, 64, key, key);
	result(!go() && memcmp(page[P_DESTINATION], right, 64), "corrupt: wrong");
	aes_command(1, 64, key, key);
	result(!go() && !memcmp(page[P_DESTINATION], right, 64), "after a fault: right");

	model_write(AFTER, 0);
	model_write(FAULT, 1 | SRC << 8);
	aes_command(1, 64, key, key);
	result(go() && dma[0x40 / 4] & 0x2000, "abort of the source ring");
	bring_up(1);

	model_write(FAULT, 4);
	aes_command(1, 64, key, key);
	csr = 0;
	if (go())
		csr = dma[0x40 / 4];
	result(csr && !(csr & 0x3a3a383a), "stuck: nothing is reported");
	bring_up(1);

	model_write(FAULT, 5);
	aes_command(1, 64, key, key);
	result(!go() && !(dma[0x40 / 4] & 0x00100000) &&
	       !memcmp(page[P_DESTINATION], right, 64), "lost interrupt: done, unreported");

	model_write(FAULT, 3);
	aes_command(1, 64, key, key);
	memset(page[P_DESTINATION], 0, 64);
	result(!go() && dma[0x40 / 4] & 0x02000000 && page[P_RESULT][1] & 2 &&
	       !page[P_DESTINATION][63], "overflow: reported, and the end is missing");
	pu[0x08 / 4] = 0x200;

	/* written, the status bits become 0 */
	model_write(4, 0x20000006);
	result(!(model(4) & 0x20000000), "PCI status: cleared");
	model_write(FAULT, 2 | DST << 8);
	aes_command(1, 64, key, key);
	result(go() && dma[0x40 / 4] & 0x20000000 && model(4) & 0x20000000,
	       "master abort: in the PCI status as well");
	bring_up(1);

	model_write(FAULT, 8);
	aes_command(1, 64, key, key);
	result(go() && dma[0x40 / 4] == 0xffffffff, "dead: all ones");
	model_write(FAULT, 0);
	bring_up(1);
	aes_command(1, 64, key, key);
	result(!go(), "disarmed, it lives again");
	bring_up(0);
}

static void *map(const char *folder, const char *name, size_t size)
{
	char path[256];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR);
	if (fd < 0)
		die(path);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die(path);
	return p;
}

static void get_pages(void)
{
	int i, fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry;

	for (i = 0; i < PAGES; i++) {
		page[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
		if (page[i] == MAP_FAILED)
			die("mmap");
		if (pread(fd, &entry, 8, (uintptr_t)page[i] / PAGE * 8) != 8 ||
		    !(entry >> 63) || !(entry << 9))
			die("pagemap");
		physical[i] = (entry & ((1ull << 55) - 1)) * PAGE;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	char path[256];
	uint16_t bits = 0x0006;

	if (argc != 2) {
		fprintf(stderr, "usage: direct /sys/bus/pci/devices/ADDRESS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/config", argv[1]);
	config = open(path, O_RDWR);
	if (config < 0)
		die(path);
	if (model(0xa0) != 0x4e464948) {
		errno = ENODEV;
		die("no model");
	}
	/* memory and bus mastering */
	if (pwrite(config, &bits, 2, 4) != 2)
		die(path);
	pu = map(argv[1], "resource0", 0x1000);
	dma = map(argv[1], "resource1", 0x2000);
	get_pages();
	srandom(1);

	bring_up(1);
	test_macs();
	test_fused();
	test_contexts();
	test_lock();
	test_memory();
	test_faults();
	return failures ? 1 : 0;
}
