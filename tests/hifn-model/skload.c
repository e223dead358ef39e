// SPDX-License-Identifier: GPL-2.0
/*
 * skload - keep a cipher of the kernel's crypto API busy
 *
 * While the module loads, one thread submits COUNT encryptions and keeps DEPTH of
 * them in work; then it says what that took:
 *
 *	skload: CIPHER SIZE DEPTH COUNT nanoseconds NS
 *
 * A request has buffers of its own, as a driver's best case: contiguous, aligned
 * to their page.  With in_place=1 it has one, which is encrypted in place.
 */

#include <crypto/skcipher.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/wait.h>

static char *cipher = "cbc(aes)";
module_param(cipher, charp, 0444);
MODULE_PARM_DESC(cipher, "name of a cipher or of its driver");

static unsigned int key_size = 16;
module_param(key_size, uint, 0444);
MODULE_PARM_DESC(key_size, "bytes of the key");

static unsigned int size = 4096;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes of a request, at most 64 KiB");

static unsigned int depth = 1;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "requests in work, at most 256");

static unsigned int count = 1000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "requests");

static bool in_place;
module_param(in_place, bool, 0444);
MODULE_PARM_DESC(in_place, "encrypt in place");

struct slot {
	struct skcipher_request *request;
	struct scatterlist src;
	struct scatterlist dst;
	void *from;
	void *to;		/* may be @from */
	u8 iv[32];
	bool busy;
};

static DECLARE_WAIT_QUEUE_HEAD(wait);
static atomic_t in_work = ATOMIC_INIT(0);
static int failure;

static void done(struct crypto_async_request *base, int error)
{
	struct slot *slot = base->data;

	/* only out of the backlog */
	if (error == -EINPROGRESS)
		return;
	if (error)
		WRITE_ONCE(failure, error);
	/* with load(): what was done to the buffer was done before */
	smp_store_release(&slot->busy, false);
	/* half of them are submitted at once, as a loaded consumer would */
	if (atomic_dec_return(&in_work) <= depth / 2)
		wake_up(&wait);
}

static void submit(struct slot *slot)
{
	int error;

	slot->busy = true;
	atomic_inc(&in_work);
	memset(slot->iv, 0x5a, sizeof(slot->iv));
	skcipher_request_set_crypt(slot->request, &slot->src,
				   in_place ? &slot->src : &slot->dst, size, slot->iv);
	error = crypto_skcipher_encrypt(slot->request);
	if (error == -EINPROGRESS || error == -EBUSY)
		return;
	done(&slot->request->base, error);
}

static void load(struct slot *slots)
{
	unsigned int submitted = 0, i;

	while (submitted < count && !READ_ONCE(failure)) {
		wait_event(wait, atomic_read(&in_work) <= depth / 2);
		for (i = 0; i < depth && submitted < count; i++) {
			/* with done() */
			if (smp_load_acquire(&slots[i].busy))
				continue;
			submit(&slots[i]);
			submitted++;
		}
	}
	wait_event(wait, !atomic_read(&in_work));
}

static int prepare(struct slot *slot, struct crypto_skcipher *tfm)
{
	slot->from = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, get_order(size));
	slot->to = slot->from;
	if (!in_place)
		slot->to = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
						    get_order(size));
	slot->request = skcipher_request_alloc(tfm, GFP_KERNEL);
	if (!slot->from || !slot->to || !slot->request)
		return -ENOMEM;
	sg_init_one(&slot->src, slot->from, size);
	sg_init_one(&slot->dst, slot->to, size);
	skcipher_request_set_callback(slot->request, CRYPTO_TFM_REQ_MAY_BACKLOG |
				      CRYPTO_TFM_REQ_MAY_SLEEP, done, slot);
	return 0;
}

static int __init skload_init(void)
{
	static const u8 key[64] = "a key that is not weak, even for DES: 0123456789abcdefghijk";
	struct crypto_skcipher *tfm;
	struct slot *slots;
	unsigned int i;
	ktime_t start;
	int error = 0;

	if (!size || size > 65536 || !depth || depth > 256 || key_size > sizeof(key))
		return -EINVAL;
	tfm = crypto_alloc_skcipher(cipher, 0, 0);
	if (IS_ERR(tfm)) {
		pr_err("skload: no cipher %s: %ld\n", cipher, PTR_ERR(tfm));
		return PTR_ERR(tfm);
	}
	slots = kcalloc(depth, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		error = -ENOMEM;
	else
		error = crypto_skcipher_setkey(tfm, key, key_size);
	for (i = 0; i < depth && !error; i++)
		error = prepare(&slots[i], tfm);
	if (!error) {
		start = ktime_get();
		load(slots);
		error = failure;
		if (error)
			pr_err("skload: %s: %d\n", cipher, error);
		else
			pr_info("skload: %s %u %u %u nanoseconds %lld\n", cipher, size,
				depth, count, ktime_to_ns(ktime_sub(ktime_get(), start)));
	}
	for (i = 0; slots && i < depth; i++) {
		skcipher_request_free(slots[i].request);
		if (slots[i].to != slots[i].from)
			free_pages((unsigned long)slots[i].to, get_order(size));
		free_pages((unsigned long)slots[i].from, get_order(size));
	}
	kfree(slots);
	crypto_free_skcipher(tfm);
	return error;
}

static void __exit skload_exit(void)
{
}

module_init(skload_init);
module_exit(skload_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Load on a cipher of the crypto API");
