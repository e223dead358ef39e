// SPDX-License-Identifier: GPL-2.0
/*
 * Work that its consumer does itself: unit_inline_begin() and its end.
 */
#include "unit.h"
#include "internal.h"

static struct acrypto_context *ctx;
static struct fake *f;
static struct work *w;

static void prepare(int kind, int cpu, unsigned int flags)
{
	f = fake_new(&(struct fake_info){ .name = "dev", .kind = kind,
					  .cpu = cpu, .flags = flags });
	ctx = null_context();
	w = work_new(ctx, 100);
}

static void finish(void)
{
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(f);
}

static unsigned long stat(enum acrypto_counter counter)
{
	return acrypto_stat_sum(f->dev, counter);
}

/* the device has it as a session, and the session stays new */
static void is_lent(void **state)
{
	unsigned long started, inlined, completed, finished, bytes;
	struct acrypto_device *dev;

	prepare(FAKE_SYNC, -1, ACRYPTO_DRIVER_STOCK);
	started = stat(ACRYPTO_STARTED);
	inlined = stat(ACRYPTO_INLINED);
	completed = stat(ACRYPTO_COMPLETED);
	finished = stat(ACRYPTO_FINISHED);
	bytes = stat(ACRYPTO_BYTES);

	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	assert_int_equal(atomic_read(&dev->load), 1);
	acrypto_inline_end(dev, 100, 0);
	assert_int_equal(atomic_read(&dev->load), 0);
	assert_int_equal(stat(ACRYPTO_STARTED) - started, 1);
	assert_int_equal(stat(ACRYPTO_INLINED) - inlined, 1);
	assert_int_equal(stat(ACRYPTO_COMPLETED) - completed, 1);
	assert_int_equal(stat(ACRYPTO_FINISHED) - finished, 1);
	assert_int_equal(stat(ACRYPTO_BYTES) - bytes, 100);

	/* with an error it came back, and that is all */
	dev = unit_inline_begin(ctx);
	acrypto_inline_end(dev, 100, -EIO);
	assert_int_equal(stat(ACRYPTO_COMPLETED) - completed, 1);
	assert_int_equal(stat(ACRYPTO_FINISHED) - finished, 2);
	assert_int_equal(stat(ACRYPTO_BYTES) - bytes, 100);

	assert_false(work_done(w));
	assert_int_equal(work_do(w), 0);
	finish();
}

/* by a driver that does what the kernel's own code does, and by no other */
static void needs_the_stock_driver(void **state)
{
	prepare(FAKE_SYNC, -1, 0);
	assert_null(unit_inline_begin(ctx));
	finish();
	prepare(FAKE_ASYNC, -1, ACRYPTO_DRIVER_STOCK);
	assert_null(unit_inline_begin(ctx));
	finish();
}

/* where a session would not be inline either, nothing is lent */
static void only_where_inline(void **state)
{
	int *enabled = shim_param("enabled");
	struct acrypto_device *dev;
	unsigned long flags;

	prepare(FAKE_SYNC, 0, ACRYPTO_DRIVER_STOCK);
	shim_set_cpu(1);
	assert_null(unit_inline_begin(ctx));
	shim_set_cpu(0);

	shim_irq_enter();
	assert_null(unit_inline_begin(ctx));
	shim_irq_exit();
	local_irq_save(flags);
	assert_null(unit_inline_begin(ctx));
	local_irq_restore(flags);

	*enabled = 0;
	assert_null(unit_inline_begin(ctx));
	*enabled = 1;

	acrypto_device_break(f->dev);
	assert_null(unit_inline_begin(ctx));
	assert_int_equal(acrypto_device_repair(f->dev), 0);

	shim_bh_enter();
	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	acrypto_inline_end(dev, 100, 0);
	shim_bh_exit();
	assert_int_equal(atomic_read(&dev->load), 0);
	finish();
}

static const struct acrypto_candidate *none(struct acrypto_choice *choice,
					    const struct acrypto_session *s)
{
	return NULL;
}

/* what is there goes first, and with it the balancer has to be asked */
static void only_of_an_idle_device(void **state)
{
	struct acrypto_device *dev;

	prepare(FAKE_SYNC, -1, ACRYPTO_DRIVER_STOCK);
	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	/* as a soft interrupt would, between the two */
	assert_null(unit_inline_begin(ctx));
	acrypto_inline_end(dev, 100, 0);
	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	acrypto_inline_end(dev, 100, 0);
	finish();
}

/* where the balancer would choose another device, it gets a session */
/* nor what another CPU has */
static void only_of_this_cpu(void **state)
{
	struct acrypto_device *dev;

	prepare(FAKE_SYNC, 1, ACRYPTO_DRIVER_STOCK);
	assert_null(unit_inline_begin(ctx));
	shim_set_cpu(1);
	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	acrypto_inline_end(dev, 100, 0);
	shim_set_cpu(0);
	finish();
}

static void as_the_balancer_chooses(void **state)
{
	struct acrypto_device *dev;
	struct acrypto_lb *lb;
	struct fake *first;
	int done;

	first = FAKE("first", FAKE_SYNC, 0);
	prepare(FAKE_SYNC, -1, ACRYPTO_DRIVER_STOCK);
	assert_null(unit_inline_begin(ctx));
	/* to where a session goes that is submitted instead */
	done = fake_get(first, done);
	assert_int_equal(work_do(w), 0);
	assert_int_equal(fake_get(first, done) - done, 1);
	fake_free(first);

	/* asynchronous ones are no better than an idle one that works here */
	first = FAKE("other", FAKE_ASYNC, 0);
	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	acrypto_inline_end(dev, 100, 0);
	fake_free(first);

	lb = &(struct acrypto_lb){ .name = "another", .owner = THIS_MODULE,
				   .find_device = none };
	assert_int_equal(acrypto_lb_register(lb, 1, 0), 0);
	assert_null(unit_inline_begin(ctx));
	acrypto_lb_unregister(lb);
	finish();
}

/* a device goes when what was lent on its behalf is done */
static int remove_thread(void *data)
{
	fake_gone(data);
	return 0;
}

static void removal_waits(void **state)
{
	struct acrypto_device *dev;
	struct shim_thread t;

	prepare(FAKE_SYNC, -1, ACRYPTO_DRIVER_STOCK);
	dev = unit_inline_begin(ctx);
	assert_ptr_equal(dev, f->dev);
	shim_thread_start(&t, 1, remove_thread, f);
	/* it waits for other things, too, before it does for this one */
	WAIT_FOR(waitqueue_active(&acrypto_wait) && shim_thread_blocked(&t));
	msleep(20);
	assert_null(unit_inline_begin(ctx));
	acrypto_inline_end(dev, 100, 0);
	shim_thread_join(&t);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(is_lent),
	TEST(needs_the_stock_driver),
	TEST(only_where_inline),
	TEST(only_of_an_idle_device),
	TEST(only_of_this_cpu),
	TEST(as_the_balancer_chooses),
	TEST(removal_waits),
	{ NULL, NULL },
};
