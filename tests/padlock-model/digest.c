// SPDX-License-Identifier: GPL-2.0
/*
 * Compares hashes of the kernel with each other, through AF_ALG:
 *
 *	digest SEED MESSAGES NAME NAME...
 *
 * Random messages of 0 bytes to 20 KB, at odd places and in pieces, are hashed by all
 * that are named; the results have to be equal.  Exit: 0 they are, 1 not, 2 it
 * could not be done.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* of <linux/if_alg.h>, which musl's compiler doesn't find */
#ifndef AF_ALG
#define AF_ALG 38
#endif

struct sockaddr_alg {
	uint16_t salg_family;
	char salg_type[14];
	uint32_t salg_feat;
	uint32_t salg_mask;
	char salg_name[64];
};

#define MOST	20000

static int open_hash(const char *name)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG, .salg_type = "hash" };
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0), op;

	strncpy(address.salg_name, name, sizeof(address.salg_name) - 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror(name);
		exit(2);
	}
	op = accept(fd, NULL, 0);
	if (op < 0) {
		perror(name);
		exit(2);
	}
	return op;
}

static int hash(int fd, const uint8_t *p, size_t n, size_t piece, uint8_t *digest)
{
	size_t m;

	do {
		m = n < piece ? n : piece;
		if (send(fd, p, m, n > m ? MSG_MORE : 0) != (ssize_t)m) {
			perror("send");
			exit(2);
		}
		p += m;
		n -= m;
	} while (n);
	return read(fd, digest, 64);
}

int main(int argc, char **argv)
{
	static uint8_t data[MOST + 64];
	uint8_t want[64], got[64];
	int fds[8], i, k, nr = argc - 3, size;
	size_t n, at, piece;

	if (argc < 5 || nr > 8)
		return 2;
	srandom(atoi(argv[1]));
	for (k = 0; k < nr; k++)
		fds[k] = open_hash(argv[k + 3]);
	for (i = 0; i < atoi(argv[2]); i++) {
		n = random() % (random() % 2 ? 300 : MOST);
		at = random() % 64;
		piece = 1 + random() % (random() % 2 ? 100 : MOST);
		for (size_t b = 0; b < n; b++)
			data[at + b] = random();
		size = hash(fds[0], data + at, n, MOST, want);
		for (k = 1; k < nr; k++) {
			if (hash(fds[k], data + at, n, piece, got) != size ||
			    size <= 0 || memcmp(want, got, size)) {
				printf("%s differs from %s: %zu bytes, by %zu\n",
				       argv[k + 3], argv[3], n, piece);
				return 1;
			}
		}
	}
	return 0;
}
