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
#include "load.h"

static unsigned int units = 1;
module_param(units, uint, 0444);
MODULE_PARM_DESC(units, "encryptions in a session");

struct slot {
	struct acrypto_session session;
	struct buffers data;
	u8 *ivs;
};

static void done(struct acrypto_session *s, int error)
{
	struct slot *slot = s->priv;

	is_done(&slot->data, error);
}

static void make(struct slot *slot, struct acrypto_context *ctx)
{
	struct acrypto_session *s = &slot->session;

	slot->data.busy = true;
	acrypto_session_init(s, ctx);
	memset(slot->ivs, 0x5a, units * ACRYPTO_MAX_BLOCK);
	s->one.src = &slot->data.src;
	s->one.dst = in_place ? &slot->data.src : &slot->data.dst;
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
	LIST_HEAD(ended);
	int error;

	while (submitted < count && !READ_ONCE(failure)) {
		wait_event(wait, half_is_free());
		for (i = 0; i < requests && submitted < count; i++) {
			if (!is_free(&slots[i].data))
				continue;
			make(&slots[i], ctx);
			list_add_tail(&slots[i].session.entry, &list);
			atomic_inc(&in_work);
			submitted += units;
		}
		error = acrypto_submit_list(&list, &ended);
		acrypto_sessions_report(&ended);
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
	slot->ivs = kmalloc_array(units, ACRYPTO_MAX_BLOCK, GFP_KERNEL);
	if (!slot->ivs)
		return -ENOMEM;
	return buffers_make(&slot->data, units * size);
}

static void release(struct slot *slot)
{
	kfree(slot->ivs);
	buffers_free(&slot->data, units * size);
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
	requests = depth / units;
	ctx = acrypto_context_create(&t, 1);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	slots = kcalloc(requests, sizeof(*slots), GFP_KERNEL);
	if (!slots)
		error = -ENOMEM;
	for (i = 0; i < requests && !error; i++)
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
	for (i = 0; slots && i < requests; i++)
		release(&slots[i]);
	kfree(slots);
	acrypto_context_destroy(ctx);
	/* the module may go */
	acrypto_flush();
	return error;
}

static void __exit acload_exit(void)
{
}

module_init(acload_init);
module_exit(acload_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Load on acrypto");
