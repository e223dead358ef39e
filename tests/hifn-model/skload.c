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
#include "load.h"

static char *cipher = "cbc(aes)";
module_param(cipher, charp, 0444);
MODULE_PARM_DESC(cipher, "name of a cipher or of its driver");

static unsigned int key_size = 16;
module_param(key_size, uint, 0444);
MODULE_PARM_DESC(key_size, "bytes of the key");

struct slot {
	struct skcipher_request *request;
	struct buffers data;
	u8 iv[32];
};

static void done(struct crypto_async_request *base, int error)
{
	struct slot *slot = base->data;

	/* only out of the backlog */
	if (error == -EINPROGRESS)
		return;
	is_done(&slot->data, error);
}

static void submit(struct slot *slot)
{
	int error;

	slot->data.busy = true;
	atomic_inc(&in_work);
	memset(slot->iv, 0x5a, sizeof(slot->iv));
	skcipher_request_set_crypt(slot->request, &slot->data.src,
				   in_place ? &slot->data.src : &slot->data.dst,
				   size, slot->iv);
	error = crypto_skcipher_encrypt(slot->request);
	if (error == -EINPROGRESS || error == -EBUSY)
		return;
	done(&slot->request->base, error);
}

static void load(struct slot *slots)
{
	unsigned int submitted = 0, i;

	while (submitted < count && !READ_ONCE(failure)) {
		wait_event(wait, half_is_free());
		for (i = 0; i < requests && submitted < count; i++) {
			if (!is_free(&slots[i].data))
				continue;
			submit(&slots[i]);
			submitted++;
		}
	}
	wait_event(wait, !atomic_read(&in_work));
}

static int prepare(struct slot *slot, struct crypto_skcipher *tfm)
{
	slot->request = skcipher_request_alloc(tfm, GFP_KERNEL);
	if (!slot->request)
		return -ENOMEM;
	skcipher_request_set_callback(slot->request, CRYPTO_TFM_REQ_MAY_BACKLOG |
				      CRYPTO_TFM_REQ_MAY_SLEEP, done, slot);
	return buffers_make(&slot->data, size);
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
	requests = depth;
	slots = kcalloc(requests, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		error = -ENOMEM;
	else
		error = crypto_skcipher_setkey(tfm, key, key_size);
	for (i = 0; i < requests && !error; i++)
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
	for (i = 0; slots && i < requests; i++) {
		skcipher_request_free(slots[i].request);
		buffers_free(&slots[i].data, size);
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
