// SPDX-License-Identifier: GPL-2.0
/*
 * Key changes under work, and what they cost, through the kernel's
 * cryptographic API.  Loading it runs what "test" names and fails in the end,
 * so nothing has to be unloaded; the log has the results:
 *
 *	under	one thread changes the key while requests are under way; each of
 *		them is all done by one of the two keys
 *	beside	one thread changes the key while another one makes requests: they
 *		all end, and nobody crashes
 *	race	the key changes while devices get the one before, which its first
 *		request has asked for: what follows is done by the new one
 *	gone	transforms go while devices get their keys
 *	simd	a request comes while the CPU's SIMD registers are in use
 *	time	nanoseconds for the rekeying of "count" transforms of "kind"
 */
#define pr_fmt(fmt)	"rekey: " fmt

#include <asm/fpu/api.h>
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <crypto/skcipher.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define REQUESTS	16
#define LENGTH		4096
#define KEY		16
#define PAIR		44	/* HMAC-SHA1 and AES-128, as authenc wants them */
#define SETTLED		15000	/* us after which a request gets devices the key */

static char *test = "under";
module_param(test, charp, 0444);

static char *alg = "acrypto(cbc(aes))";
module_param(alg, charp, 0444);

static char *kind = "skcipher";
module_param(kind, charp, 0444);

static unsigned int count = 1000;
module_param(count, uint, 0444);

static u8 keys[2][KEY] = { "the first of two", "and another one!" };
static u8 pairs[2][PAIR] = {
	{ 8, 0, 1, 0, 0, 0, 0, KEY, 'o', 'n', 'e' },
	{ 8, 0, 1, 0, 0, 0, 0, KEY, 't', 'w', 'o' },
};
static u8 *expected[2];

struct work {
	struct skcipher_request *req;
	struct crypto_wait wait;
	struct scatterlist sg;
	u8 *data;
	u8 iv[16];
	int err;
};

static struct work works[REQUESTS];

static int begin(struct crypto_skcipher *tfm, struct work *w)
{
	memset(w->data, 0x5a, LENGTH);
	memset(w->iv, 0, sizeof(w->iv));
	sg_init_one(&w->sg, w->data, LENGTH);
	crypto_init_wait(&w->wait);
	skcipher_request_set_callback(w->req, CRYPTO_TFM_REQ_MAY_BACKLOG,
				      crypto_req_done, &w->wait);
	skcipher_request_set_crypt(w->req, &w->sg, &w->sg, LENGTH, w->iv);
	w->err = crypto_skcipher_encrypt(w->req);
	return w->err;
}

static int end(struct work *w)
{
	w->err = crypto_wait_req(w->err, &w->wait);
	return w->err;
}

static void works_free(void)
{
	unsigned int i;

	for (i = 0; i < REQUESTS; i++) {
		skcipher_request_free(works[i].req);
		kfree(works[i].data);
	}
	kfree(expected[0]);
	kfree(expected[1]);
}

static int works_alloc(struct crypto_skcipher *tfm)
{
	unsigned int i;

	expected[0] = kmalloc(LENGTH, GFP_KERNEL);
	expected[1] = kmalloc(LENGTH, GFP_KERNEL);
	if (!expected[0] || !expected[1])
		return -ENOMEM;
	for (i = 0; i < REQUESTS; i++) {
		works[i].req = skcipher_request_alloc(tfm, GFP_KERNEL);
		works[i].data = kmalloc(LENGTH, GFP_KERNEL);
		if (!works[i].req || !works[i].data)
			return -ENOMEM;
	}
	return 0;
}

static int expect(struct crypto_skcipher *tfm)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < 2 && !err; i++) {
		err = crypto_skcipher_setkey(tfm, keys[i], KEY);
		if (!err) {
			begin(tfm, &works[0]);
			err = end(&works[0]);
		}
		memcpy(expected[i], works[0].data, LENGTH);
	}
	return err;
}

static int test_under(struct crypto_skcipher *tfm)
{
	unsigned int n, i, with[2] = { 0, 0 }, failed = 0, wrong = 0, pending = 0;

	for (n = 0; n < count; n++) {
		for (i = 0; i < REQUESTS; i++) {
			if (crypto_skcipher_setkey(tfm, keys[i & 1], KEY))
				return -EIO;
			begin(tfm, &works[i]);
		}
		/* and those that are under way lose the key they began with */
		for (i = 0; i < REQUESTS; i++)
			if (works[i].err == -EINPROGRESS)
				pending++;
		if (crypto_skcipher_setkey(tfm, keys[n & 1], KEY))
			return -EIO;
		for (i = 0; i < REQUESTS; i++) {
			if (end(&works[i]))
				failed++;
			else if (!memcmp(works[i].data, expected[0], LENGTH))
				with[0]++;
			else if (!memcmp(works[i].data, expected[1], LENGTH))
				with[1]++;
			else
				wrong++;
		}
		cond_resched();
	}
	pr_info("under: %u pending, %u by the one key, %u by the other, %u failed, %u wrong\n",
		pending, with[0], with[1], failed, wrong);
	return failed || wrong || !with[0] || !with[1] ? -EIO : 0;
}

static int rekeyer(void *data)
{
	unsigned int n = 0;

	while (!kthread_should_stop()) {
		crypto_skcipher_setkey(data, keys[n++ & 1], KEY);
		cond_resched();
	}
	return n;
}

static int test_beside(struct crypto_skcipher *tfm)
{
	struct task_struct *task = kthread_run(rekeyer, tfm, "rekeyer");
	unsigned int n, i, failed = 0;

	if (IS_ERR(task))
		return PTR_ERR(task);
	for (n = 0; n < count; n++) {
		for (i = 0; i < REQUESTS; i++)
			begin(tfm, &works[i]);
		for (i = 0; i < REQUESTS; i++)
			if (end(&works[i]))
				failed++;
		cond_resched();
	}
	pr_info("beside: %d key changes, %u failed\n", kthread_stop(task),
		failed);
	return failed ? -EIO : 0;
}

/* On the CPU that it is called on, which is where the devices get the key. */
static int begin_here(void *tfm)
{
	return begin(tfm, &works[0]);
}

static unsigned int wrong_by(const u8 *right)
{
	return end(&works[0]) || memcmp(works[0].data, right, LENGTH);
}

static int test_race(struct crypto_skcipher *tfm)
{
	unsigned int n, i, us, wrong = 0, last = num_online_cpus() - 1;

	/* who wakes up while the devices get the key goes first */
	sched_set_fifo(current);
	for (n = 0; n < count; n++) {
		us = n / 2 % 100;
		if (crypto_skcipher_setkey(tfm, keys[0], KEY))
			return -EIO;
		usleep_range(SETTLED, SETTLED + 100);
		smp_call_on_cpu(last, begin_here, tfm, false);
		wrong += wrong_by(expected[0]);
		if (n % 2)
			udelay(us);
		else
			usleep_range(us, us + 1);
		if (crypto_skcipher_setkey(tfm, keys[1], KEY))
			return -EIO;
		/* as long as it may take until they have it */
		for (i = 0; i < 8; i++) {
			begin(tfm, &works[0]);
			wrong += wrong_by(expected[1]);
			usleep_range(20, 21);
		}
		/* and now they get this one */
		usleep_range(SETTLED, SETTLED + 100);
		for (i = 0; i < 8; i++) {
			begin(tfm, &works[0]);
			wrong += wrong_by(expected[1]);
			usleep_range(100, 101);
		}
	}
	sched_set_normal(current, 0);
	pr_info("race: %u times, %u wrong\n", count, wrong);
	return wrong ? -EIO : 0;
}

static int test_gone(struct crypto_skcipher *same)
{
	struct crypto_skcipher *tfm;
	unsigned int n, us, wrong = 0;

	sched_set_fifo(current);
	for (n = 0; n < count; n++) {
		us = n / 2 % 100;
		tfm = crypto_alloc_skcipher(alg, 0, 0);
		if (IS_ERR(tfm))
			return PTR_ERR(tfm);
		if (crypto_skcipher_setkey(tfm, keys[0], KEY))
			wrong++;
		usleep_range(SETTLED, SETTLED + 100);
		skcipher_request_set_tfm(works[0].req, tfm);
		begin(tfm, &works[0]);
		wrong += wrong_by(expected[0]);
		if (n % 2)
			usleep_range(us, us + 1);
		crypto_free_skcipher(tfm);
	}
	sched_set_normal(current, 0);
	skcipher_request_set_tfm(works[0].req, same);
	pr_info("gone: %u transforms, %u wrong\n", count, wrong);
	return wrong ? -EIO : 0;
}

static int test_simd(struct crypto_skcipher *tfm)
{
	unsigned int n, pending = 0, wrong = 0;

	for (n = 0; n < count; n++) {
		if (crypto_skcipher_setkey(tfm, keys[n & 1], KEY))
			return -EIO;
		kernel_fpu_begin();
		pending += begin(tfm, &works[0]) == -EINPROGRESS;
		kernel_fpu_end();
		wrong += wrong_by(expected[n & 1]);
	}
	pr_info("simd: %u requests, %u pending, %u wrong\n", count, pending,
		wrong);
	return wrong || pending != count ? -EIO : 0;
}

static void *kind_alloc(void)
{
	if (!strcmp(kind, "ahash"))
		return crypto_alloc_ahash(alg, 0, 0);
	if (!strcmp(kind, "aead"))
		return crypto_alloc_aead(alg, 0, 0);
	return crypto_alloc_skcipher(alg, 0, 0);
}

static void kind_free(void *tfm)
{
	if (!strcmp(kind, "ahash"))
		crypto_free_ahash(tfm);
	else if (!strcmp(kind, "aead"))
		crypto_free_aead(tfm);
	else
		crypto_free_skcipher(tfm);
}

/* What @n key changes take. */
static int kind_setkeys(void **tfm, unsigned int n, unsigned int key, u64 *took)
{
	u64 start = ktime_get_ns();
	int err = 0;

	if (!strcmp(kind, "ahash"))
		while (n-- && !err)
			err = crypto_ahash_setkey(*tfm++, keys[key], KEY);
	else if (!strcmp(kind, "aead"))
		while (n-- && !err)
			err = crypto_aead_setkey(*tfm++, pairs[key], PAIR);
	else
		while (n-- && !err)
			err = crypto_skcipher_setkey(*tfm++, keys[key], KEY);
	*took = ktime_get_ns() - start;
	return err;
}

/* One request of each, so that devices have the key then. */
static int kind_use(void **tfm, unsigned int n)
{
	struct crypto_skcipher *skcipher;
	int err;

	if (strcmp(kind, "skcipher"))
		return 0;
	usleep_range(SETTLED, SETTLED + 100);
	err = works_alloc(*tfm);
	while (n-- && !err) {
		skcipher = *tfm++;
		skcipher_request_set_tfm(works[0].req, skcipher);
		begin(skcipher, &works[0]);
		err = end(&works[0]);
		cond_resched();
	}
	works_free();
	msleep(500);
	return err;
}

static int test_time(void)
{
	u64 first, again, used;
	unsigned int n;
	void **tfm;
	int err = 0;

	tfm = vzalloc(count * sizeof(*tfm));
	if (!tfm)
		return -ENOMEM;
	for (n = 0; n < count && !err; n++) {
		tfm[n] = kind_alloc();
		if (IS_ERR(tfm[n])) {
			err = PTR_ERR(tfm[n]);
			tfm[n] = NULL;
		}
		cond_resched();
	}
	if (!err)
		err = kind_setkeys(tfm, count, 0, &first);
	if (!err)
		err = kind_setkeys(tfm, count, 1, &again);
	if (!err)
		err = kind_use(tfm, count);
	if (!err)
		err = kind_setkeys(tfm, count, 0, &used);
	if (!err)
		pr_info("time: %s %llu first, %llu again, %llu used\n", alg,
			first, again, used);
	for (n = 0; n < count; n++) {
		if (tfm[n])
			kind_free(tfm[n]);
		cond_resched();
	}
	vfree(tfm);
	return err;
}

static int run(void)
{
	struct crypto_skcipher *tfm;
	int err;

	if (!strcmp(test, "time"))
		return test_time();
	tfm = crypto_alloc_skcipher(alg, 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	err = works_alloc(tfm);
	if (!err)
		err = expect(tfm);
	if (!err)
		err = !strcmp(test, "under") ? test_under(tfm) :
		      !strcmp(test, "race") ? test_race(tfm) :
		      !strcmp(test, "gone") ? test_gone(tfm) :
		      !strcmp(test, "simd") ? test_simd(tfm) :
					      test_beside(tfm);
	works_free();
	crypto_free_skcipher(tfm);
	return err;
}

static int __init rekey_init(void)
{
	int err = run();

	pr_info("%s: %s: %d\n", test, err ? "failed" : "passed", err);
	/* not to stay */
	return -ECANCELED;
}
module_init(rekey_init);

MODULE_DESCRIPTION("Tests of key changes");
MODULE_LICENSE("GPL");
