// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts and keys.
 */
#include <unistd.h>
#include "unit.h"
#include "internal.h"

static const u8 key[32] = "kEy!wIpEd?aBcDeFgHiJkLmNoPqRsTuV";

static struct acrypto_context *aes(int bits)
{
	return cipher_context(ACRYPTO_OP_ENCRYPT,
			      bits == 128 ? ACRYPTO_TYPE_AES_128 :
			      bits == 192 ? ACRYPTO_TYPE_AES_192 :
					    ACRYPTO_TYPE_AES_256,
			      ACRYPTO_MODE_CBC, key, bits / 8);
}

#define ALL(n, k, ...) \
	FAKE(n, k, .caps = caps_all, .nr_caps = nr_caps_all, __VA_ARGS__)

/* FIPS 197, C.1, through all of the core */
static void known_answer(void **state)
{
	static const u8 k[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
				  14, 15 };
	static const u8 plain[16] = {
		0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
		0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
	};
	static const u8 cipher[16] = {
		0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
		0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a,
	};
	struct fake *f = ALL("dev", FAKE_ASYNC);
	struct acrypto_context *ctx;
	struct work *w;

	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_ECB, k, 16);
	w = work_new(ctx, 16);
	memcpy(w->in, plain, 16);
	assert_int_equal(work_do(w), 0);
	assert_memory_equal(w->out, cipher, 16);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* one setup a device, however many sessions; one free */
static void once_a_device(void **state)
{
	struct fake *f[3];
	struct acrypto_context *ctx;
	struct work *w;
	int i, before[3];

	f[0] = ALL("dev0", FAKE_SYNC);
	f[1] = ALL("dev1", FAKE_ASYNC);
	f[2] = FAKE("null", FAKE_SYNC, 0);
	for (i = 0; i < 3; i++)
		before[i] = fake_get(f[i], setups);
	ctx = aes(256);
	for (i = 0; i < 3; i++)
		assert_int_equal(fake_get(f[i], setups), before[i] + (i < 2));
	w = work_new(ctx, 512);
	for (i = 0; i < 20; i++) {
		assert_int_equal(work_do(w), 0);
		work_again(w);
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(fake_get(f[i], setups), before[i] + (i < 2));
	work_free(w);
	acrypto_context_destroy(ctx);
	for (i = 0; i < 3; i++) {
		assert_int_equal(f[i]->keys, 0);
		fake_free(f[i]);
	}
}

/* one for all devices of a driver that shares, whichever goes first */
static void shared_keys(void **state)
{
	struct fake *f[3];
	struct acrypto_context *ctx;
	struct work *w;
	int order, i, setups, frees;

	for (order = 0; order < 2; order++) {
		f[0] = ALL("dev0", FAKE_SYNC, .flags = ACRYPTO_DRIVER_SHARED_KEYS);
		f[1] = ALL("dev1", FAKE_SYNC, .driver_of = f[0],
			   .flags = ACRYPTO_DRIVER_SHARED_KEYS);
		setups = f[0]->setups + f[1]->setups;
		frees = f[0]->frees + f[1]->frees;
		ctx = aes(128);
		assert_int_equal(f[0]->setups + f[1]->setups, setups + 1);
		/* a third device finds it done */
		f[2] = ALL("dev2", FAKE_SYNC, .driver_of = f[0],
			   .flags = ACRYPTO_DRIVER_SHARED_KEYS);
		assert_int_equal(f[0]->setups + f[1]->setups, setups + 1);
		w = work_new(ctx, 64);
		for (i = 0; i < 3; i++) {
			w->s.bound = f[i]->dev;
			assert_int_equal(work_do(w), 0);
			work_again(w);
		}
		/* the others go on with it when one goes */
		i = order ? 1 : 2;
		fake_gone(f[i]);
		assert_int_equal(f[0]->frees + f[1]->frees, frees);
		w->s.bound = NULL;
		assert_int_equal(work_do(w), 0);
		work_free(w);
		frees = f[0]->frees + f[1]->frees + f[2]->frees;
		acrypto_context_destroy(ctx);
		assert_int_equal(f[0]->frees + f[1]->frees + f[2]->frees,
				 frees + 1);
		for (i = 2; i >= 0; i--)
			fake_free(f[i]);
	}
}

/* shared among devices, not among the operations of a route */
static void shared_keys_of_a_route(void **state)
{
	struct acrypto_transform t[2] = {
		{ .operation = ACRYPTO_OP_ENCRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = key },
		{ .operation = ACRYPTO_OP_DECRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = key },
	};
	struct acrypto_context *ctx;
	struct fake *f[2];
	struct work *w;
	int i;

	f[0] = ALL("dev0", FAKE_SYNC, .flags = ACRYPTO_DRIVER_SHARED_KEYS);
	f[1] = ALL("dev1", FAKE_SYNC, .driver_of = f[0]);
	for (i = 0; i < 2; i++) {
		t[1].key = key + i;
		ctx = acrypto_context_create(t, 2);
		assert_false(IS_ERR(ctx));
		w = work_new(ctx, 64);
		assert_int_equal(work_do(w), 0);
		assert_int_equal(work_same(w), !i);
		work_free(w);
		acrypto_context_destroy(ctx);
	}
	fake_free(f[1]);
	fake_free(f[0]);
}

/* a device that comes later gets the key then, and sessions */
static void device_after_context(void **state)
{
	struct acrypto_context *ctx = aes(192);
	struct fake *f;
	struct work *w;
	int i, setups = 0;

	assert_false(acrypto_context_ready(ctx));
	for (i = 0; i < 3; i++) {
		f = ALL("dev", i == 1 ? FAKE_ASYNC : FAKE_SYNC);
		setups = f->keys;
		assert_int_equal(setups, 1);
		assert_true(acrypto_context_ready(ctx));
		assert_int_equal(acrypto_context_width(ctx), 1);
		w = work_new(ctx, 512);
		assert_int_equal(work_do(w), 0);
		work_free(w);
		fake_free(f);
		assert_false(acrypto_context_ready(ctx));
	}
	acrypto_context_destroy(ctx);
}

/* a device that can't take the key gets no work with it, others do */
static void failing_key_setup(void **state)
{
	struct fake *f[2];
	struct acrypto_context *ctx, *other;
	struct work *w;
	int done, i;

	f[0] = ALL("dev0", FAKE_SYNC);
	f[1] = ALL("dev1", FAKE_SYNC);
	fake_set(f[0], key_error, -ENOMEM);
	ctx = aes(128);
	assert_int_equal(atomic_read(&f[0]->dev->kmem_failed), 1);
	acrypto_context_destroy(ctx);
	fake_set(f[0], key_error, -EINVAL);
	ctx = aes(128);
	fake_set(f[0], key_error, 0);
	assert_int_equal(acrypto_context_width(ctx), 1);
	assert_int_equal(atomic_read(&f[0]->dev->kmem_failed), 1);
	other = aes(128);
	assert_int_equal(acrypto_context_width(other), 2);
	done = f[0]->done;
	w = work_new(ctx, 64);
	for (i = 0; i < 5; i++) {
		assert_int_equal(work_do(w), 0);
		work_again(w);
	}
	assert_int_equal(f[0]->done, done);
	w->s.bound = f[0]->dev;
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	work_free(w);
	acrypto_context_destroy(ctx);
	acrypto_context_destroy(other);
	fake_free(f[0]);
	fake_free(f[1]);
}

/* no block of memory that is freed has the key in it, nor the log */
static void keys_are_wiped(void **state)
{
	struct acrypto_context *ctx;
	struct fake *f[2];
	struct work *w;

	shim_watch_free(key, 8);
	f[0] = ALL("dev0", FAKE_SYNC);
	f[1] = ALL("dev1", FAKE_ASYNC);
	ctx = aes(256);
	w = work_new(ctx, 64);
	assert_int_equal(work_do(w), 0);
	work_free(w);
	acrypto_device_break(f[0]->dev);
	fake_gone(f[0]);
	acrypto_context_destroy(ctx);
	assert_int_equal(shim_watch_found(), 0);
	assert_false(shim_log_has("kEy!"));
	assert_false(shim_log_has("6b457921"));

	/* when the setup fails, too */
	fake_set(f[1], key_error, -EINVAL);
	ctx = aes(256);
	acrypto_context_destroy(ctx);
	fake_set(f[1], key_error, 0);
	assert_int_equal(shim_watch_found(), 0);

	/* and the watch does see one */
	{
		char *p = kmalloc(64, GFP_KERNEL);

		memcpy(p + 9, key, 8);
		kfree(p);
		assert_int_equal(shim_watch_found(), 1);
	}
	fake_free(f[0]);
	fake_free(f[1]);
}

/* the core has a copy: the caller's may go at once */
static void key_is_copied(void **state)
{
	struct fake *f = ALL("dev", FAKE_SYNC);
	struct acrypto_context *ctx;
	struct work *w;
	u8 first[64], *k = malloc(16);

	memcpy(k, key, 16);
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_CBC, k, 16);
	memset(k, 0, 16);
	free(k);
	w = work_new(ctx, 64);
	assert_int_equal(work_do(w), 0);
	memcpy(first, w->out, 64);
	acrypto_context_destroy(ctx);
	ctx = aes(128);
	w->s.ctx = ctx;
	work_again(w);
	assert_int_equal(work_do(w), 0);
	assert_memory_equal(w->out, first, 64);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

static int refused(struct acrypto_transform t, unsigned int nr)
{
	struct acrypto_context *ctx = acrypto_context_create(&t, nr);

	if (!IS_ERR(ctx)) {
		acrypto_context_destroy(ctx);
		return 0;
	}
	return PTR_ERR(ctx);
}

static void bad_transforms(void **state)
{
#define T(op, ty, mo, len, k) ((struct acrypto_transform) { \
	.operation = ACRYPTO_OP_##op, .type = ACRYPTO_TYPE_##ty, \
	.mode = ACRYPTO_MODE_##mo, .key_len = len, .key = k })
#define BAD(...)	assert_int_equal(refused(T(__VA_ARGS__), 1), -EINVAL)
#define GOOD(...)	assert_int_equal(refused(T(__VA_ARGS__), 1), 0)
	static const u8 big[ACRYPTO_MAX_KEY + 2];

	GOOD(ENCRYPT, AES_128, CBC, 16, key);
	BAD(ENCRYPT, AES_128, CBC, 15, key);
	BAD(ENCRYPT, AES_128, CBC, 24, key);
	BAD(ENCRYPT, AES_128, CBC, 0, NULL);
	BAD(ENCRYPT, AES_128, CBC, 16, NULL);
	BAD(ENCRYPT, AES_128, NONE, 16, key);
	BAD(ENCRYPT, AES_128, MAX, 16, key);
	GOOD(DECRYPT, 3DES, ECB, 24, key);
	BAD(DECRYPT, 3DES, ECB, 16, key);
	BAD(DECRYPT, SHA1, NONE, 16, key);
	BAD(DECRYPT, MAX, ECB, 16, key);
	GOOD(HASH, SHA256, NONE, 0, NULL);
	BAD(HASH, SHA256, NONE, 4, key);
	BAD(HASH, SHA256, CBC, 0, NULL);
	BAD(HASH, AES_128, NONE, 0, NULL);
	GOOD(HMAC, MD5, NONE, 1, key);
	BAD(HMAC, MD5, NONE, 0, NULL);
	GOOD(HMAC, SHA1, NONE, ACRYPTO_MAX_KEY, big);
	BAD(HMAC, SHA1, NONE, ACRYPTO_MAX_KEY + 1, big);
	GOOD(RNG, RANDOM, NONE, 0, NULL);
	BAD(RNG, SHA1, NONE, 0, NULL);
	GOOD(PUBKEY, MODEXP, NONE, 32, key);
	BAD(PUBKEY, MODEXP, NONE, 31, key);
	BAD(PUBKEY, MODEXP, NONE, 0, NULL);
	BAD(MAX, AES_128, CBC, 16, key);
	assert_int_equal(refused(T(HASH, SHA1, NONE, 0, NULL), 0), -EINVAL);
	assert_int_equal(refused(T(HASH, SHA1, NONE, 0, NULL),
				 ACRYPTO_MAX_OPS + 1), -EINVAL);
	acrypto_context_destroy(NULL);
	acrypto_context_destroy(ERR_PTR(-EINVAL));
}

/* key lengths of a capability decide who gets a context */
static void key_limits(void **state)
{
	struct acrypto_capability cap = {
		.operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
		.mode = ACRYPTO_MODE_NONE, .min_key = 16, .max_key = 64,
		.rate = 1,
	};
	struct fake *f = FAKE("dev", FAKE_SYNC, .caps = &cap, .nr_caps = 1);
	static const u8 k[100];
	static const int len[] = { 15, 16, 20, 64, 65 };
	struct acrypto_context *ctx;
	int i;

	for (i = 0; i < ARRAY_SIZE(len); i++) {
		ctx = cipher_context(ACRYPTO_OP_HMAC, ACRYPTO_TYPE_SHA1,
				     ACRYPTO_MODE_NONE, k, len[i]);
		assert_int_equal(!!acrypto_context_ready(ctx),
				 len[i] >= 16 && len[i] <= 64);
		acrypto_context_destroy(ctx);
	}
	fake_free(f);
}

/* many units, one IV each, equal many sessions */
static void units_have_their_ivs(void **state)
{
	struct fake *f = ALL("dev", FAKE_SYNC);
	struct acrypto_context *ctx = aes(128);
	struct work *all = work_new(ctx, 8 * 512), *one;
	int i;

	for (i = 0; i < sizeof(all->iv); i++)
		all->iv[i] = i * 3;
	all->data[0].unit = 512;
	assert_int_equal(acrypto_units(&all->data[0]), 8);
	assert_int_equal(work_do(all), 0);
	for (i = 0; i < 8; i++) {
		one = work_new(ctx, 512);
		memcpy(one->in, all->in + i * 512, 512);
		memcpy(one->iv, all->iv + i * 16, 16);
		assert_int_equal(work_do(one), 0);
		assert_memory_equal(one->out, all->out + i * 512, 512);
		work_free(one);
	}
	for (i = 0; i < sizeof(all->iv); i++)
		assert_int_equal(all->iv[i], (u8)(i * 3));
	work_free(all);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

static void sizes(void **state)
{
	assert_int_equal(acrypto_blocksize(ACRYPTO_TYPE_AES_192), 16);
	assert_int_equal(acrypto_blocksize(ACRYPTO_TYPE_DES), 8);
	assert_int_equal(acrypto_blocksize(ACRYPTO_TYPE_SHA1), 1);
	assert_int_equal(acrypto_blocksize(12345), 1);
	assert_int_equal(acrypto_ivsize(ACRYPTO_TYPE_AES_128,
					ACRYPTO_MODE_CBC), 16);
	assert_int_equal(acrypto_ivsize(ACRYPTO_TYPE_3DES,
					ACRYPTO_MODE_CBC), 8);
	assert_int_equal(acrypto_ivsize(ACRYPTO_TYPE_3DES,
					ACRYPTO_MODE_ECB), 0);
	assert_int_equal(acrypto_ivsize(ACRYPTO_TYPE_NULL,
					ACRYPTO_MODE_NONE), 0);
	assert_int_equal(acrypto_digestsize(ACRYPTO_TYPE_MD5), 16);
	assert_int_equal(acrypto_digestsize(ACRYPTO_TYPE_SHA1), 20);
	assert_int_equal(acrypto_digestsize(ACRYPTO_TYPE_SHA256), 32);
	assert_int_equal(acrypto_digestsize(ACRYPTO_TYPE_DES), 0);
}

/*
 * The end of a context with sessions of all kinds under way: they go on with
 * the key that they were submitted with, and the key goes with the last.
 */
static void cipher_of(const struct work *w, u8 *want)
{
	struct acrypto_context *c = aes(128);
	struct work *v = work_new(c, w->len);

	memcpy(v->in, w->in, w->len);
	v->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(work_do(v), 0);
	memcpy(want, v->out, w->len);
	work_free(v);
	acrypto_context_destroy(c);
}

static void destroyed_under_way(void **state)
{
	enum { NR = 8 };
	struct acrypto_session *s[3];
	struct fake *sync, *f[2];
	struct acrypto_flow flow;
	struct acrypto_context *ctx;
	struct work *w[NR];
	u8 want[64];
	int i, round, before, waits;

	sync = ALL("sync", FAKE_SYNC);
	for (round = 0; round < 4; round++) {
		f[0] = ALL("dev0", FAKE_ASYNC);
		f[1] = ALL("dev1", FAKE_ASYNC);
		before = f[0]->keys;
		ctx = aes(128);
		acrypto_flow_init(&flow);
		for (i = 0; i < NR; i++) {
			w[i] = work_new(ctx, 64);
			w[i]->s.flags = i & 1;
			w[i]->s.bound = f[0]->dev;
		}
		cipher_of(w[0], want);
		f[0]->hold = f[1]->hold = 1;
		/* 4 is first in the flow and waits; 5 and 6 are done behind it */
		w[4]->s.flow = w[5]->s.flow = w[6]->s.flow = &flow;
		w[4]->s.flags = w[5]->s.flags = w[6]->s.flags = 0;
		w[5]->s.bound = w[6]->s.bound = sync->dev;
		for (i = 0; i < NR; i++) {
			assert_int_equal(unit_submit(&w[i]->s), 0);
			w[i]->s.bound = NULL;
			if (i < 3)
				s[i] = fake_take(f[0]);
		}
		assert_true(acrypto_session_is_done(&w[5]->s));
		assert_int_equal(f[0]->keys, before + 1);
		waits = shim_grace_waits();
		acrypto_context_destroy(ctx);
		assert_int_equal(shim_grace_waits(), waits);
		shim_rcu_done();
		flush_scheduled_work();
		assert_int_equal(f[0]->keys, before + 1);
		if (round & 1) {
			/* what the device has, and what waits for it, moves */
			for (i = 0; i < 3; i++)
				fake_lose(f[0], s[i]);
			acrypto_device_break(f[0]->dev);
			fake_serve(f[1]);
		} else {
			for (i = 0; i < 3; i++)
				fake_finish(f[0], s[i], 0);
			fake_serve(f[0]);
		}
		if (round & 2)
			fake_gone(f[0]);
		for (i = 0; i < NR; i++) {
			assert_int_equal(work_wait(w[i]), 0);
			assert_memory_equal(w[i]->out, want, 64);
		}
		assert_true(w[4]->order < w[5]->order &&
			    w[5]->order < w[6]->order);
		acrypto_flow_destroy(&flow);
		acrypto_flush();
		flush_scheduled_work();
		WAIT_FOR(fake_get(f[0], keys) == 0);
		WAIT_FOR(fake_get(f[1], keys) == 0);
		WAIT_FOR(fake_get(sync, keys) == 0);
		for (i = 0; i < NR; i++)
			work_free(w[i]);
		fake_free(f[0]);
		fake_free(f[1]);
	}
	fake_free(sync);
}

/* a new key while requests with the old one are under way, again and again */
struct rekeyed {
	struct acrypto_context *ctx;
	spinlock_t lock;
	int stop;
};

static int rekey_thread(void *data)
{
	struct rekeyed *r = data;
	int n = 0;

	while (!__atomic_load_n(&r->stop, __ATOMIC_SEQ_CST)) {
		struct acrypto_context *new = aes(128), *old;

		spin_lock_bh(&r->lock);
		old = r->ctx;
		r->ctx = new;
		spin_unlock_bh(&r->lock);
		acrypto_context_destroy(old);
		n++;
	}
	return n;
}

static void rekeyed_under_way(void **state)
{
	enum { NR = 24, ROUNDS = 150 };
	struct shim_thread t;
	struct rekeyed r;
	struct fake *f[3];
	struct work *w[NR];
	u8 want[64];
	int i, j;

	f[0] = ALL("sync", FAKE_SYNC);
	f[1] = ALL("thread0", FAKE_THREAD);
	f[2] = ALL("thread1", FAKE_THREAD);
	f[1]->batch = f[2]->batch = 4;
	r.ctx = aes(128);
	r.stop = 0;
	spin_lock_init(&r.lock);
	for (i = 0; i < NR; i++) {
		w[i] = work_new(r.ctx, 64);
		w[i]->s.flags = i & 5;
		w[i]->calls = 1;
	}
	cipher_of(w[0], want);
	shim_thread_start(&t, 1, rekey_thread, &r);
	for (j = 0; j < ROUNDS; j++) {
		for (i = 0; i < NR; i++) {
			assert_int_equal(work_wait(w[i]), 0);
			if (j)
				assert_memory_equal(w[i]->out, want, 64);
			spin_lock_bh(&r.lock);
			w[i]->s.ctx = r.ctx;
			work_again(w[i]);
			assert_int_equal(unit_submit(&w[i]->s), 0);
			spin_unlock_bh(&r.lock);
		}
	}
	for (i = 0; i < NR; i++)
		assert_int_equal(work_wait(w[i]), 0);
	__atomic_store_n(&r.stop, 1, __ATOMIC_SEQ_CST);
	assert_true(shim_thread_join(&t) > 10);
	acrypto_context_destroy(r.ctx);
	flush_scheduled_work();
	for (i = 0; i < NR; i++)
		work_free(w[i]);
	for (i = 0; i < 3; i++)
		fake_free(f[i]);
}

/* a rekey, or the end of 500 contexts, waits for no grace period */
static void rekey_waits_for_nothing(void **state)
{
	enum { NR = 500 };
	struct acrypto_context *c[NR];
	struct fake *f[3];
	unsigned long start;
	long waits;
	int i;

	f[0] = ALL("dev0", FAKE_SYNC, .flags = ACRYPTO_DRIVER_SHARED_KEYS);
	f[1] = ALL("dev1", FAKE_SYNC, .driver_of = f[0]);
	f[2] = ALL("dev2", FAKE_ASYNC);
	shim_rcu_delay_us(30000);
	waits = shim_grace_waits();
	start = shim_now_ms();
	for (i = 0; i < NR; i++)
		c[i] = aes(128);
	for (i = 0; i < NR; i++) {
		struct acrypto_context *old = c[i];
		struct work *w;

		c[i] = aes(256);
		acrypto_context_destroy(old);
		if (i % 50)
			continue;
		w = work_new(c[i], 64);
		assert_int_equal(work_do(w), 0);
		work_free(w);
	}
	for (i = 0; i < NR; i++)
		acrypto_context_destroy(c[i]);
	assert_int_equal(shim_grace_waits(), waits);
	fprintf(stderr, "%lu ms\n", shim_now_ms() - start);
	/* a single one each would take 15 s */
	assert_in_range(shim_now_ms() - start, 0, 5000);
	shim_rcu_delay_us(0);
	for (i = 2; i >= 0; i--)
		fake_free(f[i]);
}

/* as many allocations for 256 devices of one driver as for a few */
static void few_allocations(void **state)
{
	enum { NR = 256 };
	struct fake *f[NR];
	struct acrypto_context *c;
	long few = 0, many, before;
	char name[16];
	struct work *w;
	int i, setups;

	for (i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		f[i] = FAKE(name, FAKE_SYNC, .driver_of = i ? f[0] : NULL,
			    .flags = i ? 0 : ACRYPTO_DRIVER_SHARED_KEYS |
					     ACRYPTO_DRIVER_SAME);
		if (i != 3)
			continue;
		before = shim_allocations();
		acrypto_context_destroy(null_context());
		few = shim_allocations() - before;
	}
	setups = f[0]->setups;
	before = shim_allocations();
	c = null_context();
	many = shim_allocations() - before;
	fprintf(stderr, "%ld for 4 devices, %ld for %d\n", few, many, NR);
	for (i = 1; i < NR; i++)
		setups += fake_get(f[i], setups);
	assert_in_range(few, 1, 6);
	assert_in_range(many, 1, 12);
	assert_int_equal(acrypto_context_width(c), NR);
	w = work_new(c, 64);
	for (i = 0; i < NR; i += 15) {
		w->s.bound = f[i]->dev;
		assert_int_equal(work_do(w), 0);
		work_again(w);
	}
	work_free(w);
	acrypto_context_destroy(c);
	for (i = NR - 1; i >= 0; i--)
		fake_free(f[i]);
}

/* of a driver whose devices are the same code, one is tested for all */
static void tested_once(void **state)
{
	struct acrypto_capability caps[nr_caps_all];
	struct fake *f[4];
	int i, done[4];

	memcpy(caps, caps_all, sizeof(caps));
	caps[0].rate = 0;	/* measured */
	/* a device that fails would be found out: this one, if it were tested */
	f[0] = FAKE("dev0", FAKE_SYNC, .caps = caps, .nr_caps = nr_caps_all,
		    .flags = ACRYPTO_DRIVER_SAME);
	for (i = 1; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "dev%d", i);
		f[i] = FAKE(name, FAKE_SYNC, .caps = caps,
			    .nr_caps = nr_caps_all, .driver_of = f[0]);
	}
	for (i = 0; i < 4; i++)
		done[i] = fake_get(f[i], done);
	assert_true(done[0] > 0);
	for (i = 1; i < 4; i++)
		assert_int_equal(done[i], 0);
	assert_int_equal(f[1]->dev->nr_caps, nr_caps_all);
	for (i = 0; i < nr_caps_all; i++) {
		assert_false(f[1]->dev->caps[i].broken);
		assert_true(f[1]->dev->caps[i].rate);
		assert_int_equal(f[1]->dev->caps[i].rate,
				 f[0]->dev->caps[i].rate);
	}
	/* a repair is another matter */
	acrypto_device_break(f[2]->dev);
	fake_set(f[2], wrong, 1);
	assert_int_equal(acrypto_device_repair(f[2]->dev), -EIO);
	fake_set(f[2], wrong, 0);
	assert_int_equal(acrypto_device_repair(f[2]->dev), 0);
	assert_true(fake_get(f[2], done) > 0);
	for (i = 3; i >= 0; i--)
		fake_free(f[i]);
}

static const struct acrypto_capability aes_cap = {
	.operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_AES_128,
	.mode = ACRYPTO_MODE_CBC, .rate = 1,
};

/* devices come and go while contexts do, and each pair is made once */
static int churn_stop;

static int churn_thread(void *data)
{
	u64 seed = unit_seed + (unsigned long)data;
	int n = 0;

	while (!__atomic_load_n(&churn_stop, __ATOMIC_SEQ_CST)) {
		struct acrypto_context *c = aes(128);
		struct work *w = work_new(c, 64);
		int err;

		if (shim_random(&seed) & 1)
			usleep(shim_random(&seed) % 300);
		w->s.flags = shim_random(&seed) & 7;
		err = work_do(w);
		CHECK(!err || err == -ENODEV);
		work_free(w);
		acrypto_context_destroy(c);
		n++;
	}
	return n;
}

static void contexts_and_devices_churn(void **state)
{
	struct shim_thread t[3];
	struct acrypto_context *old = aes(128);
	struct fake *f[3];
	struct work *w;
	int i;

	churn_stop = 0;
#define AES(n, k, ...) \
	FAKE(n, k, .caps = &aes_cap, .nr_caps = 1, __VA_ARGS__)
	f[0] = AES("dev0", FAKE_SYNC, .flags = ACRYPTO_DRIVER_SHARED_KEYS);
	shim_chaos(100, 200, unit_seed);
	for (i = 0; i < 3; i++)
		shim_thread_start(&t[i], i, churn_thread, (void *)(long)i);
	for (i = 0; i < 60; i++) {
		f[1] = AES("dev1", FAKE_SYNC, .driver_of = f[0]);
		f[2] = AES("dev2", i & 1 ? FAKE_ASYNC : FAKE_THREAD);
		/* it was there before them: it has them by now */
		assert_int_equal(acrypto_context_width(old), 3);
		w = work_new(old, 64);
		w->s.bound = f[1 + (i & 1)]->dev;
		assert_int_equal(work_do(w), 0);
		work_free(w);
		if (i & 2)
			acrypto_device_break(f[2]->dev);
		fake_free(f[2]);
		fake_free(f[1]);
		assert_int_equal(acrypto_context_width(old), 1);
	}
	__atomic_store_n(&churn_stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 3; i++)
		assert_true(shim_thread_join(&t[i]) > 0);
	flush_scheduled_work();
	acrypto_context_destroy(old);
	fake_free(f[0]);
}

const struct unit_test unit_tests[] = {
	TEST(known_answer),
	TEST(once_a_device),
	TEST(shared_keys),
	TEST(shared_keys_of_a_route),
	TEST(device_after_context),
	TEST(failing_key_setup),
	TEST(keys_are_wiped),
	TEST(key_is_copied),
	TEST(bad_transforms),
	TEST(key_limits),
	TEST(units_have_their_ivs),
	TEST(destroyed_under_way),
	TEST(rekeyed_under_way),
	TEST(rekey_waits_for_nothing),
	TEST(few_allocations),
	TEST(tested_once),
	TEST(contexts_and_devices_churn),
	TEST(sizes),
	{ NULL, NULL },
};
