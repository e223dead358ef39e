// SPDX-License-Identifier: GPL-2.0
/*
 * Simulated devices.  They compute with OpenSSL, so that what the core says
 * about them is held against somebody else's answers.
 *
 * Three kinds: synchronous; asynchronous, done in data_ready() or when the
 * test says so; and one with a thread of its own, which takes its time, mixes
 * up the order, and completes now in process context, now in an interrupt.
 */
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include "unit.h"

#define CAP(op, ty, mo) \
	{ .operation = ACRYPTO_OP_##op, .type = ACRYPTO_TYPE_##ty, \
	  .mode = ACRYPTO_MODE_##mo, .rate = 1000 }
#define CIPHER(ty, mo)	CAP(ENCRYPT, ty, mo), CAP(DECRYPT, ty, mo)
#define CAPS_NULL \
	{ .operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_NULL, \
	  .mode = ACRYPTO_MODE_NONE, .rate = 1000 }, \
	{ .operation = ACRYPTO_OP_DECRYPT, .type = ACRYPTO_TYPE_NULL, \
	  .mode = ACRYPTO_MODE_NONE, .rate = 1000 }

const struct acrypto_capability caps_null[] = { CAPS_NULL };
const unsigned int nr_caps_null = ARRAY_SIZE(caps_null);

const struct acrypto_capability caps_all[] = {
	CAPS_NULL,
	CIPHER(AES_128, ECB), CIPHER(AES_192, ECB), CIPHER(AES_256, ECB),
	CIPHER(AES_128, CBC), CIPHER(AES_192, CBC), CIPHER(AES_256, CBC),
	CIPHER(DES, ECB), CIPHER(DES, CBC), CIPHER(3DES, ECB),
	CIPHER(3DES, CBC),
	CAP(HASH, MD5, NONE), CAP(HASH, SHA1, NONE), CAP(HASH, SHA256, NONE),
	CAP(HMAC, MD5, NONE), CAP(HMAC, SHA1, NONE), CAP(HMAC, SHA256, NONE),
	CAP(RNG, RANDOM, NONE), CAP(PUBKEY, MODEXP, NONE),
};
const unsigned int nr_caps_all = ARRAY_SIZE(caps_all);

int fake_add_error, fake_lost;

/*
 * Arithmetic
 */

static void sg_bytes(struct scatterlist *sg, unsigned int nr, u8 *buf,
		     unsigned int len, int write)
{
	for (; len && nr; sg++, nr--) {
		unsigned int n = min(len, sg->length);
		u8 *p = sg->page->bytes + sg->offset;

		if (write)
			memcpy(p, buf, n);
		else
			memcpy(buf, p, n);
		buf += n;
		len -= n;
	}
	CHECK_EQ(len, 0);
}

static const EVP_CIPHER *cipher_of(const struct acrypto_transform *t)
{
	int ecb = t->mode == ACRYPTO_MODE_ECB;

	switch (t->type) {
	case ACRYPTO_TYPE_AES_128:
		return ecb ? EVP_aes_128_ecb() : EVP_aes_128_cbc();
	case ACRYPTO_TYPE_AES_192:
		return ecb ? EVP_aes_192_ecb() : EVP_aes_192_cbc();
	case ACRYPTO_TYPE_AES_256:
		return ecb ? EVP_aes_256_ecb() : EVP_aes_256_cbc();
	case ACRYPTO_TYPE_DES:	/* a 3DES of three equal keys */
	case ACRYPTO_TYPE_3DES:
		return ecb ? EVP_des_ede3_ecb() : EVP_des_ede3_cbc();
	}
	return NULL;
}

static const EVP_MD *md_of(const struct acrypto_transform *t)
{
	switch (t->type) {
	case ACRYPTO_TYPE_MD5:
		return EVP_md5();
	case ACRYPTO_TYPE_SHA1:
		return EVP_sha1();
	}
	return EVP_sha256();
}

static void do_cipher(const struct acrypto_transform *t,
		      const struct acrypto_data *d, u8 *buf)
{
	unsigned int i, unit = d->unit ? d->unit : d->length;
	unsigned int iv = acrypto_ivsize(t->type, t->mode);
	const EVP_CIPHER *cipher = cipher_of(t);
	EVP_CIPHER_CTX *c;
	u8 key[32];
	int n;

	if (!cipher) {		/* null */
		CHECK_EQ(t->type, ACRYPTO_TYPE_NULL);
		return;
	}
	memcpy(key, t->key, t->key_len);
	if (t->type == ACRYPTO_TYPE_DES) {
		memcpy(key + 8, key, 8);
		memcpy(key + 16, key, 8);
	}
	c = EVP_CIPHER_CTX_new();
	for (i = 0; i < d->length / unit; i++) {
		if (!EVP_CipherInit_ex(c, cipher, NULL, key,
				       iv ? d->iv + i * iv : NULL,
				       t->operation == ACRYPTO_OP_ENCRYPT))
			abort();
		EVP_CIPHER_CTX_set_padding(c, 0);
		if (!EVP_CipherUpdate(c, buf + i * unit, &n, buf + i * unit,
				      unit) || n != unit)
			abort();
	}
	EVP_CIPHER_CTX_free(c);
}

static void do_digest(const struct acrypto_transform *t,
		      const struct acrypto_data *d, const u8 *buf)
{
	unsigned int i, units = acrypto_units(d);
	unsigned int unit = d->unit ? d->unit : d->length;
	u8 md[EVP_MAX_MD_SIZE];

	for (i = 0; i < units; i++) {
		const u8 *p = buf + i * unit;

		if (t->operation == ACRYPTO_OP_HASH)
			EVP_Digest(p, unit, md, NULL, md_of(t), NULL);
		else
			HMAC(md_of(t), t->key, t->key_len, p, unit, md, NULL);
		memcpy(d->result + i * d->result_len, md, d->result_len);
	}
}

static void do_modexp(const struct acrypto_transform *t, u8 *buf,
		      unsigned int len)
{
	BN_CTX *c = BN_CTX_new();
	BIGNUM *m = BN_bin2bn(t->key, len, NULL);
	BIGNUM *e = BN_bin2bn(t->key + len, len, NULL);
	BIGNUM *a = BN_bin2bn(buf, len, NULL);

	if (!BN_mod_exp(a, a, e, m, c))
		abort();
	BN_bn2binpad(a, buf, len);
	BN_free(a);
	BN_free(e);
	BN_free(m);
	BN_CTX_free(c);
}

struct fake_key {
	unsigned int len;
	u8 key[];
};

static void flip(struct scatterlist *sg, unsigned int at)
{
	sg->page->bytes[sg->offset + at] ^= 1;
}

/* one operation, in the end flipping a bit where @wrong says so */
static void operate(const struct acrypto_transform *t, struct acrypto_data *d,
		    int wrong)
{
	u8 *buf = malloc(d->length + 1);
	struct acrypto_data whole;
	unsigned int i;

	if (t->operation == ACRYPTO_OP_RNG)
		RAND_bytes(buf, d->length);
	else if (d->length)
		sg_bytes(d->src, d->nsrc, buf, d->length, 0);

	switch (t->operation) {
	case ACRYPTO_OP_HASH:
	case ACRYPTO_OP_HMAC:
		do_digest(t, d, buf);
		/* the last byte: a short test of the start is not enough */
		d->result[d->result_len - 1] ^= wrong & FAKE_WRONG;
		if (wrong & FAKE_BESIDE)
			d->result[acrypto_units(d) * d->result_len] ^= 1;
		break;
	case ACRYPTO_OP_PUBKEY:
		do_modexp(t, buf, d->length);
		/* fall through */
	case ACRYPTO_OP_RNG:
		if (wrong & FAKE_WRONG)
			memset(buf, 0, d->length);
		for (i = 0; wrong & FAKE_SAME && i < d->length; i++)
			buf[i] = i;
		sg_bytes(d->dst, d->ndst, buf, d->length, 1);
		break;
	default:
		whole = *d;
		if (wrong & FAKE_UNITS)
			whole.unit = 0;
		do_cipher(t, &whole, buf);
		/* the last byte: a short test of the start is not enough */
		buf[d->length - 1] ^= wrong & FAKE_WRONG;
		sg_bytes(d->dst, d->ndst, buf, d->length, 1);
		if (wrong & FAKE_BESIDE)
			flip(&d->dst[d->ndst - 1], d->dst[d->ndst - 1].length);
		if (wrong & FAKE_SOURCE && d->dst != d->src)
			flip(&d->src[d->nsrc - 1], 0);
		if (wrong & FAKE_IVS && acrypto_ivsize(t->type, t->mode))
			d->iv[0] ^= 1;
	}
	free(buf);
}

static void fake_key_check(const struct fake_key *key,
			   const struct acrypto_transform *t)
{
	CHECK_EQ(key->len, t->key_len);
	CHECK(!memcmp(key->key, t->key, t->key_len));
}

/* all that a session wants of the device */
static int compute(struct fake *f, struct acrypto_session *s)
{
	const struct acrypto_transform *t = acrypto_session_transform(s);
	const struct acrypto_transform *second = s->key->second;
	int wrong, error;

	CHECK_EQ(atomic_read(&s->state), ACRYPTO_SESSION_RUNNING);
	fake_key_check(acrypto_session_key(s), t);
	if (!acrypto_session_second(s)) {
		/* a part of a key, where the driver has said that it may be */
		CHECK(!second || s->key->driver->flags & ACRYPTO_DRIVER_PARTS);
		second = NULL;
	}
	if (second)
		fake_key_check(s->key->second_priv, second);
	if (f->processing)
		f->processing(f, s);
	error = fake_get(f, error);
	wrong = fake_get(f, wrong);
	if (!error) {
		operate(t, acrypto_session_data(s), second ? 0 : wrong);
		if (second) {
			operate(second, acrypto_session_second(s), wrong);
			__atomic_add_fetch(&f->fused, 1, __ATOMIC_SEQ_CST);
		}
	}
	__atomic_add_fetch(&f->done, 1, __ATOMIC_SEQ_CST);
	return error;
}

/*
 * The driver
 */

static struct fake_key *fake_key_new(const struct acrypto_transform *t)
{
	struct fake_key *k = kmalloc(sizeof(*k) + t->key_len, GFP_NOIO);

	if (!k)
		return NULL;
	k->len = t->key_len;
	memcpy(k->key, t->key, t->key_len);
	return k;
}

static void fake_key_end(struct fake_key *k, const struct acrypto_transform *t)
{
	/* a driver may look at what the key was made of */
	fake_key_check(k, t);
	memset(k->key, 0, k->len);
	kfree(k);
}

static int fake_key_setup(struct acrypto_device *dev, struct acrypto_key *key)
{
	struct fake *f = acrypto_device_priv(dev);
	int err = fake_get(f, key_error);

	might_sleep();
	CHECK_EQ(shim_locks_held(), 0);
	CHECK_EQ(shim_mutexes_held(), 0);
	if (f->at_setup)
		f->at_setup(f);
	__atomic_add_fetch(&f->setups, 1, __ATOMIC_SEQ_CST);
	if (err)
		return err;
	key->priv = fake_key_new(&key->t);
	if (!key->priv)
		return -ENOMEM;
	if (key->second) {
		key->second_priv = fake_key_new(key->second);
		if (!key->second_priv) {
			fake_key_end(key->priv, &key->t);
			return -ENOMEM;
		}
	}
	__atomic_add_fetch(&f->keys, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void fake_key_free(struct acrypto_device *dev, struct acrypto_key *key)
{
	struct fake *f = acrypto_device_priv(dev);

	might_sleep();
	fake_key_end(key->priv, &key->t);
	if (key->second)
		fake_key_end(key->second_priv, key->second);
	__atomic_add_fetch(&f->frees, 1, __ATOMIC_SEQ_CST);
	__atomic_sub_fetch(&f->keys, 1, __ATOMIC_SEQ_CST);
}

static int fake_process(struct acrypto_device *dev, struct acrypto_session *s)
{
	struct fake *f = acrypto_device_priv(dev);

	CHECK_EQ(shim_locks_held(), unit_locks);
	CHECK(!in_irq());
	return compute(f, s);
}

/* one more session in hand, or NULL; when it returns one, fake_put() follows */
static struct acrypto_session *fake_next(struct fake *f,
					 struct acrypto_device *dev)
{
	struct acrypto_session *s = NULL;
	unsigned long flags;

	pthread_mutex_lock(&f->mutex);
	if (!f->resetting && !f->quiet) {
		spin_lock_irqsave(&f->lock, flags);
		s = acrypto_session_next(dev);
		spin_unlock_irqrestore(&f->lock, flags);
		if (s)
			f->working++;
	}
	pthread_mutex_unlock(&f->mutex);
	return s;
}

/* as a driver does who holds a lock of his own meanwhile */
static void fake_complete(struct fake *f, struct acrypto_session *s, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&f->lock, flags);
	acrypto_session_complete(s, error);
	spin_unlock_irqrestore(&f->lock, flags);
}

static void fake_put(struct fake *f)
{
	pthread_mutex_lock(&f->mutex);
	f->working--;
	pthread_cond_broadcast(&f->cond);
	pthread_mutex_unlock(&f->mutex);
}

/* takes it, and keeps it until a reset */
static void fake_swallow(struct fake *f, struct acrypto_session *s)
{
	pthread_mutex_lock(&f->mutex);
	list_add_tail((struct list_head *)&s->driver, &f->taken);
	f->working--;
	pthread_cond_broadcast(&f->cond);
	pthread_mutex_unlock(&f->mutex);
}

static void serve(struct fake *f, struct acrypto_device *dev)
{
	int seen;

	BUILD_BUG_ON(sizeof(((struct acrypto_session *)0)->driver) <
		     sizeof(struct list_head));
	if (__atomic_fetch_add(&f->ring, 1, __ATOMIC_SEQ_CST))
		return;		/* who serves will see it */
	do {
		struct acrypto_session *s;

		seen = fake_get(f, ring);
		while (!fake_get(f, hold) && (s = fake_next(f, dev))) {
			if (fake_get(f, dead)) {
				fake_swallow(f, s);
				continue;
			}
			fake_complete(f, s, compute(f, s));
			fake_put(f);
		}
	} while (!__atomic_compare_exchange_n(&f->ring, &seen, 0, 0,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

static void fake_data_ready(struct acrypto_device *dev)
{
	struct fake *f = acrypto_device_priv(dev);

	CHECK_EQ(shim_locks_held(), unit_locks);
	__atomic_add_fetch(&f->readies, 1, __ATOMIC_SEQ_CST);
	if (f->at_ready)
		f->at_ready(f);
	pthread_mutex_lock(&f->mutex);
	f->quiet = 0;
	if (!f->threaded) {
		pthread_mutex_unlock(&f->mutex);
		serve(f, dev);
		return;
	}
	f->ring = 1;
	f->self = dev;
	pthread_cond_broadcast(&f->cond);
	pthread_mutex_unlock(&f->mutex);
}

static void fake_reset(struct acrypto_device *dev)
{
	struct fake *f = acrypto_device_priv(dev);
	struct list_head *e, *next;

	might_sleep();
	CHECK_EQ(shim_locks_held(), 0);
	pthread_mutex_lock(&f->mutex);
	__atomic_add_fetch(&f->resets, 1, __ATOMIC_SEQ_CST);
	fake_set(f, resetting, 1);
	while (f->working)
		pthread_cond_wait(&f->cond, &f->mutex);
	if (f->at_reset)
		f->at_reset(f);
	if (f->slow_reset_us)
		usleep(f->slow_reset_us);
	while (fake_get(f, reset_hangs))
		usleep(200);
	/* the dying device writes rubbish up to the last moment */
	list_for_each_safe(e, next, &f->taken) {
		struct acrypto_session *s = container_of((void *)e,
					struct acrypto_session, driver);
		struct acrypto_data *d = acrypto_session_data(s);
		unsigned int i;

		for (i = 0; i < d->ndst && !f->tidy; i++)
			memset(d->dst[i].page->bytes + d->dst[i].offset, 0xdd,
			       d->dst[i].length);
		list_del(e);
	}
	/* the device may go now: no look at it until there is work */
	f->quiet = 1;
	fake_set(f, resetting, 0);
	pthread_mutex_unlock(&f->mutex);
}

#define MAX_BATCH	16

static void thread_complete(struct fake *f, struct acrypto_session *s)
{
	int error = compute(f, s);
	u32 how = shim_random(&f->seed) % 3;

	if (how == 1)
		shim_irq_enter();
	if (how == 2)
		shim_bh_enter();
	fake_complete(f, s, error);
	if (how == 1)
		shim_irq_exit();
	if (how == 2)
		shim_bh_exit();
}

static void *fake_thread(void *data)
{
	struct acrypto_session *s, *batch[MAX_BATCH];
	struct acrypto_device *dev;
	struct fake *f = data;
	int n, i, got;

	shim_me();
	for (;;) {
		pthread_mutex_lock(&f->mutex);
		while (!f->stop && (!f->ring || f->hold))
			pthread_cond_wait(&f->cond, &f->mutex);
		if (f->stop)
			break;
		f->ring = 0;
		dev = f->self;
		pthread_mutex_unlock(&f->mutex);

		do {
			n = 0;
			while (n < f->batch && (s = fake_next(f, dev)))
				batch[n++] = s;
			got = n;
			while (n) {
				i = shim_random(&f->seed) % n;
				s = batch[i];
				batch[i] = batch[--n];
				if (f->slow_us)
					usleep(shim_random(&f->seed) %
					       f->slow_us);
				if (fake_get(f, dead))
					fake_swallow(f, s);
				else if (fake_get(f, resetting))
					fake_put(f);	/* given up */
				else if (f->loses && s->priv == &fake_lost &&
					 !(shim_random(&f->seed) % f->loses)) {
					compute(f, s);
					fake_swallow(f, s);
				} else {
					thread_complete(f, s);
					fake_put(f);
				}
			}
		} while (got);
	}
	pthread_mutex_unlock(&f->mutex);
	return NULL;
}

struct fake *fake_try(const struct fake_info *info)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct acrypto_device_info i = {
		.name = info->name,
		.cpu = info->cpu,
		.qlen = info->qlen,
		.timeout = info->timeout,
		.caps = info->caps ? info->caps : caps_null,
		.nr_caps = info->caps ? info->nr_caps : nr_caps_null,
		.priv = f,
	};
	struct acrypto_device *dev;

	assert_non_null(f);
	snprintf(f->name, sizeof(f->name), "%s", info->name);
	f->driver.name = "fake";
	f->driver.owner = THIS_MODULE;
	f->driver.flags = info->flags;
	f->driver.key_setup = fake_key_setup;
	f->driver.key_free = fake_key_free;
	if (info->kind == FAKE_SYNC) {
		f->driver.process = fake_process;
	} else {
		f->driver.data_ready = fake_data_ready;
		f->driver.reset = fake_reset;
	}
	i.driver = info->driver_of ? &info->driver_of->driver : &f->driver;
	f->shares = i.driver->flags & ACRYPTO_DRIVER_SHARED_KEYS;
	f->wrong = info->wrong;
	f->key_error = info->key_error;
	f->batch = 1;
	f->seed = unit_seed ^ (unsigned long)f;
	f->threaded = info->kind == FAKE_THREAD;
	pthread_mutex_init(&f->mutex, NULL);
	pthread_cond_init(&f->cond, NULL);
	INIT_LIST_HEAD(&f->taken);
	spin_lock_init(&f->lock);
	if (f->threaded)
		pthread_create(&f->thread, NULL, fake_thread, f);

	dev = acrypto_device_add(&i);
	if (IS_ERR(dev)) {
		fake_add_error = PTR_ERR(dev);
		f->dev = NULL;
		fake_free(f);
		return NULL;
	}
	fake_add_error = 0;
	f->dev = dev;
	return f;
}

struct fake *fake_new(const struct fake_info *info)
{
	struct fake *f = fake_try(info);

	assert_non_null(f);
	return f;
}

void fake_gone(struct fake *f)
{
	acrypto_device_remove(f->dev);
	f->dev = NULL;
}

void fake_free(struct fake *f)
{
	if (f->dev)
		fake_gone(f);
	if (f->threaded) {
		pthread_mutex_lock(&f->mutex);
		f->stop = 1;
		pthread_cond_broadcast(&f->cond);
		pthread_mutex_unlock(&f->mutex);
		pthread_join(f->thread, NULL);
	}
	/* a shared key may be freed on behalf of another device */
	if (!f->shares)
		CHECK_EQ(f->keys, 0);
	CHECK_EQ(f->working, 0);
	CHECK(list_empty(&f->taken));
	free(f);
}

/*
 * What the test itself completes is delivered before it goes on, unless it
 * does so in an interrupt: as if a soft interrupt of this CPU came by.
 */
static int bh_off(void)
{
	int ours = !in_irq() && !irqs_disabled();

	if (ours)
		local_bh_disable();
	return ours;
}

static void bh_on(int ours)
{
	if (ours)
		local_bh_enable();
}

/* unless others are quicker: then those are done */
static void bh_on_done(int ours)
{
	bh_on(ours);
	if (shim_may_sleep())
		shim_softirqs_done();
}

struct acrypto_session *fake_take(struct fake *f)
{
	struct acrypto_session *s;
	int ours = bh_off();

	s = fake_next(f, f->dev);
	bh_on_done(ours);
	return s;
}

void fake_finish(struct fake *f, struct acrypto_session *s, int error)
{
	int err = compute(f, s), ours = bh_off();

	fake_complete(f, s, error ? error : err);
	fake_put(f);
	bh_on_done(ours);
}

void fake_lose(struct fake *f, struct acrypto_session *s)
{
	fake_swallow(f, s);
}

void fake_finish_all(struct fake *f, struct acrypto_session **s, int nr,
		     int error)
{
	unsigned long flags;
	int i, ours;

	for (i = 0; i < nr; i++)
		CHECK_EQ(compute(f, s[i]), 0);
	ours = bh_off();
	spin_lock_irqsave(&f->lock, flags);
	acrypto_sessions_complete(s, nr, error);
	spin_unlock_irqrestore(&f->lock, flags);
	for (i = 0; i < nr; i++)
		fake_put(f);
	bh_on_done(ours);
}

void fake_serve(struct fake *f)
{
	int ours;

	fake_set(f, hold, 0);
	if (f->threaded) {
		fake_data_ready(f->dev);
		return;
	}
	ours = bh_off();
	serve(f, f->dev);
	bh_on(ours);
}
