// SPDX-License-Identifier: GPL-2.0
/*
 * acload - keep acrypto busy
 *
 * As skload does with the crypto API, by acrypto's own interface, as dm-crypt and
 * ESP use it: while the module loads, one thread submits COUNT encryptions of SIZE
 * bytes, UNITS of them in a session, and keeps DEPTH encryptions in work; then it
 * says what that took:
 *
 *	acload: SIZE UNITS DEPTH COUNT nanoseconds NS
 *
 * The cipher is AES-128 in CBC mode.
 */

#include <linux/acrypto.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/wait.h>

static unsigned int size = 4096;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes of an encryption; units times this is at most 64 KiB");

static unsigned int units = 1;
module_param(units, uint, 0444);
MODULE_PARM_DESC(units, "encryptions in a session");

static unsigned int depth = 1;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "encryptions in work, at most 256");

static unsigned int count = 1000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "encryptions");

static bool in_place;
module_param(in_place, bool, 0444);
MODULE_PARM_DESC(in_place, "encrypt in place");

struct slot {
	struct acrypto_session session;
	struct scatterlist src;
	struct scatterlist dst;
	void *from;
	void *to;		/* may be @from */
	u8 *ivs;
	bool busy;
};

static DECLARE_WAIT_QUEUE_HEAD(wait);
static atomic_t in_work = ATOMIC_INIT(0);
static unsigned int sessions;	/* in work at most */
static int failure;

static void done(struct acrypto_session *s, int error)
{
	struct slot *slot = s->priv;

	if (error)
		WRITE_ONCE(failure, error);
	/* with load(): what was done to the buffer was done before */
	smp_store_release(&slot->busy, false);
	/* half of them are submitted at once, as a loaded consumer would */
	if (atomic_dec_return(&in_work) <= sessions / 2)
		wake_up(&wait);
}

static void make(struct slot *slot, struct acrypto_context *ctx)
{
	struct acrypto_session *s = &slot->session;

	slot->busy = true;
	acrypto_session_init(s, ctx);
	memset(slot->ivs, 0x5a, units * ACRYPTO_MAX_BLOCK);
	s->one.src = &slot->src;
	s->one.dst = in_place ? &slot->src : &slot->dst;
	s->one.nsrc = 1;
	s->one.ndst = 1;
	s->one.length = units * size;
	s->one.unit = size;
	s->one.iv = slot->ivs;
	s->flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_MAY_SLEEP;
	s->callback = done;
	s->priv = slot;
}

static void load(struct slot *slots, struct acrypto_context *ctx)
{
	unsigned int submitted = 0, i;
	LIST_HEAD(list);
	int error;

	while (submitted < count && !READ_ONCE(failure)) {
		wait_event(wait, atomic_read(&in_work) <= sessions / 2);
		for (i = 0; i < sessions && submitted < count; i++) {
			/* with done() */
			if (smp_load_acquire(&slots[i].busy))
				continue;
			make(&slots[i], ctx);
			list_add_tail(&slots[i].session.entry, &list);
			atomic_inc(&in_work);
			submitted += units;
		}
		error = acrypto_submit_list(&list);
		while (error && !list_empty(&list)) {
			list_del_init(list.next);
			atomic_dec(&in_work);
			WRITE_ONCE(failure, error);
		}
	}
	wait_event(wait, !atomic_read(&in_work));
}

static int prepare(struct slot *slot)
{
	unsigned int order = get_order(units * size);

	slot->from = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	slot->to = slot->from;
	if (!in_place)
		slot->to = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	slot->ivs = kmalloc_array(units, ACRYPTO_MAX_BLOCK, GFP_KERNEL);
	if (!slot->from || !slot->to || !slot->ivs)
		return -ENOMEM;
	sg_init_one(&slot->src, slot->from, units * size);
	sg_init_one(&slot->dst, slot->to, units * size);
	return 0;
}

static void release(struct slot *slot)
{
	unsigned int order = get_order(units * size);

	kfree(slot->ivs);
	if (slot->to != slot->from)
		free_pages((unsigned long)slot->to, order);
	free_pages((unsigned long)slot->from, order);
}

static int __init acload_init(void)
{
	static const u8 key[] = "0123456789abcde";	/* and its end */
	const struct acrypto_transform t = {
		.operation = ACRYPTO_OP_ENCRYPT,
		.type = ACRYPTO_TYPE_AES_128,
		.mode = ACRYPTO_MODE_CBC,
		.key_len = sizeof(key),
		.key = key,
	};
	struct acrypto_context *ctx;
	struct slot *slots;
	unsigned int i;
	ktime_t start;
	int error = 0;

	if (!size || !units || units > 256 || units * size > 65536 || !depth ||
	    depth > 256 || depth % units || count % units)
		return -EINVAL;
	sessions = depth / units;
	ctx = acrypto_context_create(&t, 1);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	slots = kcalloc(sessions, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		error = -ENOMEM;
	for (i = 0; i < sessions && !error; i++)
		error = prepare(&slots[i]);
	if (!error) {
		start = ktime_get();
		load(slots, ctx);
		error = failure;
		if (error)
			pr_err("acload: %d\n", error);
		else
			pr_info("acload: %u %u %u %u nanoseconds %lld\n", size, units,
				depth, count, ktime_to_ns(ktime_sub(ktime_get(), start)));
	}
	for (i = 0; slots && i < sessions; i++)
		release(&slots[i]);
	kfree(slots);
	acrypto_context_destroy(ctx);
	return error;
}

static void __exit acload_exit(void)
{
}

module_init(acload_init);
module_exit(acload_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Load on acrypto");
