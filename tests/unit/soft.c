// SPDX-License-Identifier: GPL-2.0
/*
 * The software provider and the walk over scatterlists that it rests on: its
 * answers against OpenSSL's, however the data are cut and wherever they lie.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include "unit.h"
#include "internal.h"
#include "soft_host.h"

#define ROUNDS	400
#define MEMORY	65536
#define DATA	16384
#define MAX_SG	48

static u64 seed;
#define pick(n)	(shim_random(&seed) % (n))

static void fill(u8 *p, unsigned int n)
{
	while (n--)
		*p++ = pick(256);
}

static void begin(void)
{
	seed = unit_seed;
	soft_host_align = 0;
	soft_host_bulk = SOFT_HOST_NEVER;
	soft_host_missing = -1;
	assert_int_equal(shim_module_load("acrypto_soft"), 0);
}

static void end(void)
{
	assert_int_equal(shim_module_unload("acrypto_soft"), 0);
}

/*
 * Memory that a scatterlist shows in pieces; the rest must stay as it is.
 */
struct pieces {
	u8 *mem;
	unsigned int nr;
	u8 *at[MAX_SG];
	struct scatterlist sg[MAX_SG];
};

enum { WHOLE, SMALL, LARGE, STYLES };

static void cut(struct pieces *p, unsigned int len, int style)
{
	unsigned int offset = style == WHOLE ? 0 : pick(PAGE_SIZE), n;

	memset(p->mem, 0xa5, MEMORY);
	p->nr = 0;
	while (len) {
		n = len;
		if (style != WHOLE && p->nr < MAX_SG - 2) {
			/* empty ones, too */
			n = pick(8) ? 1 + pick(style == SMALL ? 40 : 3000) : 0;
			n = min(n, len);
		}
		p->at[p->nr] = p->mem + offset;
		sg_set_buf(&p->sg[p->nr], p->mem + offset, n);
		p->nr++;
		offset += n + (style == WHOLE ? 0 : pick(60));
		len -= n;
	}
	assert_true(offset <= MEMORY);
}

static void put(struct pieces *p, const u8 *data)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		memcpy(p->at[i], data, p->sg[i].length);
		data += p->sg[i].length;
	}
}

static void check(struct pieces *p, const u8 *want)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		assert_memory_equal(p->at[i], want, p->sg[i].length);
		want += p->sg[i].length;
		memset(p->at[i], 0xa5, p->sg[i].length);
	}
	for (i = 0; i < MEMORY; i++)
		assert_int_equal(p->mem[i], 0xa5);
}

static struct pieces src, dst;
static u8 in[DATA], want[DATA], iv[DATA], key[ACRYPTO_MAX_KEY];

static void pieces_new(void)
{
	src.mem = aligned_alloc(PAGE_SIZE, MEMORY);
	dst.mem = aligned_alloc(PAGE_SIZE, MEMORY);
}

static void pieces_free(void)
{
	free(src.mem);
	free(dst.mem);
}

/* a session on the pieces, here or through the worker */
static int run(struct acrypto_context *ctx, const struct acrypto_data *d)
{
	struct work *w = work_new(ctx, 16);
	int err;

	w->s.flags = ACRYPTO_SESSION_DIRECT |
		     (pick(3) ? 0 : ACRYPTO_SESSION_ASYNC);
	w->data[0] = *d;
	err = work_do(w);
	work_free(w);
	return err;
}

/*
 * The walk alone: chunks are whole blocks, stay within a page and an entry
 * or are gathered, and are equal for work in place.
 */
static void walk_chunks(void **state)
{
	static const unsigned int blocks[] = { 1, 8, 16 };
	struct acrypto_walk walk;
	unsigned int done, round, block, i;
	int n;

	seed = unit_seed;
	pieces_new();
	for (round = 0; round < ROUNDS; round++) {
		struct acrypto_data d = { .src = src.sg, .dst = dst.sg };

		block = blocks[round % 3];
		d.length = block * (1 + pick(600));
		cut(&src, d.length, pick(STYLES));
		cut(&dst, d.length, pick(STYLES));
		if (round & 1)
			d.dst = src.sg;
		d.nsrc = src.nr;
		d.ndst = round & 1 ? src.nr : dst.nr;
		acrypto_walk_start(&walk, &d,
				   ACRYPTO_WALK_SRC | ACRYPTO_WALK_DST, block);
		for (done = 0; (n = acrypto_walk_next(&walk)) > 0; done += n) {
			assert_int_equal(n % block, 0);
			assert_true(offset_in_page(walk.src) + n <= PAGE_SIZE);
			assert_true(offset_in_page(walk.dst) + n <= PAGE_SIZE);
			if (round & 1)
				assert_ptr_equal(walk.src, walk.dst);
			if (walk.src != walk.bounce)
				assert_false(shim_may_sleep());
			memset(walk.dst, 0x3c, n);
		}
		assert_int_equal(n, 0);
		assert_int_equal(done, d.length);
		assert_int_equal(acrypto_walk_next(&walk), 0);
		assert_true(shim_may_sleep());
		memset(want, 0x3c, d.length);
		check(round & 1 ? &src : &dst, want);

		/* left early, it leaves nothing mapped */
		acrypto_walk_start(&walk, &d, ACRYPTO_WALK_SRC, 1);
		assert_true(acrypto_walk_next(&walk) > 0);
		acrypto_walk_abort(&walk);
		assert_true(shim_may_sleep());
		assert_int_equal(acrypto_walk_next(&walk), 0);
	}

	/* no list; no whole block at the end */
	for (i = 0; i < 2; i++) {
		struct acrypto_data d = {
			.src = i ? src.sg : NULL,
			.dst = dst.sg,
			.nsrc = 1,
			.ndst = 1,
			.length = i ? 24 : 16,
		};

		sg_set_buf(&src.sg[0], src.mem, 64);
		sg_set_buf(&dst.sg[0], dst.mem, 64);
		acrypto_walk_start(&walk, &d,
				   ACRYPTO_WALK_SRC | ACRYPTO_WALK_DST, 16);
		if (i)
			assert_int_equal(acrypto_walk_next(&walk), 16);
		assert_int_equal(acrypto_walk_next(&walk), -EINVAL);
		assert_int_equal(acrypto_walk_next(&walk), 0);
		assert_true(shim_may_sleep());
	}
	pieces_free();
}

static const struct {
	int type, mode, key;
	const char *name;
} ciphers[] = {
	{ ACRYPTO_TYPE_AES_128, ACRYPTO_MODE_ECB, 16, "AES-128-ECB" },
	{ ACRYPTO_TYPE_AES_192, ACRYPTO_MODE_ECB, 24, "AES-192-ECB" },
	{ ACRYPTO_TYPE_AES_256, ACRYPTO_MODE_ECB, 32, "AES-256-ECB" },
	{ ACRYPTO_TYPE_3DES, ACRYPTO_MODE_ECB, 24, "DES-EDE3-ECB" },
	{ ACRYPTO_TYPE_AES_128, ACRYPTO_MODE_CBC, 16, "AES-128-CBC" },
	{ ACRYPTO_TYPE_AES_192, ACRYPTO_MODE_CBC, 24, "AES-192-CBC" },
	{ ACRYPTO_TYPE_AES_256, ACRYPTO_MODE_CBC, 32, "AES-256-CBC" },
	{ ACRYPTO_TYPE_3DES, ACRYPTO_MODE_CBC, 24, "DES-EDE3-CBC" },
};

static void cipher_want(int c, int encrypt, unsigned int units,
			unsigned int unit)
{
	unsigned int ivsize = acrypto_ivsize(ciphers[c].type, ciphers[c].mode);
	const EVP_CIPHER *cipher = EVP_get_cipherbyname(ciphers[c].name);
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
	unsigned int u;
	int n;

	for (u = 0; u < units; u++) {
		assert_true(EVP_CipherInit(evp, cipher, key, iv + u * ivsize,
					   encrypt));
		EVP_CIPHER_CTX_set_padding(evp, 0);
		assert_true(EVP_CipherUpdate(evp, want + u * unit, &n,
					     in + u * unit, unit));
		assert_int_equal(n, unit);
	}
	EVP_CIPHER_CTX_free(evp);
}

/* every cipher, of many units, in place or not, in pieces, aligned or not */
static void cipher_answers(void **state)
{
	static const unsigned int align[] = { 0, 0, 3, 15 };
	int round;

	begin();
	pieces_new();
	for (round = 0; round < ROUNDS; round++) {
		int c = pick(ARRAY_SIZE(ciphers)), encrypt = pick(2);
		unsigned int block = acrypto_blocksize(ciphers[c].type);
		unsigned int units = 1 + pick(pick(4) ? 9 : 100);
		unsigned int unit = block * (1 + pick(units < 10 ? 64 : 9));
		struct acrypto_context *ctx;
		struct acrypto_data d = {
			.length = units * unit,
			.unit = units == 1 && pick(2) ? 0 : unit,
			.iv = iv,
			.src = src.sg,
		};

		fill(key, ciphers[c].key);
		fill(in, d.length);
		fill(iv, units * block);
		cipher_want(c, encrypt, units, unit);
		soft_host_align = align[pick(4)];
		soft_host_bulk = pick(SOFT_HOST_BROKEN);
		ctx = cipher_context(encrypt ? ACRYPTO_OP_ENCRYPT :
				     ACRYPTO_OP_DECRYPT, ciphers[c].type,
				     ciphers[c].mode, key, ciphers[c].key);
		cut(&src, d.length, pick(STYLES));
		put(&src, in);
		d.nsrc = src.nr;
		d.dst = src.sg;
		d.ndst = src.nr;
		if (pick(2)) {
			cut(&dst, d.length, pick(STYLES));
			d.dst = dst.sg;
			d.ndst = dst.nr;
		}
		assert_int_equal(run(ctx, &d), 0);
		if (d.dst == dst.sg) {
			check(&dst, want);
			check(&src, in);
		} else {
			check(&src, want);
		}
		acrypto_context_destroy(ctx);
	}
	pieces_free();
	end();
}

/* an error of the back end is the session's, and nothing stays mapped */
static void broken_back_end(void **state)
{
	struct acrypto_context *ctx;
	struct work *w;

	begin();
	soft_host_bulk = SOFT_HOST_BROKEN;
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_CBC, key, 16);
	w = work_new(ctx, 64);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(work_do(w), -EIO);
	assert_true(shim_may_sleep());
	work_free(w);
	acrypto_context_destroy(ctx);
	end();
}

/* a list that ends before the data do is an error and nothing else */
static void short_lists(void **state)
{
	struct acrypto_context *ctx;
	unsigned int have, i, cut_src;
	int round;

	begin();
	pieces_new();
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_CBC, key, 16);
	for (round = 0; round < ROUNDS; round++) {
		struct acrypto_data d = {
			.length = 16 * (1 + pick(60)),
			.iv = iv,
			.src = src.sg,
			.dst = dst.sg,
		};

		cut(&src, d.length, 1 + pick(STYLES - 1));
		cut(&dst, d.length, 1 + pick(STYLES - 1));
		put(&src, in);
		cut_src = pick(2);
		d.nsrc = cut_src ? pick(src.nr) : src.nr;
		d.ndst = cut_src ? dst.nr : pick(dst.nr);
		for (have = i = 0; i < (cut_src ? d.nsrc : d.ndst); i++)
			have += (cut_src ? src.sg : dst.sg)[i].length;
		assert_int_equal(run(ctx, &d), have < d.length ? -EINVAL : 0);
		for (; i < dst.nr && !cut_src; i++)
			memset(dst.at[i], 0xa5, dst.sg[i].length);
		/* what is left of the list was not written to */
		for (i = 0; !cut_src && i < d.ndst; i++)
			memset(dst.at[i], 0xa5, dst.sg[i].length);
		for (i = 0; !cut_src && i < MEMORY; i++)
			assert_int_equal(dst.mem[i], 0xa5);
	}
	acrypto_context_destroy(ctx);
	pieces_free();
	end();
}

static const struct {
	int type;
	const char *name;
} hashes[] = {
	{ ACRYPTO_TYPE_MD5, "MD5" },
	{ ACRYPTO_TYPE_SHA1, "SHA1" },
	{ ACRYPTO_TYPE_SHA256, "SHA256" },
};

static struct acrypto_context *hash_context(int h, unsigned int key_len)
{
	struct acrypto_transform t = {
		.operation = key_len ? ACRYPTO_OP_HMAC : ACRYPTO_OP_HASH,
		.type = hashes[h].type,
		.mode = ACRYPTO_MODE_NONE,
		.key_len = key_len,
		.key = key,
	};
	struct acrypto_context *ctx = acrypto_context_create(&t, 1);

	assert_false(IS_ERR(ctx));
	return ctx;
}

static void hash_want(int h, const u8 *data, unsigned int len,
		      unsigned int key_len, u8 *result, unsigned int bytes)
{
	const EVP_MD *md = EVP_get_digestbyname(hashes[h].name);
	u8 digest[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (key_len)
		HMAC(md, key, key_len, data, len, digest, &n);
	else
		EVP_Digest(data, len, digest, &n, md, NULL);
	memcpy(result, digest, bytes);
}

/* every hash, with and without a key, whole or cut short, also of nothing */
static void hash_answers(void **state)
{
	/* none, and around the block, beyond which a key is hashed itself */
	static const u8 key_lens[] = {
		0, 0, 0, 1, 7, 20, 32, 63, 64, 65, 127, 128, 129, 200, 255,
	};
	int round;

	begin();
	pieces_new();
	for (round = 0; round < ROUNDS; round++) {
		int h = pick(ARRAY_SIZE(hashes));
		unsigned int units = 1 + pick(5), u;
		unsigned int unit = pick(4) ? pick(200) : pick(3000);
		unsigned int full = acrypto_digestsize(hashes[h].type);
		unsigned int key_len = key_lens[round % ARRAY_SIZE(key_lens)];
		struct acrypto_context *ctx;
		struct acrypto_data d = {
			.src = src.sg,
			.result_len = pick(2) ? full : 1 + pick(full),
		};
		u8 result[5 * ACRYPTO_MAX_DIGEST + 1];

		if (!unit)
			units = 1;
		d.length = units * unit;
		d.unit = units == 1 ? 0 : unit;
		d.result = result;
		memset(result, 0xee, sizeof(result));
		fill(key, key_len);
		fill(in, d.length);
		cut(&src, d.length, pick(STYLES));
		put(&src, in);
		d.nsrc = src.nr;
		ctx = hash_context(h, key_len);
		assert_int_equal(run(ctx, &d), 0);
		acrypto_context_destroy(ctx);

		check(&src, in);
		for (u = 0; u < units; u++)
			hash_want(h, in + u * unit, unit, key_len,
				  want + u * d.result_len, d.result_len);
		assert_memory_equal(result, want, units * d.result_len);
		assert_int_equal(result[units * d.result_len], 0xee);
	}
	pieces_free();
	end();
}

/* one key for a packet's cipher and HMAC, in one pass and in two */
static void packet_answers(void **state)
{
	const struct acrypto_transform t[] = {
		{ ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128, ACRYPTO_MODE_CBC,
		  16, key },
		{ ACRYPTO_OP_HMAC, ACRYPTO_TYPE_SHA1, ACRYPTO_MODE_NONE, 20,
		  key },
		{ ACRYPTO_OP_DECRYPT, ACRYPTO_TYPE_AES_128, ACRYPTO_MODE_CBC,
		  16, key },
	};
	struct acrypto_context *out, *back;
	u8 digest[ACRYPTO_MAX_DIGEST];
	struct acrypto_device *dev;
	int covers, i, c = 0;
	struct work *w, *v;

	while (strcmp(ciphers[c].name, "AES-128-CBC"))
		c++;
	begin();
	dev = acrypto_device_get("soft0");
	assert_non_null(dev);
	fill(key, 20);
	fill(in, 160);
	fill(iv, 16);
	cipher_want(c, 1, 1, 160);
	hash_want(1, want, 160, 20, digest, 20);
	/* each passed its self-test, in one pass, too */
	for (i = 0; i < dev->nr_caps; i++)
		assert_false(dev->caps[i].broken);
	acrypto_device_put(dev);
	out = acrypto_context_create(&t[0], 2);
	back = acrypto_context_create(&t[1], 2);
	assert_false(IS_ERR(out) || IS_ERR(back));
	for (covers = 0; covers < 2; covers++) {
		w = work_new(out, 160);
		memcpy(w->in, in, 160);
		memcpy(w->iv, iv, 16);
		w->data[1].result_len = 20;
		w->data[1].covers = covers;
		assert_int_equal(work_do(w), 0);
		assert_memory_equal(w->out, want, 160);
		assert_memory_equal(w->digest[1], digest, 20);
		work_free(w);

		v = work_in_place(back, 160);
		memcpy(v->in, want, 160);
		memcpy(v->iv, iv, 16);
		v->data[0].result_len = 20;
		v->data[0].covers = covers;
		assert_int_equal(work_do(v), 0);
		assert_memory_equal(v->out, in, 160);
		assert_memory_equal(v->digest[0], digest, 20);
		work_free(v);
	}
	acrypto_context_destroy(out);
	acrypto_context_destroy(back);
	end();
}

static struct acrypto_context *modexp_context(unsigned int bytes)
{
	struct acrypto_transform t = {
		.operation = ACRYPTO_OP_PUBKEY,
		.type = ACRYPTO_TYPE_MODEXP,
		.mode = ACRYPTO_MODE_NONE,
		.key_len = 2 * bytes,
		.key = key,
	};
	struct acrypto_context *ctx = acrypto_context_create(&t, 1);

	assert_false(IS_ERR(ctx));
	return ctx;
}

static void modexp_round(unsigned int bytes, int how)
{
	BIGNUM *mod, *exp, *base, *res;
	struct acrypto_context *ctx;
	struct acrypto_data d = {
		.length = bytes,
		.src = src.sg,
	};
	BN_CTX *bn;

	fill(key, 2 * bytes);
	fill(in, bytes);
	switch (how) {
	case 0:		/* a small modulus */
		memset(key, 0, pick(bytes));
		break;
	case 1:		/* the largest one */
		memset(key, 0xff, bytes);
		break;
	case 2:		/* a base beyond the modulus */
		memset(in, 0xff, bytes);
		break;
	case 3:
		memset(in, 0, bytes);
		break;
	case 4:		/* exponent 0 */
		memset(key + bytes, 0, bytes);
		break;
	case 5:		/* a short exponent */
		memset(key + bytes, 0, bytes - 1);
		break;
	case 6:		/* as many carries as there can be */
		memset(key, 0xff, bytes);
		memset(in, 0xff, bytes);
		in[bytes - 1] -= 1 + pick(3);
		break;
	}
	key[bytes - 1] |= 3;

	bn = BN_CTX_new();
	mod = BN_bin2bn(key, bytes, NULL);
	exp = BN_bin2bn(key + bytes, bytes, NULL);
	base = BN_bin2bn(in, bytes, NULL);
	res = BN_new();
	assert_true(BN_mod_exp(res, base, exp, mod, bn));
	BN_bn2binpad(res, want, bytes);
	BN_free(mod);
	BN_free(exp);
	BN_free(base);
	BN_free(res);
	BN_CTX_free(bn);

	cut(&src, bytes, pick(STYLES));
	put(&src, in);
	d.nsrc = src.nr;
	d.dst = src.sg;
	d.ndst = src.nr;
	if (pick(2)) {
		cut(&dst, bytes, pick(STYLES));
		d.dst = dst.sg;
		d.ndst = dst.nr;
	}
	ctx = modexp_context(bytes);
	assert_int_equal(run(ctx, &d), 0);
	acrypto_context_destroy(ctx);
	check(d.dst == dst.sg ? &dst : &src, want);
}

static void modexp_answers(void **state)
{
	int round;

	begin();
	pieces_new();
	for (round = 0; round < ROUNDS; round++)
		modexp_round(1 + pick(round % 8 ? 24 : 130), round % 16);
	for (round = 8; round <= 64; round += 8)
		modexp_round(round, 6);
	modexp_round(256, 1);
	modexp_round(512, 7);
	pieces_free();
	end();
}

/* Montgomery's way needs an odd modulus above 1 */
static void modexp_keys_refused(void **state)
{
	static const u8 bad[][4] = {
		{ 0, 0, 0, 3 }, { 0, 1, 0, 3 }, { 1, 0, 0, 3 }, { 0, 2, 0, 3 },
	};
	struct acrypto_context *ctx;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memcpy(key, bad[i], 4);
		ctx = modexp_context(2);
		assert_false(acrypto_context_ready(ctx));
		acrypto_context_destroy(ctx);
	}
	key[0] = 0;
	key[1] = 3;
	ctx = modexp_context(2);
	assert_true(acrypto_context_ready(ctx));
	acrypto_context_destroy(ctx);
	end();
}

static void null_and_random(void **state)
{
	struct acrypto_transform t = {
		.operation = ACRYPTO_OP_RNG,
		.type = ACRYPTO_TYPE_RANDOM,
		.mode = ACRYPTO_MODE_NONE,
	};
	struct acrypto_data d = { .length = 4000 };
	struct acrypto_context *ctx;
	unsigned int i, j;

	begin();
	pieces_new();
	fill(in, d.length);
	cut(&src, d.length, SMALL);
	put(&src, in);
	cut(&dst, d.length, LARGE);
	d.src = src.sg;
	d.nsrc = src.nr;
	d.dst = dst.sg;
	d.ndst = dst.nr;
	ctx = null_context();
	assert_int_equal(run(ctx, &d), 0);
	acrypto_context_destroy(ctx);
	check(&dst, in);
	check(&src, in);

	/* into a list, and nowhere else; each byte is set one time or another */
	ctx = acrypto_context_create(&t, 1);
	assert_false(IS_ERR(ctx));
	memset(want, 0, d.length);
	for (i = 0; i < 16; i++) {
		u8 *p = in;

		cut(&dst, d.length, SMALL);
		d.ndst = dst.nr;
		assert_int_equal(run(ctx, &d), 0);
		for (j = 0; j < dst.nr; p += dst.sg[j++].length)
			memcpy(p, dst.at[j], dst.sg[j].length);
		check(&dst, in);
		for (j = 0; j < d.length; j++)
			want[j] |= in[j] ^ 0xa5;
	}
	for (j = 0; j < d.length; j++)
		assert_int_not_equal(want[j], 0);
	acrypto_context_destroy(ctx);
	pieces_free();
	end();
}

/* an algorithm that the kernel does not have: no fault, and no work for it */
static void missing_algorithm(void **state)
{
	struct acrypto_context *ctx;

	seed = unit_seed;
	soft_host_align = 0;
	soft_host_missing = ACRYPTO_TYPE_3DES;
	shim_log_clear();
	assert_int_equal(shim_module_load("acrypto_soft"), 0);
	assert_true(shim_log_has("3des cbc: not there"));
	assert_false(shim_log_has("failed"));

	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_3DES,
			     ACRYPTO_MODE_CBC, key, 24);
	assert_false(acrypto_context_ready(ctx));
	acrypto_context_destroy(ctx);
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_DES,
			     ACRYPTO_MODE_CBC, key, 8);
	assert_true(acrypto_context_ready(ctx));
	acrypto_context_destroy(ctx);
	end();
}

/* keys do not stay in memory that is free again */
static void keys_wiped(void **state)
{
	struct acrypto_context *ctx;
	unsigned int i;
	SHA256_CTX sha;
	u8 block[64];

	begin();
	for (i = 0; i < 64; i++)
		key[i] = i * 37 + 11;
	shim_watch_free(key, 24);
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_3DES,
			     ACRYPTO_MODE_CBC, key, 24);
	acrypto_context_destroy(ctx);
	assert_false(shim_watch_found());
	/* and when it is refused, as that of another cipher may be */
	soft_host_refuses = 1;
	ctx = cipher_context(ACRYPTO_OP_DECRYPT, ACRYPTO_TYPE_AES_192,
			     ACRYPTO_MODE_CBC, key, 24);
	assert_false(acrypto_context_ready(ctx));
	acrypto_context_destroy(ctx);
	soft_host_refuses = 0;
	assert_false(shim_watch_found());
	/* both hashes as they stand after the key */
	for (i = 0; i < 2; i++) {
		unsigned int j;

		for (j = 0; j < 64; j++)
			block[j] = key[j] ^ (i ? 0x5c : 0x36);
		SHA256_Init(&sha);
		SHA256_Update(&sha, block, 64);
		shim_watch_free(sha.h, 24);
		ctx = hash_context(2, 64);
		acrypto_context_destroy(ctx);
		assert_false(shim_watch_found());
	}
	/* the exponent */
	memmove(key + 32, key, 32);
	memset(key, 0x77, 32);
	shim_watch_free(key + 32, 24);
	ctx = modexp_context(32);
	acrypto_context_destroy(ctx);
	assert_false(shim_watch_found());
	end();
}

/* nor on the stack: what a function that has returned left there */
static __attribute__((no_sanitize("address", "thread")))
int left_behind(const u8 *p, const u8 *bytes, unsigned int len)
{
	unsigned int i, same = 0;

	for (i = 0; i < len; i++)
		same += ((const volatile u8 *)p)[i] == bytes[i];
	return same == len;
}

static void stack_wiped(void **state)
{
	struct acrypto_context *ctx;
	unsigned int i;

	begin();
	for (i = 0; i < 64; i++)
		key[i] = i * 37 + 11;
	ctx = hash_context(2, 64);
	assert_false(left_behind(soft_host_hashed, key, 64));
	acrypto_context_destroy(ctx);
	end();
}

/* all CPUs at once with one key */
static int crowd(void *data)
{
	struct acrypto_context **ctx = data;
	u8 bytes[16 + 512 + 16];
	int i, k;

	for (i = 0; i < 300; i++) {
		for (k = 0; k < 3; k++) {
			struct work *w = work_new(ctx[k], 512);

			w->s.flags = ACRYPTO_SESSION_DIRECT |
				     (i % 5 ? 0 : ACRYPTO_SESSION_ASYNC) |
				     ACRYPTO_SESSION_MAY_SLEEP;
			if (k == 2)
				w->data[0].length = 64;
			w->data[0].result_len = 32;
			CHECK_EQ(work_do(w), 0);
			memcpy(bytes, k == 1 ? w->digest[0] : w->out, 32);
			CHECK(!memcmp(bytes, want + 32 * k, 32));
			work_free(w);
		}
	}
	return 0;
}

static void one_key_many_cpus(void **state)
{
	struct acrypto_context *ctx[3];
	struct shim_thread t[4];
	unsigned int i;

	begin();
	fill(key, 128);
	key[63] |= 1;
	ctx[0] = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
				ACRYPTO_MODE_CBC, key, 16);
	ctx[1] = hash_context(2, 20);
	ctx[2] = modexp_context(64);
	for (i = 0; i < 3; i++) {
		struct work *w = work_new(ctx[i], 512);

		if (i == 2)
			w->data[0].length = 64;
		w->data[0].result_len = 32;
		assert_int_equal(work_do(w), 0);
		memcpy(want + 32 * i, i == 1 ? w->digest[0] : w->out, 32);
		work_free(w);
	}
	for (i = 0; i < ARRAY_SIZE(t); i++)
		shim_thread_start(&t[i], i % 2, crowd, ctx);
	for (i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(shim_thread_join(&t[i]), 0);
	for (i = 0; i < 3; i++)
		acrypto_context_destroy(ctx[i]);
	end();
}

/* each allocation fails in turn: no key then, or one that works */
static void no_memory(void **state)
{
	static const u8 small[4] = { 0, 35, 0, 7 };
	struct acrypto_transform t[] = {
		{ ACRYPTO_OP_PUBKEY, ACRYPTO_TYPE_MODEXP, ACRYPTO_MODE_NONE,
		  4, small },
		{ ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128, ACRYPTO_MODE_CBC,
		  16, key },
		{ ACRYPTO_OP_HMAC, ACRYPTO_TYPE_SHA1, ACRYPTO_MODE_NONE, 20,
		  key },
	};
	unsigned int i, nr, failed, worked;
	struct acrypto_context *ctx;
	struct work *w;
	int hit;
	long n;

	begin();
	fill(key, 20);
	shim_watch_free(key, 16);
	/* each alone, and the last two in one pass */
	for (i = 0; i <= ARRAY_SIZE(t); i++) {
		nr = i == ARRAY_SIZE(t) ? 2 : 1;
		failed = 0;
		worked = 0;
		for (n = 1, hit = 1; hit; n++) {
			shim_fail(n);
			ctx = acrypto_context_create(&t[nr > 1 ? 1 : i], nr);
			hit = shim_fail_hit();
			shim_fail(0);
			if (IS_ERR(ctx) || !acrypto_context_ready(ctx)) {
				assert_true(hit);
				failed++;
			} else {
				w = work_new(ctx, i ? 32 : 2);
				w->data[nr - 1].result_len = 20;
				w->data[1].covers = nr > 1 && n & 1;
				assert_int_equal(work_do(w), 0);
				work_free(w);
				worked++;
			}
			acrypto_context_destroy(ctx);
		}
		assert_true(failed > 0);
		assert_true(worked > 0);
	}
	assert_false(shim_watch_found());
	end();
}

/*
 * What a context takes.  For a packet's cipher and HMAC: itself, a choice for
 * each, and one key, with one piece of memory for either.
 */
static void few_allocations(void **state)
{
	static const struct acrypto_transform t[] = {
		{ ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_256, ACRYPTO_MODE_CBC,
		  32, key },
		{ ACRYPTO_OP_HMAC, ACRYPTO_TYPE_SHA256, ACRYPTO_MODE_NONE, 32,
		  key },
		{ ACRYPTO_OP_DECRYPT, ACRYPTO_TYPE_AES_256, ACRYPTO_MODE_CBC,
		  32, key },
	};
	static const struct { int first, nr, allocations; } want[] = {
		{ 0, 1, 4 }, { 1, 1, 4 }, { 0, 2, 6 }, { 1, 2, 6 },
	};
	struct acrypto_context *ctx;
	unsigned int i;
	long before;

	begin();
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		before = shim_allocations();
		ctx = acrypto_context_create(&t[want[i].first], want[i].nr);
		assert_false(IS_ERR(ctx));
		assert_int_equal(shim_allocations() - before,
				 want[i].allocations);
		before = shim_allocations();
		acrypto_context_destroy(ctx);
		assert_int_equal(shim_allocations(), before);
	}
	end();
}

/* contexts outlive the module, which takes its keys along */
static void goes_before_contexts(void **state)
{
	struct acrypto_context *ctx[2];
	unsigned int i;

	begin();
	ctx[0] = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
				ACRYPTO_MODE_CBC, key, 16);
	ctx[1] = hash_context(2, 64);
	end();
	for (i = 0; i < 2; i++)
		assert_false(acrypto_context_ready(ctx[i]));
	begin();
	for (i = 0; i < 2; i++)
		assert_true(acrypto_context_ready(ctx[i]));
	end();
	for (i = 0; i < 2; i++)
		acrypto_context_destroy(ctx[i]);
}

/* an allocation while it loads fails: it loads or leaves nothing */
static void no_memory_to_load(void **state)
{
	unsigned int failed = 0, worked = 0;
	int err, hit;
	long n;

	begin();
	end();
	/* the first ones each; of the tests of its ciphers not all */
	for (n = 1, hit = 1; hit; n += 1 + n / 8) {
		shim_fail(n);
		err = shim_module_load("acrypto_soft");
		hit = shim_fail_hit();
		shim_fail(0);
		if (err) {
			assert_true(hit);
			failed++;
		} else {
			worked++;
			end();
		}
	}
	assert_true(failed > 1);
	assert_true(worked > 0);
}

static int has_device(const char *name)
{
	struct acrypto_device *dev = acrypto_device_get(name);

	if (dev)
		acrypto_device_put(dev);
	return !!dev;
}

/* a CPU that comes gets a device, one that comes back has its own */
static void cpu_comes_later(void **state)
{
	int i, *devices = shim_param("devices");

	shim_cpu_offline(1);
	begin();
	assert_true(has_device("soft0"));
	assert_false(has_device("soft1"));
	for (i = 0; i < 2; i++) {
		shim_cpu_online(1);
		flush_scheduled_work();
		assert_true(has_device("soft1"));
		shim_cpu_offline(1);
	}
	end();

	/* not more than there are to be */
	*devices = 1;
	begin();
	shim_cpu_online(1);
	flush_scheduled_work();
	assert_false(has_device("soft1"));
	end();
	*devices = 0;

	/* the module goes while it comes; and nobody is told any more */
	shim_cpu_offline(1);
	begin();
	shim_cpu_online(1);
	end();
	shim_cpu_offline(1);
	shim_cpu_online(1);
}

/* a machine of many CPUs: tested once, and as quick for each as for the first */
static void load_on(int cpus, long *waits, int *inits, unsigned long *ms)
{
	unsigned long start = shim_now_ms();

	*waits = shim_grace_waits();
	soft_host_inits = 0;
	*(int *)shim_param("devices") = cpus;
	begin();
	*waits = shim_grace_waits() - *waits;
	*inits = soft_host_inits;
	*ms = shim_now_ms() - start;
	assert_true(has_device("soft0"));
	end();
	*(int *)shim_param("devices") = 0;
}

static void many_cpus(void **state)
{
	unsigned long one_ms, ms[2];
	long one_waits, waits[2];
	int one, inits[2];

	/* a larger machine than that of the others */
	assert_int_equal(shim_module_unload("acrypto"), 0);
	assert_int_equal(shim_end(), 0);
	shim_begin(64);
	assert_int_equal(shim_module_load("acrypto"), 0);
	load_on(1, &one_waits, &one, &one_ms);
	load_on(32, &waits[0], &inits[0], &ms[0]);
	load_on(64, &waits[1], &inits[1], &ms[1]);
	fprintf(stderr, "1, 32, 64 CPUs: %d %d %d keys, %ld %ld %ld grace periods, %lu %lu %lu ms\n",
		one, inits[0], inits[1], one_waits, waits[0], waits[1],
		one_ms, ms[0], ms[1]);
	assert_true(one > 0);
	assert_int_equal(inits[0], one);
	assert_int_equal(inits[1], one);
	assert_in_range(waits[0], 0, one_waits);
	assert_in_range(waits[1], 0, one_waits);
	assert_in_range(ms[1], 0, one_ms + 4 * ms[0] + 100);
}

const struct unit_test unit_tests[] = {
	TEST(walk_chunks),
	TEST(cipher_answers),
	TEST(broken_back_end),
	TEST(short_lists),
	TEST(hash_answers),
	TEST(packet_answers),
	TEST(modexp_answers),
	TEST(modexp_keys_refused),
	TEST(null_and_random),
	TEST(missing_algorithm),
	TEST(keys_wiped),
	TEST(stack_wiped),
	TEST(one_key_many_cpus),
	TEST(cpu_comes_later),
	TEST(many_cpus),
	TEST(no_memory),
	TEST(few_allocations),
	TEST(goes_before_contexts),
	TEST(no_memory_to_load),
	{ }
};
