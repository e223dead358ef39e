// SPDX-License-Identifier: GPL-2.0
/*
 * streams: direct I/O in several threads, between two marks
 *
 *	streams {read|write|randread|randwrite} DEVICE BLOCK STREAMS BYTES [BELOW]
 *
 * Each stream goes through a part of its own of the DEVICE's first BYTES, in
 * blocks of BLOCK bytes, one at a time; the random ones do as many as the
 * others.  The first mark is set when all are ready, the second when the last
 * one has done; with BELOW, when what was written has left that device's page cache.
 *
 * fio does the same and more, but takes as many instructions as a megabyte of
 * encryption for its start, and naps for tenths of seconds.  Between marks that
 * are set where the work begins and ends, a few megabytes are enough for an
 * exact figure by the instruction clock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_STREAMS	64

static const char *device;
static const char *below;
static int writes, random_order;
static size_t block;
static unsigned long blocks;	/* of each stream */
static unsigned int streams;
static unsigned int waiting, working;
static pthread_barrier_t start;

static void fail(const char *what)
{
	fprintf(stderr, "streams: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* see tests/qemu/insn.c */
static void mark(void)
{
	if (sethostname("streams", 7))
		fail("sethostname");
}

static unsigned long next(unsigned int *seed, unsigned long i)
{
	return random_order ? rand_r(seed) % blocks : i;
}

/* The last one has done. */
static void end(void)
{
	int fd;

	if (writes && below) {
		fd = open(below, O_RDWR);
		if (fd < 0 || fsync(fd) || close(fd))
			fail(below);
	}
	mark();
}

static void *stream(void *data)
{
	unsigned long part = (unsigned long)data, i;
	unsigned int seed = part + 1;
	int fd = open(device, O_RDWR | O_DIRECT);
	void *buffer;

	if (fd < 0 || posix_memalign(&buffer, 4096, block))
		fail(device);
	memset(buffer, part, block);
	if (__atomic_sub_fetch(&waiting, 1, __ATOMIC_SEQ_CST) == 0)
		mark();
	pthread_barrier_wait(&start);
	for (i = 0; i < blocks; i++) {
		off_t at = (part * blocks + next(&seed, i)) * block;
		ssize_t done = writes ? pwrite(fd, buffer, block, at) :
					pread(fd, buffer, block, at);

		if (done != (ssize_t)block)
			fail(device);
	}
	if (__atomic_sub_fetch(&working, 1, __ATOMIC_SEQ_CST) == 0)
		end();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_STREAMS];
	unsigned long i;

	if (argc != 6 && argc != 7)
		goto usage;
	random_order = !strncmp(argv[1], "rand", 4);
	writes = !strcmp(argv[1] + 4 * random_order, "write");
	if (!writes && strcmp(argv[1] + 4 * random_order, "read"))
		goto usage;
	device = argv[2];
	below = argv[6];
	block = strtoul(argv[3], NULL, 0);
	streams = strtoul(argv[4], NULL, 0);
	if (!block || block % 512 || !streams || streams > MAX_STREAMS)
		goto usage;
	blocks = strtoul(argv[5], NULL, 0) / block / streams;
	if (!blocks)
		goto usage;

	waiting = streams;
	working = streams;
	pthread_barrier_init(&start, NULL, streams);
	for (i = 0; i < streams; i++)
		if (pthread_create(&threads[i], NULL, stream, (void *)i))
			fail("pthread_create");
	for (i = 0; i < streams; i++)
		pthread_join(threads[i], NULL);
	return 0;

usage:
	fprintf(stderr, "usage: streams {read|write|randread|randwrite} DEVICE "
		"BLOCK STREAMS BYTES [BELOW]\n");
	return 2;
}
