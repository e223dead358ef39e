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
 *	time	nanoseconds for the rekeying of "count" transforms
 */
#define pr_fmt(fmt)	"rekey: " fmt

#include <crypto/skcipher.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/scatterlist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#define REQUESTS	16
#define LENGTH		4096
#define KEY		16

static char *test = "under";
module_param(test, charp, 0444);

static char *alg = "acrypto(cbc(aes))";
module_param(alg, charp, 0444);

static unsigned int count = 1000;
module_param(count, uint, 0444);

static u8 keys[2][KEY] = { "the first of two", "and another one!" };
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

static int test_time(void)
{
	struct crypto_skcipher **tfm;
	u64 first, again;
	unsigned int n;
	int err = 0;

	tfm = vzalloc(count * sizeof(*tfm));
	if (!tfm)
		return -ENOMEM;
	for (n = 0; n < count && !err; n++) {
		tfm[n] = crypto_alloc_skcipher(alg, 0, 0);
		if (IS_ERR(tfm[n])) {
			err = PTR_ERR(tfm[n]);
			tfm[n] = NULL;
		}
		cond_resched();
	}
	first = ktime_get_ns();
	for (n = 0; n < count && !err; n++)
		err = crypto_skcipher_setkey(tfm[n], keys[0], KEY);
	again = ktime_get_ns();
	for (n = 0; n < count && !err; n++)
		err = crypto_skcipher_setkey(tfm[n], keys[1], KEY);
	if (!err)
		pr_info("time: %s %llu first, %llu again\n", alg,
			again - first, ktime_get_ns() - again);
	for (n = 0; n < count; n++) {
		if (tfm[n])
			crypto_free_skcipher(tfm[n]);
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
