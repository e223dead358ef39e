// SPDX-License-Identifier: GPL-2.0
/*
 * Writes that are larger than a bio of one's own can be: whoever makes a clone of one,
 * page by page, gets none.  Loading the module writes count times to the device
 * major:minor, and says how it ended; it never stays loaded.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#define ORDER	2			/* pages of a piece, as a power of 2 */
#define PIECES	(BIO_MAX_PAGES / 2)	/* so it is twice as much */

static int major, minor, count = 1;
module_param(major, int, 0444);
module_param(minor, int, 0444);
module_param(count, int, 0444);

struct write {
	struct completion done;
	int error;
};

static int ended(struct bio *bio, unsigned int bytes, int error)
{
	struct write *w = bio->bi_private;

	if (error)
		w->error = error;
	if (bio->bi_size)
		return 1;
	complete(&w->done);
	return 0;
}

/* What never ends may still use all of it: not freed then. */
static int write_one(struct block_device *bdev, struct page *page)
{
	static struct write w;
	struct bio *bio = bio_alloc(GFP_KERNEL, PIECES);
	int i;

	if (!bio)
		return -ENOBUFS;
	for (i = 0; i < PIECES; i++) {
		bio->bi_io_vec[i].bv_page = page;
		bio->bi_io_vec[i].bv_len = PAGE_SIZE << ORDER;
		bio->bi_io_vec[i].bv_offset = 0;
	}
	bio->bi_vcnt = PIECES;
	bio->bi_size = PIECES * (PAGE_SIZE << ORDER);
	bio->bi_sector = 0;
	bio->bi_bdev = bdev;
	bio->bi_end_io = ended;
	bio->bi_private = &w;
	w.error = 0;
	init_completion(&w.done);
	bio->bi_rw = WRITE;
	generic_make_request(bio);
	if (!wait_for_completion_timeout(&w.done, 20 * HZ))
		return -ETIMEDOUT;
	bio_put(bio);
	return w.error;
}

static int __init big_bio_init(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, ORDER);
	struct block_device *bdev;
	int i, error = 0;

	if (!page)
		return -ENOMEM;
	bdev = open_by_devnum(MKDEV(major, minor), FMODE_READ | FMODE_WRITE);
	if (IS_ERR(bdev)) {
		__free_pages(page, ORDER);
		return PTR_ERR(bdev);
	}
	/* it takes what nobody else would give it */
	bdev_get_queue(bdev)->max_hw_sectors = 0xffff;
	for (i = 0; i < count && error != -ETIMEDOUT; i++)
		error = write_one(bdev, page);
	printk(KERN_INFO "big_bio: %d writes, the last one ended with %d\n", i, error);
	if (error == -ETIMEDOUT)
		return 0;
	blkdev_put(bdev);
	__free_pages(page, ORDER);
	return -ENODEV;
}

/* Without an exit: what is still under way has its code. */
module_init(big_bio_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Writes that nobody can clone");
