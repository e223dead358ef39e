// SPDX-License-Identifier: GPL-2.0
/*
 * draw - one session of random numbers
 *
 * While it loads, it has acrypto fill a page, and says
 *
 *	draw: ERROR
 */

#include <linux/acrypto.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/module.h>

static struct acrypto_session session;
static DECLARE_COMPLETION(drawn);

static void done(struct acrypto_session *s, int error)
{
	complete(&drawn);
}

static int draw(struct acrypto_context *ctx, struct scatterlist *sg)
{
	int err;

	acrypto_session_init(&session, ctx);
	session.one.dst = sg;
	session.one.ndst = 1;
	session.one.length = PAGE_SIZE;
	session.flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_MAY_SLEEP;
	session.callback = done;
	err = acrypto_submit(&session);
	if (err != -EINPROGRESS)
		return err;
	wait_for_completion(&drawn);
	return session.error;
}

static int __init draw_init(void)
{
	const struct acrypto_transform t = {
		.operation = ACRYPTO_OP_RNG,
		.type = ACRYPTO_TYPE_RANDOM,
		.mode = ACRYPTO_MODE_NONE,
	};
	struct page *page = alloc_page(GFP_KERNEL);
	struct acrypto_context *ctx;
	struct scatterlist sg;

	if (!page)
		return -ENOMEM;
	ctx = acrypto_context_create(&t, 1);
	if (IS_ERR(ctx)) {
		__free_page(page);
		return PTR_ERR(ctx);
	}
	sg_init_table(&sg, 1);
	sg_set_page(&sg, page, PAGE_SIZE, 0);
	pr_info("draw: %d\n", draw(ctx, &sg));
	acrypto_context_destroy(ctx);
	acrypto_flush();
	__free_page(page);
	return 0;
}

static void __exit draw_exit(void)
{
}

module_init(draw_init);
module_exit(draw_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("One session of random numbers");
