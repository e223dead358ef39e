// SPDX-License-Identifier: GPL-2.0
/*
 * cryptoloop: set up an encrypted loop device, as losetup of 2007 did
 *
 *	cryptoloop LOOP DEVICE CIPHER KEY
 *
 * CIPHER is one of dm-crypt's names with the plain IV, which is the only one that
 * cryptoloop has: aes-cbc-plain is "aes-cbc" to it.  KEY is in hexadecimal digits.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "cryptoloop: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct loop_info64 info = { .lo_encrypt_type = LO_CRYPT_CRYPTOAPI };
	int loop, device;
	size_t length;
	char *key;

	if (argc != 5)
		goto usage;
	length = strlen(argv[3]);
	if (length < 7 || strcmp(argv[3] + length - 6, "-plain") ||
	    length - 6 >= LO_NAME_SIZE)
		goto usage;
	memcpy(info.lo_crypt_name, argv[3], length - 6);
	for (key = argv[4]; *key; key += 2) {
		if (info.lo_encrypt_key_size == LO_KEY_SIZE ||
		    sscanf(key, "%2hhx", &info.lo_encrypt_key[info.lo_encrypt_key_size]) != 1 ||
		    !key[1])
			goto usage;
		info.lo_encrypt_key_size++;
	}

	loop = open(argv[1], O_RDWR);
	if (loop < 0)
		return fail(argv[1]);
	device = open(argv[2], O_RDWR);
	if (device < 0)
		return fail(argv[2]);
	if (ioctl(loop, LOOP_SET_FD, device))
		return fail("LOOP_SET_FD");
	if (ioctl(loop, LOOP_SET_STATUS64, &info)) {
		fail("LOOP_SET_STATUS64");
		ioctl(loop, LOOP_CLR_FD, 0);
		return 1;
	}
	return 0;

usage:
	fprintf(stderr, "usage: cryptoloop LOOP DEVICE CIPHER-plain KEY\n");
	return 2;
}
