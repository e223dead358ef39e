// SPDX-License-Identifier: GPL-2.0
/*
 * Compares ciphers of the kernel with each other, by random requests through
 * AF_ALG:
 *
 *	referee SEED WORKERS REQUESTS ALGORITHM=DRIVER...
 *
 * ALGORITHM is ecb or cbc of aes, des or des3_ede, as in "cbc(aes)"; DRIVER is
 * the name of the cipher to be judged.  The judge is the template over the
 * generic cipher, "cbc(aes-generic)".  WORKERS processes make REQUESTS requests
 * each: random keys of all sizes, IVs, directions, sizes of 1 block to 16 KiB,
 * and places of source and destination in their pages.
 *
 * Printed: "equal ALGORITHM/BITS TIMES BYTES" for what was compared.
 * exit: 0 all equal, 1 not, 2 it could not be done
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* of <linux/if_alg.h>, which musl's compiler doesn't find */
#ifndef AF_ALG
#define AF_ALG 38
#endif
#ifndef SOL_ALG
#define SOL_ALG 279
#endif
enum { ALG_SET_KEY = 1, ALG_SET_IV, ALG_SET_OP };
enum { ALG_OP_DECRYPT, ALG_OP_ENCRYPT };

struct sockaddr_alg {
	uint16_t salg_family;
	char salg_type[14];
	uint32_t salg_feat;
	uint32_t salg_mask;
	char salg_name[64];
};

struct af_alg_iv {
	uint32_t ivlen;
	uint8_t iv[];
};

#define PAGE		4096
#define MAX_SIZE	16384
#define MAX_ALGORITHMS	8
/* requests that share a key */
#define PER_KEY		4
/* an answer takes milliseconds */
#define PATIENCE	120

struct algorithm {
	const char *name;	/* "cbc(aes)" */
	const char *driver;
	char judge[64];
	unsigned int block;
	unsigned int key_sizes[4];
	unsigned int iv_size;
	int with_iv;
};

/* what was equal, of each algorithm and key size; shared by the workers */
struct tally {
	unsigned long times;
	unsigned long bytes;
};

static struct algorithm algorithms[MAX_ALGORITHMS];
static unsigned int nr_algorithms;
static struct tally (*tallies)[4];

static uint64_t state;

static uint32_t random32(void)
{
	/* xorshift64*: repeatable */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 2685821657736338717ull) >> 32;
}

static void fill(unsigned char *to, size_t size)
{
	while (size--)
		*to++ = random32();
}

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf(": %s\n", strerror(errno));
	fflush(stdout);
	_exit(2);
}

static int open_cipher(const char *name)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG, .salg_type = "skcipher" };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	if (fd < 0)
		die("AF_ALG");
	strncpy(address.salg_name, name, sizeof(address.salg_name) - 1);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("no cipher '%s'", name);
	return fd;
}

static int set_key(int cipher, const unsigned char *key, unsigned int size)
{
	int fd;

	if (setsockopt(cipher, SOL_ALG, ALG_SET_KEY, key, size))
		return -1;
	fd = accept(cipher, NULL, NULL);
	if (fd < 0)
		die("accept");
	return fd;
}

struct request {
	const struct algorithm *algorithm;
	int encrypt;
	unsigned int size;
	unsigned int source;		/* offset in the first page */
	unsigned int destination;	/* the same */
	int splice;			/* the source's pages themselves, no copy */
	unsigned char iv[32];
};

/* hand over operation, IV and, unless it is spliced, the source */
static int submit(int fd, const struct request *r, unsigned char *from)
{
	unsigned int iv_size = r->algorithm->iv_size;
	union {
		char bytes[CMSG_SPACE(4) + CMSG_SPACE(4 + 32)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = from, .iov_len = r->size };
	struct msghdr message = {
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(4),
		.msg_iov = &iov,
		.msg_iovlen = !r->splice,
	};
	struct af_alg_iv *iv;
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	if (r->algorithm->with_iv)
		message.msg_controllen += CMSG_SPACE(4 + iv_size);
	c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_ALG;
	c->cmsg_type = ALG_SET_OP;
	c->cmsg_len = CMSG_LEN(4);
	*(uint32_t *)CMSG_DATA(c) = r->encrypt ? ALG_OP_ENCRYPT : ALG_OP_DECRYPT;
	if (r->algorithm->with_iv) {
		c = CMSG_NXTHDR(&message, c);
		c->cmsg_level = SOL_ALG;
		c->cmsg_type = ALG_SET_IV;
		c->cmsg_len = CMSG_LEN(4 + iv_size);
		iv = (void *)CMSG_DATA(c);
		iv->ivlen = iv_size;
		memcpy(iv->iv, r->iv, iv_size);
	}
	return sendmsg(fd, &message, r->splice ? MSG_MORE : 0) < 0 ? -1 : 0;
}

static void splice_source(int fd, unsigned char *from, unsigned int size)
{
	struct iovec iov = { .iov_base = from, .iov_len = size };
	ssize_t n;
	int ends[2];

	if (pipe(ends))
		die("pipe");
	while (iov.iov_len) {
		n = vmsplice(ends[1], &iov, 1, 0);
		if (n <= 0)
			die("vmsplice");
		iov.iov_base = (char *)iov.iov_base + n;
		iov.iov_len -= n;
		while (n > 0) {
			ssize_t moved = splice(ends[0], NULL, fd, NULL, n,
					       iov.iov_len ? SPLICE_F_MORE : 0);

			if (moved <= 0)
				die("splice");
			n -= moved;
		}
	}
	close(ends[0]);
	close(ends[1]);
}

static int run(int fd, const struct request *r, unsigned char *from,
	       unsigned char *to)
{
	unsigned int done = 0;

	if (submit(fd, r, from))
		return -1;
	if (r->splice)
		splice_source(fd, from, r->size);
	while (done < r->size) {
		ssize_t n = read(fd, to + done, r->size - done);

		if (n <= 0)
			return -1;
		done += n;
	}
	return 0;
}

static unsigned int pick_size(unsigned int block)
{
	/* as many small ones as large ones */
	static const unsigned int limits[] = { 256, 2048, PAGE + 512, MAX_SIZE };
	unsigned int most = limits[random32() % 4];

	return block + random32() % (most / block) * block;
}

static unsigned char *pages(void)
{
	unsigned char *p = mmap(NULL, MAX_SIZE + 2 * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

static int work(unsigned int requests)
{
	unsigned char *from = pages(), *to = pages(), *right = pages(), key[32];
	int judged[MAX_ALGORITHMS], judges[MAX_ALGORITHMS], fd = -1, judge = -1;
	unsigned int i, k = 0, a = 0, size;
	struct request r;

	for (i = 0; i < nr_algorithms; i++) {
		judged[i] = open_cipher(algorithms[i].driver);
		judges[i] = open_cipher(algorithms[i].judge);
	}
	for (i = 0; i < requests; i++) {
		if (i % PER_KEY == 0) {
			if (fd >= 0)
				close(fd);
			if (judge >= 0)
				close(judge);
			a = random32() % nr_algorithms;
			do {
				k = random32() % 4;
			} while (!algorithms[a].key_sizes[k]);
			size = algorithms[a].key_sizes[k];
			do {
				fill(key, size);
				judge = set_key(judges[a], key, size);
			} while (judge < 0);	/* a weak one */
			fd = set_key(judged[a], key, size);
			if (fd < 0)
				die("%s: key", algorithms[a].driver);
		}
		r.algorithm = &algorithms[a];
		r.encrypt = random32() & 1;
		r.size = pick_size(r.algorithm->block);
		/* the destination as the chip needs it, the source anywhere */
		r.source = random32() % PAGE;
		r.destination = random32() % PAGE & ~3u;
		r.splice = random32() & 1;
		fill(r.iv, sizeof(r.iv));
		fill(from + r.source, r.size);
		memset(to + r.destination, 0xa5, r.size);
		alarm(PATIENCE);
		if (run(judge, &r, from + r.source, right))
			die("%s", r.algorithm->judge);
		if (run(fd, &r, from + r.source, to + r.destination))
			die("%s, %u bytes from +%u to +%u", r.algorithm->driver, r.size,
			    r.source, r.destination);
		alarm(0);
		if (memcmp(right, to + r.destination, r.size)) {
			printf("%s: request %u, %s, key of %u bytes: ",
			       r.algorithm->driver, i,
			       r.encrypt ? "encryption" : "decryption",
			       r.algorithm->key_sizes[k]);
			printf("%u bytes from +%u%s to +%u: not equal\n", r.size, r.source,
			       r.splice ? " spliced" : "", r.destination);
			return 1;
		}
		__sync_fetch_and_add(&tallies[a][k].times, 1);
		__sync_fetch_and_add(&tallies[a][k].bytes, r.size);
	}
	return 0;
}

static int add(char *argument)
{
	struct algorithm *a = &algorithms[nr_algorithms];
	static const unsigned int aes[] = { 16, 24, 32 };
	char *driver = strchr(argument, '=');
	char mode[4], cipher[32];

	if (!driver || nr_algorithms == MAX_ALGORITHMS)
		return -1;
	*driver++ = 0;
	a->name = argument;
	a->driver = driver;
	if (sscanf(argument, "%3[a-z](%31[^)])", mode, cipher) != 2 ||
	    !strstr("ecb cbc", mode))
		return -1;
	a->with_iv = strcmp(mode, "ecb");
	a->block = 8;
	a->iv_size = 8;
	if (!strcmp(cipher, "aes")) {
		a->block = 16;
		a->iv_size = 16;
		memcpy(a->key_sizes, aes, sizeof(aes));
	} else if (!strcmp(cipher, "des")) {
		a->key_sizes[0] = 8;
	} else if (!strcmp(cipher, "des3_ede")) {
		a->key_sizes[0] = 24;
	} else {
		return -1;
	}
	snprintf(a->judge, sizeof(a->judge), "%s(%s-generic)", mode, cipher);
	nr_algorithms++;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int seed, workers, requests, i, k;
	int status, failed = 0;

	if (argc < 5 || sscanf(argv[1], "%u", &seed) != 1 ||
	    sscanf(argv[2], "%u", &workers) != 1 || sscanf(argv[3], "%u", &requests) != 1)
		goto usage;
	for (i = 4; i < (unsigned int)argc; i++)
		if (add(argv[i]))
			goto usage;
	tallies = mmap(NULL, sizeof(*tallies) * MAX_ALGORITHMS, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		die("mmap");
	for (i = 0; i < workers; i++) {
		state = (seed * 1000003ull + i + 1) * 0x9e3779b97f4a7c15ull;
		switch (fork()) {
		case -1:
			die("fork");
			break;
		case 0:
			status = work(requests);
			fflush(stdout);
			_exit(status);
		}
	}
	for (i = 0; i < workers; i++)
		if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
			failed = 1;
	for (i = 0; i < nr_algorithms; i++)
		for (k = 0; k < 4; k++)
			if (algorithms[i].key_sizes[k])
				printf("equal %s/%u %lu %lu\n", algorithms[i].name,
				       8 * algorithms[i].key_sizes[k],
				       tallies[i][k].times, tallies[i][k].bytes);
	return failed;
usage:
	fprintf(stderr, "usage: referee SEED WORKERS REQUESTS ALGORITHM=DRIVER...\n");
	return 2;
}
