// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: several operations on several devices.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "unit.h"
#include "internal.h"

static const u8 ckey[16] = "cipher key of 16", akey[20] = "authentication of 20";

static struct fake *cipher, *hmac;

#define AES(op)	{ .operation = ACRYPTO_OP_##op, .type = ACRYPTO_TYPE_AES_128, \
		  .mode = ACRYPTO_MODE_CBC, .rate = 1 }
#define SHA1	{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1, \
		  .mode = ACRYPTO_MODE_NONE, .rate = 1 }

static const struct acrypto_capability cipher_caps[] = {
	AES(ENCRYPT),
	AES(DECRYPT),
	{ .operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_NULL,
	  .mode = ACRYPTO_MODE_NONE, .rate = 1 },
};
static const struct acrypto_capability hmac_caps[] = {
	SHA1,
};

static void devices(int cipher_kind, int hmac_kind, unsigned int qlen)
{
	cipher = FAKE("cipher", cipher_kind, .caps = cipher_caps, .nr_caps = 3,
		      .qlen = qlen);
	hmac = FAKE("hmac", hmac_kind, .caps = hmac_caps, .nr_caps = 1,
		    .qlen = qlen);
}

static struct acrypto_context *esp_context(void)
{
	const struct acrypto_transform t[] = {
		{ .operation = ACRYPTO_OP_ENCRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = ckey },
		{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
		  .mode = ACRYPTO_MODE_NONE, .key_len = 20, .key = akey },
	};
	struct acrypto_context *ctx = acrypto_context_create(t, 2);

	assert_false(IS_ERR(ctx));
	return ctx;
}

static struct work *esp_work(struct acrypto_context *ctx, unsigned int len)
{
	struct work *w = work_new(ctx, len);

	w->data[1].result_len = 12;
	return w;
}

/* the digest of the ciphertext, which OpenSSL computes over again */
static void esp_right(struct work *w)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	u8 *out = malloc(w->len + 16), md[20];
	int n;

	EVP_EncryptInit_ex(c, EVP_aes_128_cbc(), NULL, ckey, w->iv);
	EVP_EncryptUpdate(c, out, &n, w->in, w->len);
	EVP_CIPHER_CTX_free(c);
	assert_memory_equal(w->out, out, w->len);
	free(out);
	HMAC(EVP_sha1(), akey, 20, w->out, w->len, md, NULL);
	assert_memory_equal(w->digest[1], md, 12);
	assert_int_equal(w->digest[1][12], 0);
}

/* encrypt here, authenticate there, for all kinds of devices */
static void two_devices(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct acrypto_context *ctx;
	int a, b, flags, hmacs;

	for (a = 0; a < ARRAY_SIZE(kinds); a++)
		for (b = 0; b < ARRAY_SIZE(kinds); b++)
			for (flags = 0; flags < 8; flags++) {
				struct work *w;

				devices(kinds[a], kinds[b], 0);
				ctx = esp_context();
				w = esp_work(ctx, 160);
				w->s.flags = flags;
				hmacs = fake_get(hmac, done);
				assert_int_equal(work_do(w), 0);
				assert_int_equal(fake_get(hmac, done),
						 hmacs + 1);
				esp_right(w);
				work_free(w);
				acrypto_context_destroy(ctx);
				fake_free(cipher);
				fake_free(hmac);
			}
}

/* each device counts what it has done itself */
static void each_counts_its_own(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC };
	unsigned long ciphered, hashed;
	struct acrypto_context *ctx;
	struct work *w;
	int a, b;

	for (a = 0; a < 2; a++)
		for (b = 0; b < 2; b++) {
			devices(kinds[a], kinds[b], 0);
			ctx = esp_context();
			ciphered = acrypto_stat_sum(cipher->dev, ACRYPTO_BYTES);
			hashed = acrypto_stat_sum(hmac->dev, ACRYPTO_BYTES);
			w = esp_work(ctx, 160);
			w->data[1].length = 96;
			assert_int_equal(work_do(w), 0);
			assert_int_equal(acrypto_stat_sum(cipher->dev,
							  ACRYPTO_BYTES),
					 ciphered + 160);
			assert_int_equal(acrypto_stat_sum(hmac->dev,
							  ACRYPTO_BYTES),
					 hashed + 96);
			work_free(w);
			acrypto_context_destroy(ctx);
			fake_free(cipher);
			fake_free(hmac);
		}
}

/* in place on one and the same device */
static void one_device(void **state)
{
	struct acrypto_context *ctx;
	struct fake *f;
	struct work *w;
	u8 in[64];

	f = FAKE("all", FAKE_SYNC, .caps = caps_all, .nr_caps = nr_caps_all);
	ctx = esp_context();
	assert_true(acrypto_context_ready(ctx));
	w = work_in_place(ctx, 64);
	w->data[1].result_len = 12;
	memcpy(in, w->in, 64);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(unit_submit(&w->s), 0);
	assert_int_equal(work_calls(w), 1);	/* all of it inline */
	assert_true(pthread_equal(w->thread, pthread_self()));
	w->in = malloc(64);
	memcpy(w->in, in, 64);
	esp_right(w);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* an error in step one skips step two */
static void error_skips_the_rest(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC };
	struct acrypto_context *ctx;
	struct work *w;
	int a, b, done;

	for (a = 0; a < 2; a++)
		for (b = 0; b < 2; b++) {
			devices(kinds[a], kinds[b], 0);
			ctx = esp_context();
			w = esp_work(ctx, 64);
			cipher->error = -EILSEQ;
			done = hmac->done;
			assert_int_equal(work_do(w), -EILSEQ);
			assert_int_equal(hmac->done, done);
			cipher->error = 0;
			hmac->error = -EBADMSG;
			work_again(w);
			w->data[1].result_len = 12;
			assert_int_equal(work_do(w), -EBADMSG);
			assert_int_equal(hmac->done, done + 1);
			work_free(w);
			acrypto_context_destroy(ctx);
			fake_free(cipher);
			fake_free(hmac);
		}
}

/* without a device for each step nothing starts */
static void every_step_needs_a_device(void **state)
{
	struct acrypto_context *ctx = esp_context();
	struct work *w = esp_work(ctx, 64);
	int done;

	devices(FAKE_SYNC, FAKE_SYNC, 0);
	assert_true(acrypto_context_ready(ctx));
	fake_free(hmac);
	done = cipher->done;
	assert_false(acrypto_context_ready(ctx));
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	assert_int_equal(cipher->done, done);
	fake_free(cipher);
	work_free(w);
	acrypto_context_destroy(ctx);
}

/* the device of step two goes while step one runs */
static void second_device_goes(void **state)
{
	struct acrypto_context *ctx;
	struct work *w;

	devices(FAKE_ASYNC, FAKE_ASYNC, 0);
	cipher->hold = 1;
	ctx = esp_context();
	w = esp_work(ctx, 64);
	assert_int_equal(unit_submit(&w->s), 0);
	fake_free(hmac);
	fake_serve(cipher);
	assert_int_equal(work_wait(w), -ENODEV);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(cipher);
}

/* nobody is admitted while the queue of step two is full: it stays bounded */
static void second_queue_is_bounded(void **state)
{
	enum { NR = 40, QLEN = 4 };
	struct acrypto_context *ctx;
	struct work *w[NR];
	int i, in = 0;

	devices(FAKE_ASYNC, FAKE_ASYNC, QLEN);
	hmac->hold = 1;
	ctx = esp_context();
	for (i = 0; i < NR; i++) {
		w[i] = esp_work(ctx, 64);
		if (unit_submit(&w[i]->s))
			break;
		in++;
		/* it goes on to the second device */
		shim_softirqs_done();
	}
	assert_int_equal(in, QLEN);
	/* what is under way in step one may go over it, once */
	fake_finish(hmac, fake_take(hmac), 0);
	cipher->hold = 1;
	for (i = QLEN + 1; i < NR; i++) {
		w[i] = esp_work(ctx, 64);
		if (unit_submit(&w[i]->s))
			break;
		in++;
	}
	assert_int_equal(in, 2 * QLEN);
	fake_serve(cipher);
	fake_serve(hmac);
	for (i = 0; i < NR; i++) {
		if (i == QLEN || in == 0)
			continue;
		if (i > QLEN + QLEN)
			break;
		assert_int_equal(work_wait(w[i]), 0);
		esp_right(w[i]);
	}
	for (i = 0; i <= 2 * QLEN + 1; i++)
		work_free(w[i]);
	acrypto_context_destroy(ctx);
	fake_free(cipher);
	fake_free(hmac);
}

/* ... while any of the devices for step two has room, it does not matter which */
static void second_of_two_has_room(void **state)
{
	struct acrypto_context *ctx;
	struct fake *more;
	struct work *w[2];
	int i;

	devices(FAKE_ASYNC, FAKE_ASYNC, 1);
	more = FAKE("more", FAKE_ASYNC, .caps = hmac->dev->caps,
		    .nr_caps = hmac->dev->nr_caps);
	hmac->hold = 1;
	ctx = esp_context();
	for (i = 0; i < 2; i++) {
		w[i] = esp_work(ctx, 64);
		assert_int_equal(unit_submit(&w[i]->s), 0);
		/* it goes on to the second device */
		shim_softirqs_done();
	}
	fake_serve(hmac);
	for (i = 0; i < 2; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		esp_right(w[i]);
		work_free(w[i]);
	}
	acrypto_context_destroy(ctx);
	fake_free(more);
	fake_free(cipher);
	fake_free(hmac);
}

/* who may sleep gets through such a bottleneck, everything once */
static void bottleneck(void **state)
{
	enum { NR = 60 };
	struct acrypto_context *ctx;
	struct work *w[NR];
	int i;

	devices(FAKE_THREAD, FAKE_THREAD, 3);
	hmac->slow_us = 200;
	ctx = esp_context();
	for (i = 0; i < NR; i++) {
		w[i] = esp_work(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
		assert_int_equal(unit_submit(&w[i]->s), 0);
	}
	for (i = 0; i < NR; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		esp_right(w[i]);
		work_free(w[i]);
	}
	acrypto_context_destroy(ctx);
	fake_free(cipher);
	fake_free(hmac);
}

/* as many operations as there may be */
static void longest_route(void **state)
{
	struct acrypto_transform t[ACRYPTO_MAX_OPS];
	struct acrypto_context *ctx;
	struct work *w;
	int i, order;

	devices(FAKE_THREAD, FAKE_SYNC, 0);
	for (i = 0; i < ACRYPTO_MAX_OPS; i++)
		t[i] = (struct acrypto_transform){
			.operation = i & 1 ? ACRYPTO_OP_DECRYPT :
					     ACRYPTO_OP_ENCRYPT,
			.type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
			.key_len = 16, .key = ckey,
		};
	ctx = acrypto_context_create(t, ACRYPTO_MAX_OPS);
	assert_false(IS_ERR(ctx));
	for (order = 0; order < 10; order++) {
		w = work_new(ctx, 320);
		assert_int_equal(work_do(w), 0);
		assert_true(work_same(w));	/* there and back, twice */
		work_free(w);
	}
	acrypto_context_destroy(ctx);
	fake_free(cipher);
	fake_free(hmac);
}

/*
 * Two operations in one pass
 */

#define ESP_OUT(...) \
	{ .operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_AES_128, \
	  .mode = ACRYPTO_MODE_CBC, .rate = 1, .fused = 1, \
	  .second = { .operation = ACRYPTO_OP_HMAC, \
		      .type = ACRYPTO_TYPE_SHA1, \
		      .mode = ACRYPTO_MODE_NONE }, __VA_ARGS__ }
#define ESP_IN \
	{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1, \
	  .mode = ACRYPTO_MODE_NONE, .rate = 1, .fused = 1, \
	  .second = { .operation = ACRYPTO_OP_DECRYPT, \
		      .type = ACRYPTO_TYPE_AES_128, \
		      .mode = ACRYPTO_MODE_CBC } }

static const struct acrypto_capability fused_caps[] = { ESP_OUT(), ESP_IN };

static struct fake *fused_device(const char *name, int kind)
{
	return FAKE(name, kind, .caps = fused_caps, .nr_caps = 2);
}

static struct acrypto_context *esp_in_context(void)
{
	const struct acrypto_transform t[] = {
		{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
		  .mode = ACRYPTO_MODE_NONE, .key_len = 20, .key = akey },
		{ .operation = ACRYPTO_OP_DECRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = ckey },
	};
	struct acrypto_context *ctx = acrypto_context_create(t, 2);

	assert_false(IS_ERR(ctx));
	return ctx;
}

static struct work *esp_fused(struct acrypto_context *ctx, unsigned int len)
{
	struct work *w = esp_work(ctx, len);

	w->data[1].covers = 1;
	return w;
}

/* out and back again, by devices that do nothing else */
static void one_pass(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct acrypto_context *out, *in;
	struct work *w, *back;
	struct fake *f;
	int a, fused;

	for (a = 0; a < ARRAY_SIZE(kinds); a++) {
		out = esp_context();
		assert_false(acrypto_context_ready(out));
		f = fused_device("fused", kinds[a]);
		in = esp_in_context();
		assert_true(acrypto_context_ready(out));
		assert_true(acrypto_context_ready(in));
		fused = fake_get(f, fused);
		w = esp_fused(out, 160);
		assert_int_equal(work_do(w), 0);
		assert_int_equal(fake_get(f, fused), fused + 1);
		esp_right(w);

		back = work_in_place(in, 160);
		memcpy(back->in, w->out, 160);
		memcpy(back->iv, w->iv, 16);
		back->data[0].result_len = 12;
		back->data[0].covers = 1;
		assert_int_equal(work_do(back), 0);
		assert_int_equal(fake_get(f, fused), fused + 2);
		assert_memory_equal(back->digest[0], w->digest[1], 12);
		assert_memory_equal(back->out, w->in, 160);
		work_free(back);

		/* its error ends the session, and nothing comes after it */
		f->error = -EBADMSG;
		work_again(w);
		w->data[1].result_len = 12;
		w->data[1].covers = 1;
		assert_int_equal(work_do(w), -EBADMSG);
		work_free(w);
		acrypto_context_destroy(out);
		acrypto_context_destroy(in);
		fake_free(f);
	}
}

/* a session without the promise goes step by step, or not at all */
static void one_pass_needs_the_promise(void **state)
{
	struct acrypto_context *ctx = esp_context();
	struct fake *f = fused_device("fused", FAKE_SYNC);
	struct work *w = esp_work(ctx, 64);
	int fused = f->fused;

	assert_int_equal(unit_submit(&w->s), -ENODEV);
	devices(FAKE_SYNC, FAKE_SYNC, 0);
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	assert_int_equal(f->fused, fused);
	work_free(w);

	/* with it, one pass beats two */
	w = esp_fused(ctx, 64);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	assert_int_equal(f->fused, fused + 1);
	work_free(w);

	/* and when the device goes, two steps do */
	fake_free(f);
	w = esp_fused(ctx, 64);
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(cipher);
	fake_free(hmac);
}

/* a cipher alone is no way where only one pass leads to the end */
static void one_pass_is_first(void **state)
{
	struct acrypto_context *ctx = esp_context();
	struct work *w;
	struct fake *f;
	int done, kind;

	for (kind = FAKE_SYNC; kind <= FAKE_ASYNC; kind++) {
		/* among equals the first that came would be chosen */
		devices(kind, kind, 0);
		f = fused_device("fused", kind);
		done = fake_get(cipher, done);
		w = esp_fused(ctx, 64);
		assert_int_equal(work_do(w), 0);
		esp_right(w);
		assert_int_equal(fake_get(cipher, done), done);
		work_free(w);
		fake_free(f);
		fake_free(cipher);
		fake_free(hmac);
	}
	acrypto_context_destroy(ctx);
}

static void one_pass_only(void **state)
{
	struct acrypto_context *ctx = esp_context();
	struct fake *f = fused_device("fused", FAKE_SYNC);
	struct work *w;
	int i;

	devices(FAKE_SYNC, FAKE_SYNC, 0);
	fake_free(hmac);
	for (i = 0; i < 4; i++) {
		int done = cipher->done;

		w = esp_fused(ctx, 64);
		assert_int_equal(work_do(w), 0);
		esp_right(w);
		assert_int_equal(cipher->done, done);
		work_free(w);
	}
	acrypto_device_break(f->dev);
	WAIT_FOR(!acrypto_context_ready(ctx));
	w = esp_fused(ctx, 64);
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	assert_int_equal(acrypto_device_repair(f->dev), 0);
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(cipher);
	fake_free(f);
}

/* false promises are refused */
static void promises_are_checked(void **state)
{
	struct acrypto_context *ctx = esp_context();
	struct fake *f = fused_device("fused", FAKE_SYNC);
	struct work *w = esp_fused(ctx, 64);

	w->data[1].lead = 8;
	assert_int_equal(unit_submit(&w->s), -EINVAL);
	w->data[1].lead = 0;
	w->data[0].unit = 32;
	assert_int_equal(unit_submit(&w->s), -EINVAL);
	w->data[0].unit = 0;
	w->data[1].unit = 64;
	assert_int_equal(unit_submit(&w->s), -EINVAL);
	w->data[1].unit = 0;
	w->data[1].length = 48;
	assert_int_equal(unit_submit(&w->s), -EINVAL);
	w->data[1].length = 64;
	w->data[0].covers = 1;
	assert_int_equal(unit_submit(&w->s), -EINVAL);
	w->data[0].covers = 0;
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* limits hold for both operations */
static void one_pass_limits(void **state)
{
	static const struct acrypto_capability caps[] = {
		ESP_OUT(.max_unit = 96),
	};
	struct acrypto_context *ctx = esp_context();
	struct fake *f = FAKE("fused", FAKE_SYNC, .caps = caps, .nr_caps = 1);
	struct work *w = esp_fused(ctx, 96);

	assert_int_equal(work_do(w), 0);
	esp_right(w);
	work_free(w);
	w = esp_fused(ctx, 112);
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	/* the HMAC alone is too long */
	w->data[0].length = 96;
	w->data[1].lead = 16;
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* what dies in the middle of a decryption in place has lost the data */
static void one_pass_dies(void **state)
{
	struct acrypto_context *out = esp_context(), *in = esp_in_context();
	struct fake *f = fused_device("fused", FAKE_ASYNC);
	struct work *w, *back;

	devices(FAKE_ASYNC, FAKE_ASYNC, 0);
	f->dead = 1;
	back = work_in_place(in, 64);
	back->data[0].result_len = 12;
	back->data[0].covers = 1;
	w = esp_fused(out, 64);
	w->s.bound = NULL;
	assert_int_equal(unit_submit(&back->s), 0);
	WAIT_FOR(!list_empty(&f->taken));
	acrypto_device_break(f->dev);
	assert_int_equal(work_wait(back), -EIO);
	/* what goes from one place to another is done again, in two steps */
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	work_free(w);
	work_free(back);
	acrypto_context_destroy(out);
	acrypto_context_destroy(in);
	fake_free(f);
	fake_free(cipher);
	fake_free(hmac);
}

/* one that authenticates wrongly gets no work; nonsense isn't registered */
static void one_pass_is_tested(void **state)
{
	static const struct acrypto_capability bad[] = {
		{ .operation = ACRYPTO_OP_DECRYPT, .type = ACRYPTO_TYPE_AES_128,
		  .mode = ACRYPTO_MODE_CBC, .rate = 1, .fused = 1,
		  .second = { .operation = ACRYPTO_OP_HMAC,
			      .type = ACRYPTO_TYPE_SHA1,
			      .mode = ACRYPTO_MODE_NONE } },
	};
	struct fake_info info = {
		.name = "fused", .kind = FAKE_SYNC, .cpu = -1, .wrong = 1,
		.caps = fused_caps, .nr_caps = 2,
	};

	assert_null(fake_try(&info));
	assert_int_equal(fake_add_error, -ENODEV);
	info.wrong = FAKE_BESIDE;
	assert_null(fake_try(&info));
	assert_true(shim_log_has("wrote beside the result"));
	info.wrong = 0;
	info.caps = bad;
	info.nr_caps = 1;
	assert_null(fake_try(&info));
	assert_int_equal(fake_add_error, -EINVAL);
}

/*
 * A key for two operations serves each alone, where the driver says so
 */

#define PART(n, ...) FAKE(n, FAKE_SYNC, .caps = part_caps, .nr_caps = 5, \
			  __VA_ARGS__)

static const struct acrypto_capability part_caps[] = {
	AES(ENCRYPT),
	AES(DECRYPT),
	SHA1,
	ESP_OUT(),
	ESP_IN,
};

/* one packet out and back, with the promise or without it, by @f */
static void there_and_back(struct acrypto_context *out,
			   struct acrypto_context *in, struct fake *f,
			   int covers)
{
	struct work *w = esp_work(out, 160), *back = work_in_place(in, 160);
	int fused = fake_get(f, fused);

	w->data[1].covers = covers;
	w->s.bound = f->dev;
	assert_int_equal(work_do(w), 0);
	esp_right(w);
	memcpy(back->in, w->out, 160);
	memcpy(back->iv, w->iv, 16);
	back->data[0].result_len = 12;
	back->data[0].covers = covers;
	back->s.bound = f->dev;
	assert_int_equal(work_do(back), 0);
	assert_memory_equal(back->digest[0], w->digest[1], 12);
	assert_memory_equal(back->out, w->in, 160);
	assert_int_equal(fake_get(f, fused), fused + 2 * covers);
	work_free(back);
	work_free(w);
}

static void parts(void **state)
{
	enum { SHARED = ACRYPTO_DRIVER_SHARED_KEYS, PARTS = ACRYPTO_DRIVER_PARTS };
	static const struct { unsigned int flags; int keys; } how[] = {
		{ 0, 3 }, { SHARED, 3 }, { PARTS, 3 }, { SHARED | PARTS, 1 },
	};
	struct acrypto_context *out, *in;
	struct fake *f[2];
	int i, first, covers, setups, frees;

	for (i = 0; i < ARRAY_SIZE(how); i++)
		for (first = 0; first < 2; first++) {
			f[0] = PART("dev0", .flags = how[i].flags);
			setups = f[0]->setups;
			frees = f[0]->frees;
			out = esp_context();
			in = esp_in_context();
			assert_int_equal(f[0]->setups,
					 setups + 2 * how[i].keys);
			for (covers = 0; covers < 2; covers++)
				there_and_back(out, in, f[0], covers);

			/* another device, and then one of them goes */
			f[1] = PART("dev1", .driver_of = f[0]);
			assert_int_equal(f[0]->setups,
					 setups + 2 * how[i].keys);
			for (covers = 0; covers < 2; covers++)
				there_and_back(out, in, f[1], covers);
			setups = f[1]->frees;
			fake_gone(f[first]);
			if (how[i].flags & SHARED)
				assert_int_equal(f[0]->frees + f[1]->frees,
						 frees + setups);
			for (covers = 0; covers < 2; covers++)
				there_and_back(out, in, f[!first], covers);

			/* all of it is freed once, by who is there */
			setups = f[!first]->frees;
			acrypto_context_destroy(out);
			acrypto_context_destroy(in);
			assert_int_equal(f[!first]->frees,
					 setups + 2 * how[i].keys);
			fake_free(f[1]);
			fake_free(f[0]);
		}
}

/* a key for two operations is none for the third */
static void parts_of_three(void **state)
{
	const struct acrypto_transform t[] = {
		{ .operation = ACRYPTO_OP_ENCRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = ckey },
		{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
		  .mode = ACRYPTO_MODE_NONE, .key_len = 20, .key = akey },
		{ .operation = ACRYPTO_OP_DECRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = ckey },
	};
	struct fake *f = PART("dev", .flags = ACRYPTO_DRIVER_SHARED_KEYS |
					      ACRYPTO_DRIVER_PARTS);
	int setups = f->setups, covers;
	struct acrypto_context *ctx;

	ctx = acrypto_context_create(t, 3);
	assert_false(IS_ERR(ctx));
	assert_int_equal(f->setups, setups + 2);
	for (covers = 0; covers < 2; covers++) {
		struct work *w = esp_work(ctx, 96);

		w->data[1].covers = covers;
		assert_int_equal(work_do(w), 0);
		assert_true(work_same(w));
		work_free(w);
	}
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* the last who has a part frees the whole, though no other had that part */
static void part_of_another(void **state)
{
	struct acrypto_context *out;
	struct fake *f[3];
	int i, order, frees;

	for (order = 0; order < 2; order++) {
		/* who has the driver stays to the end */
		f[0] = FAKE("driver", FAKE_SYNC,
			    .flags = ACRYPTO_DRIVER_SHARED_KEYS |
				     ACRYPTO_DRIVER_PARTS);
		f[1] = FAKE("both", FAKE_SYNC, .caps = fused_caps, .nr_caps = 2,
			    .driver_of = f[0]);
		out = esp_context();
		f[2] = FAKE("hmac", FAKE_SYNC, .caps = hmac_caps, .nr_caps = 1,
			    .driver_of = f[0]);
		assert_int_equal(fake_get(f[1], keys), 1);
		assert_int_equal(fake_get(f[2], keys), 0);
		i = order ? 2 : 1;
		frees = fake_get(f[3 - i], frees);
		fake_free(f[i]);
		assert_int_equal(fake_get(f[3 - i], frees), frees);
		if (order) {
			struct work *w = esp_fused(out, 64);

			assert_int_equal(work_do(w), 0);
			esp_right(w);
			work_free(w);
		} else {
			assert_false(acrypto_context_ready(out));
		}
		acrypto_context_destroy(out);
		assert_int_equal(fake_get(f[3 - i], frees), frees + 1);
		fake_free(f[3 - i]);
		fake_free(f[0]);
	}
}

/* where the key for both can't be had, each alone may; nothing is left over */
static void parts_without_memory(void **state)
{
	struct acrypto_context *out;
	int hit, covers, way[3] = { 0 };
	struct fake *f;
	struct work *w;
	long n;

	shim_watch_free(akey, 16);
	f = PART("dev", .flags = ACRYPTO_DRIVER_SHARED_KEYS |
				 ACRYPTO_DRIVER_PARTS);
	for (n = 1, hit = 1; hit; n++) {
		const struct acrypto_transform t[] = {
			{ .operation = ACRYPTO_OP_ENCRYPT,
			  .type = ACRYPTO_TYPE_AES_128,
			  .mode = ACRYPTO_MODE_CBC,
			  .key_len = 16, .key = ckey },
			{ .operation = ACRYPTO_OP_HMAC,
			  .type = ACRYPTO_TYPE_SHA1,
			  .mode = ACRYPTO_MODE_NONE,
			  .key_len = 20, .key = akey },
		};

		shim_fail(n);
		out = acrypto_context_create(t, 2);
		hit = shim_fail_hit();
		shim_fail(0);
		if (IS_ERR(out)) {
			way[0]++;
			continue;
		}
		for (covers = 0; covers < 2; covers++) {
			int fused = f->fused, err;

			w = esp_work(out, 64);
			w->data[1].covers = covers;
			err = acrypto_context_ready(out) ? work_do(w) : -ENODEV;
			if (!err)
				esp_right(w);
			else
				assert_true(hit);
			assert_true(hit || f->fused == fused + covers);
			way[covers && f->fused > fused ? 2 : 1]++;
			work_free(w);
		}
		acrypto_context_destroy(out);
		assert_int_equal(f->keys, 0);
	}
	assert_true(way[0] > 0);
	assert_true(way[1] > 0);
	assert_true(way[2] > 0);
	assert_false(shim_watch_found());
	fake_free(f);
}

const struct unit_test unit_tests[] = {
	TEST(one_pass),
	TEST(one_pass_needs_the_promise),
	TEST(one_pass_is_first),
	TEST(one_pass_only),
	TEST(promises_are_checked),
	TEST(one_pass_limits),
	TEST(one_pass_dies),
	TEST(one_pass_is_tested),
	TEST(parts),
	TEST(part_of_another),
	TEST(parts_of_three),
	TEST(parts_without_memory),
	TEST(two_devices),
	TEST(each_counts_its_own),
	TEST(one_device),
	TEST(error_skips_the_rest),
	TEST(every_step_needs_a_device),
	TEST(second_device_goes),
	TEST(second_queue_is_bounded),
	TEST(second_of_two_has_room),
	TEST(bottleneck),
	TEST(longest_route),
	{ NULL, NULL },
};
