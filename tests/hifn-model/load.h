/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What skload and acload share: how much they are to do, the buffers, and waiting.
 * A request is what is submitted at once: an encryption, or a session of several.
 */

#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/wait.h>

static unsigned int size = 4096;
module_param(size, uint, 0444);
MODULE_PARM_DESC(size, "bytes of an encryption; a request has at most 64 KiB");

static unsigned int depth = 1;
module_param(depth, uint, 0444);
MODULE_PARM_DESC(depth, "encryptions in work, at most 256");

static unsigned int count = 1000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "encryptions");

static bool in_place;
module_param(in_place, bool, 0444);
MODULE_PARM_DESC(in_place, "encrypt in place");

/* those of a request */
struct buffers {
	struct scatterlist src;
	struct scatterlist dst;
	void *from;
	void *to;		/* may be @from */
	bool busy;
};

static DECLARE_WAIT_QUEUE_HEAD(wait);
static atomic_t in_work = ATOMIC_INIT(0);
static unsigned int requests;	/* in work at most */
static int failure;

static int buffers_make(struct buffers *b, unsigned int bytes)
{
	unsigned int order = get_order(bytes);

	b->from = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	b->to = b->from;
	if (!in_place)
		b->to = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
	if (!b->from || !b->to)
		return -ENOMEM;
	sg_init_one(&b->src, b->from, bytes);
	sg_init_one(&b->dst, b->to, bytes);
	return 0;
}

static void buffers_free(struct buffers *b, unsigned int bytes)
{
	if (b->to != b->from)
		free_pages((unsigned long)b->to, get_order(bytes));
	free_pages((unsigned long)b->from, get_order(bytes));
}

/* Half of them are submitted at once, as a loaded consumer would. */
static inline bool half_is_free(void)
{
	return atomic_read(&in_work) <= requests / 2;
}

static inline bool is_free(const struct buffers *b)
{
	/* with is_done(): what was done to the buffer was done before */
	return !smp_load_acquire(&b->busy);
}

static inline void is_done(struct buffers *b, int error)
{
	if (error)
		WRITE_ONCE(failure, error);
	smp_store_release(&b->busy, false);	/* with is_free() */
	if (atomic_dec_return(&in_work) <= requests / 2)
		wake_up(&wait);
}
