// SPDX-License-Identifier: GPL-2.0
/*
 * Walking scatterlists.
 */
#include "unit.h"

enum { MAX_SG = 12, ROOM = 6 * 4096 };

static u64 seed;

struct side {
	u8 *mem;
	struct scatterlist sg[MAX_SG];
	unsigned int nr;
	u8 used[ROOM];		/* bytes that belong to the list */
};

/* @len bytes in pieces of random sizes, some of them empty, with gaps */
static void lay(struct side *s, unsigned int len, unsigned int max_piece)
{
	unsigned int at = shim_random(&seed) % 100, n;

	s->mem = aligned_alloc(4096, ROOM);
	memset(s->mem, 0xc3, ROOM);
	memset(s->used, 0, ROOM);
	memset(s->sg, 0, sizeof(s->sg));
	for (s->nr = 0; len; s->nr++) {
		n = shim_random(&seed) % (max_piece + 1);
		if (s->nr == MAX_SG - 1 || n > len)
			n = len;
		assert_true(at + n <= ROOM);
		/* an entry may be longer than a page, and start anywhere */
		s->sg[s->nr].page = virt_to_page(s->mem + at);
		s->sg[s->nr].offset = offset_in_page(s->mem + at);
		if (at >= 4096 && shim_random(&seed) & 1) {
			/* also with an offset beyond the page */
			s->sg[s->nr].page--;
			s->sg[s->nr].offset += 4096;
		}
		s->sg[s->nr].length = n;
		memset(s->used + at, 1, n);
		len -= n;
		at += n + shim_random(&seed) % 50;
	}
}

static void copy(struct side *s, u8 *buf, unsigned int len, int in)
{
	unsigned int i;

	for (i = 0; i < s->nr && len; i++) {
		u8 *p = s->sg[i].page->bytes + s->sg[i].offset;
		unsigned int n = min(s->sg[i].length, len);

		if (in)
			memcpy(p, buf, n);
		else
			memcpy(buf, p, n);
		buf += n;
		len -= n;
	}
	assert_int_equal(len, 0);
}

static void untouched_outside(struct side *s)
{
	unsigned int i;

	for (i = 0; i < ROOM; i++)
		if (!s->used[i])
			assert_int_equal(s->mem[i], 0xc3);
}

/* chunks of whole blocks; each block once, in order */
static int run(struct acrypto_data *d, unsigned int what, unsigned int block,
	       u8 *seen)
{
	struct acrypto_walk walk;
	unsigned int total = 0, i;
	int n;

	acrypto_walk_start(&walk, d, what, block);
	while ((n = acrypto_walk_next(&walk)) > 0) {
		assert_true(n % block == 0 || !(what & ACRYPTO_WALK_SRC));
		assert_true(total + n <= d->length);
		/* nothing crosses the border of a page */
		if (walk.src != walk.bounce) {
			assert_true(!(what & ACRYPTO_WALK_SRC) ||
				    offset_in_page(walk.src) + n <= 4096);
			assert_true(!(what & ACRYPTO_WALK_DST) ||
				    offset_in_page(walk.dst) + n <= 4096);
		}
		/* mapped: who sleeps now is caught */
		if (what & ACRYPTO_WALK_SRC) {
			assert_non_null(walk.src);
			memcpy(seen + total, walk.src, n);
		}
		if (what & ACRYPTO_WALK_DST) {
			assert_non_null(walk.dst);
			for (i = 0; i < n; i++)
				walk.dst[i] = what & ACRYPTO_WALK_SRC ?
					seen[total + i] ^ 0x5a : (u8)(total + i);
		}
		total += n;
	}
	assert_true(shim_may_sleep());		/* all is unmapped */
	if (!n)
		assert_int_equal(total, d->length);
	return n;
}

static void random_lists(void **state)
{
	static const unsigned int blocks[] = { 1, 8, 16 };
	struct side *in = malloc(sizeof(*in)), *out = malloc(sizeof(*out));
	u8 *plain = malloc(ROOM), *seen = malloc(ROOM), *got = malloc(ROOM);
	unsigned int len, i, round;

	seed = unit_seed;
	for (round = 0; round < 3000; round++) {
		unsigned int block = blocks[shim_random(&seed) % 3];
		unsigned int what = 1 + shim_random(&seed) % 3;
		int in_place = what == 3 && shim_random(&seed) & 1;
		struct acrypto_data d = { 0 };

		if (what == ACRYPTO_WALK_DST)
			block = 1;
		len = shim_random(&seed) % (4 * 4096 / block) * block;
		for (i = 0; i < len; i++)
			plain[i] = shim_random(&seed);
		lay(in, len, 1 + shim_random(&seed) % 3000);
		lay(out, len, 1 + shim_random(&seed) % 3000);
		copy(in, plain, len, 1);
		d.length = len;
		if (what & ACRYPTO_WALK_SRC) {
			d.src = in->sg;
			d.nsrc = in->nr;
		}
		if (what & ACRYPTO_WALK_DST) {
			d.dst = in_place ? in->sg : out->sg;
			d.ndst = in_place ? in->nr : out->nr;
		}
		assert_int_equal(run(&d, what, block, seen), 0);
		if (what & ACRYPTO_WALK_SRC)
			assert_memory_equal(seen, plain, len);
		if (what & ACRYPTO_WALK_DST) {
			copy(in_place ? in : out, got, len, 0);
			for (i = 0; i < len; i++)
				assert_int_equal(got[i], what & 1 ?
					plain[i] ^ 0x5a : (u8)i);
		}
		if (!in_place) {
			copy(in, got, len, 0);
			assert_memory_equal(got, plain, len);
		}
		untouched_outside(in);
		untouched_outside(out);
		free(in->mem);
		free(out->mem);
	}
	free(plain);
	free(seen);
	free(got);
	free(in);
	free(out);
}

/* lists that end too early, lengths that don't fit: an error, no overrun */
static void short_lists(void **state)
{
	struct side *in = malloc(sizeof(*in)), *out = malloc(sizeof(*out));
	u8 *seen = malloc(ROOM);
	int round;

	seed = unit_seed;
	for (round = 0; round < 500; round++) {
		struct acrypto_data d = { 0 };
		unsigned int len = 16 + shim_random(&seed) % 500 * 16;

		lay(in, len, 1 + shim_random(&seed) % 3000);
		lay(out, len, 1 + shim_random(&seed) % 3000);
		d.src = in->sg;
		d.nsrc = in->nr;
		d.dst = out->sg;
		d.ndst = out->nr;
		d.length = len;
		switch (round % 6) {
		case 0:
			in->sg[in->nr - 1].length = 0;
			while (in->nr > 1 && !in->sg[in->nr - 2].length)
				in->nr--;
			d.length = len + 16;
			break;
		case 1:
			d.length = len + 16;
			d.dst = d.src;
			d.ndst = d.nsrc;
			break;
		case 2:
			d.length = len - 8;	/* no multiple of the block */
			break;
		case 3:
			d.nsrc = 0;
			break;
		case 4:
			d.ndst = 0;
			break;
		case 5:
			d.src = NULL;
			break;
		}
		assert_int_equal(run(&d, 3, 16, seen), -EINVAL);
		untouched_outside(in);
		untouched_outside(out);
		free(in->mem);
		free(out->mem);
	}
	free(seen);
	free(in);
	free(out);
}

/* what was gathered from several entries does not stay on the stack */
static void bounce_is_wiped(void **state)
{
	struct side *in = malloc(sizeof(*in)), *out = malloc(sizeof(*out));
	static const u8 none[ACRYPTO_MAX_BLOCK];
	struct acrypto_walk walk;
	int round, n, bounced = 0;

	seed = unit_seed;
	for (round = 0; round < 200; round++) {
		struct acrypto_data d = { 0 };
		int stop = round % 3 ? -1 : shim_random(&seed) % 8;

		lay(in, 512, 40);
		lay(out, 512, 40);
		memset(in->mem, 0x77, ROOM);
		d.src = in->sg;
		d.nsrc = in->nr;
		d.dst = out->sg;
		d.ndst = out->nr;
		d.length = round & 1 ? 512 : 512 + 16;	/* an error at last */
		acrypto_walk_start(&walk, &d, 3, 16);
		while ((n = acrypto_walk_next(&walk)) > 0) {
			memset(walk.dst, 0x66, n);
			bounced += walk.src == walk.bounce;
			if (!stop--) {
				acrypto_walk_abort(&walk);
				break;
			}
		}
		assert_memory_equal(walk.bounce, none, sizeof(none));
		free(in->mem);
		free(out->mem);
	}
	assert_true(bounced > 1600);
	free(in);
	free(out);
}

/* left in the middle, nothing stays mapped */
static void aborted(void **state)
{
	struct side *in = malloc(sizeof(*in));
	struct acrypto_data d = { 0 };
	struct acrypto_walk walk;
	int i, n;

	seed = unit_seed;
	for (i = 0; i < 20; i++) {
		lay(in, 4096, 700);
		d.src = d.dst = in->sg;
		d.nsrc = d.ndst = in->nr;
		d.length = 4096;
		acrypto_walk_start(&walk, &d, 3, 16);
		for (n = 0; n <= i % 5; n++)
			assert_true(acrypto_walk_next(&walk) > 0);
		acrypto_walk_abort(&walk);
		assert_true(shim_may_sleep());
		assert_int_equal(acrypto_walk_next(&walk), 0);
		free(in->mem);
	}
	free(in);
}

const struct unit_test unit_tests[] = {
	TEST(random_lists),
	TEST(short_lists),
	TEST(bounce_is_wiped),
	TEST(aborted),
	{ NULL, NULL },
};
