// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery: of each device by itself, waiting for nothing that may be waiting
 * for it, and without any memory.
 */
#include <unistd.h>
#include "unit.h"
#include "internal.h"

static struct acrypto_context *ctx;
static struct fake *f[4];
static int nr;

static void prepare(int kind, int n)
{
	char name[16];

	for (nr = 0; nr < n; nr++) {
		snprintf(name, sizeof(name), "dev%d", nr);
		f[nr] = FAKE(name, kind, 0);
	}
	ctx = null_context();
}

static void finish(void)
{
	acrypto_context_destroy(ctx);
	while (nr--)
		if (f[nr])
			fake_free(f[nr]);
}

static int gate_open, in_gate;

static void wait_at_gate(struct fake *dev)
{
	__atomic_add_fetch(&in_gate, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

static void gate_init(void)
{
	gate_open = in_gate = 0;
}

static struct work *submit_to(int i)
{
	struct work *w = work_new(ctx, 64);

	w->s.bound = f[i]->dev;
	assert_int_equal(unit_submit(&w->s), 0);
	w->s.bound = NULL;	/* only to have it there */
	return w;
}

static void comes_back(struct work *w)
{
	assert_int_equal(work_wait(w), 0);
	assert_true(work_same(w));
	work_free(w);
}

static int remove_thread(void *data)
{
	fake_gone(data);
	return 0;
}

/* a reset that takes for ever holds up its own device, and no other */
static void hanging_reset(void **state)
{
	struct shim_thread t;
	struct fake *more;
	struct work *w[4];
	int i;

	prepare(FAKE_ASYNC, 4);
	for (i = 0; i < 3; i++)
		fake_set(f[i], dead, 1);
	fake_set(f[0], reset_hangs, 1);
	for (i = 0; i < 3; i++)
		w[i] = submit_to(i);
	acrypto_device_break(f[0]->dev);
	WAIT_FOR(fake_get(f[0], resetting));

	/* another one breaks: what it had goes on */
	acrypto_device_break(f[1]->dev);
	comes_back(w[1]);
	/* is repaired */
	fake_set(f[1], dead, 0);
	assert_int_equal(acrypto_device_repair(f[1]->dev), 0);
	/* a third one is removed with work in it */
	shim_thread_start(&t, 1, remove_thread, f[2]);
	comes_back(w[2]);
	WAIT_FOR(fake_get(&t, done));
	shim_thread_join(&t);
	/* and one comes */
	more = FAKE("more", FAKE_ASYNC, 0);
	w[3] = submit_to(3);
	comes_back(w[3]);
	fake_free(more);

	assert_false(work_done(w[0]));
	assert_true(fake_get(f[0], resetting));
	fake_set(f[0], dead, 0);
	fake_set(f[0], reset_hangs, 0);
	comes_back(w[0]);
	assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
	finish();
}

/*
 * A key setup that waits for another device's recovery, as one does that waits
 * for memory, and that for a page to be written by the dead device.
 */
static struct work *awaited;
static int setups_waiting;

static void setup_waits(struct fake *dev)
{
	__atomic_add_fetch(&setups_waiting, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(work_done(awaited));
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

static int context_thread(void *data)
{
	struct acrypto_context *c = null_context();

	/* it has the device, which wasn't that fast */
	CHECK(acrypto_context_ready(c));
	acrypto_context_destroy(c);
	return 0;
}

/* a device is not gone while a key is set up for it */
static void setup_at_gate(struct fake *dev)
{
	__atomic_add_fetch(&setups_waiting, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

static int gone_context_thread(void *data)
{
	acrypto_context_destroy(null_context());
	return 0;
}

static void removal_waits_for_key_setup(void **state)
{
	struct shim_thread t[2];

	prepare(FAKE_ASYNC, 2);
	gate_init();
	setups_waiting = 0;
	f[1]->at_setup = setup_at_gate;
	shim_thread_start(&t[0], 1, gone_context_thread, NULL);
	WAIT_FOR(__atomic_load_n(&setups_waiting, __ATOMIC_SEQ_CST));
	shim_thread_start(&t[1], 0, remove_thread, f[1]);
	WAIT_FOR(shim_thread_blocked(&t[1]) || fake_get(&t[1], done));
	assert_false(fake_get(&t[1], done));
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t[0]);
	shim_thread_join(&t[1]);
	finish();
}

static void key_setup_waits_for_recovery(void **state)
{
	struct shim_thread t[2];

	prepare(FAKE_ASYNC, 4);
	gate_init();
	setups_waiting = 0;
	fake_set(f[0], dead, 1);
	awaited = submit_to(0);
	f[1]->at_setup = setup_waits;
	shim_thread_start(&t[0], 1, context_thread, NULL);
	WAIT_FOR(__atomic_load_n(&setups_waiting, __ATOMIC_SEQ_CST));
	acrypto_device_break(f[0]->dev);
	assert_int_equal(work_wait(awaited), 0);
	/* the removal of a device that others have keys of waits neither */
	shim_thread_start(&t[1], 0, remove_thread, f[3]);
	WAIT_FOR(fake_get(&t[1], done));
	shim_thread_join(&t[1]);
	/* nor do a repair, and another context's end */
	fake_set(f[0], dead, 0);
	assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
	assert_false(fake_get(&t[0], done));
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t[0]);
	f[1]->at_setup = NULL;
	comes_back(awaited);
	finish();
}

/* the same in a device that comes and finds many contexts */
static int add_thread(void *data)
{
	struct acrypto_device_info i = {
		.name = "coming", .cpu = -1, .caps = caps_null,
		.nr_caps = nr_caps_null, .priv = data,
		.driver = &((struct fake *)data)->driver,
	};
	struct acrypto_device *dev = acrypto_device_add(&i);

	CHECK(!IS_ERR(dev));
	acrypto_device_remove(dev);
	return 0;
}

static void key_setup_of_a_new_device(void **state)
{
	struct shim_thread t[2];
	struct fake *donor;

	prepare(FAKE_ASYNC, 3);
	donor = FAKE("donor", FAKE_ASYNC, 0);
	gate_init();
	setups_waiting = 0;
	fake_set(f[0], dead, 1);
	awaited = submit_to(0);
	donor->at_setup = setup_waits;
	shim_thread_start(&t[0], 1, add_thread, donor);
	WAIT_FOR(__atomic_load_n(&setups_waiting, __ATOMIC_SEQ_CST));
	acrypto_device_break(f[0]->dev);
	assert_int_equal(work_wait(awaited), 0);
	shim_thread_start(&t[1], 0, remove_thread, f[2]);
	WAIT_FOR(fake_get(&t[1], done));
	shim_thread_join(&t[1]);
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t[0]);
	donor->at_setup = NULL;
	fake_free(donor);
	comes_back(awaited);
	finish();
}

/* whoever has the mutex, for whatever time, is not waited for */
static void recovery_takes_no_mutex(void **state)
{
	static const int kinds[] = { FAKE_ASYNC, FAKE_THREAD, FAKE_SYNC };
	struct work *w[8];
	int i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		prepare(kinds[k], 2);
		fake_set(f[0], dead, kinds[k] != FAKE_SYNC);
		for (i = 0; i < 8; i++) {
			w[i] = work_new(ctx, 64);
			w[i]->s.flags = ACRYPTO_SESSION_ASYNC;
			w[i]->s.bound = f[0]->dev;
			if (i == 4)
				fake_set(f[0], hold, 1);
			assert_int_equal(unit_submit(&w[i]->s), 0);
			w[i]->s.bound = NULL;
		}
		mutex_lock(&acrypto_mutex);
		acrypto_device_break(f[0]->dev);
		for (i = 0; i < 8; i++)
			WAIT_FOR(work_done(w[i]));
		mutex_unlock(&acrypto_mutex);
		for (i = 0; i < 8; i++)
			comes_back(w[i]);
		finish();
	}
}

/* not one allocation, not even one that fails: from the break to the end */
static void recovery_needs_no_memory(void **state)
{
	struct work *w[10];
	int i, how;
	long before;

	for (how = 0; how < 3; how++) {
		struct shim_thread t;

		prepare(FAKE_ASYNC, 2);
		fake_set(f[0], dead, 1);
		for (i = 0; i < 10; i++) {
			if (i == 5)
				fake_set(f[0], hold, 1);
			w[i] = submit_to(0);
		}
		shim_rcu_done();
		shim_fail_from(1);
		before = shim_allocations();
		if (how == 0)
			acrypto_device_break(f[0]->dev);
		else if (how == 1) {
			shim_irq_enter();
			acrypto_device_break(f[0]->dev);
			shim_irq_exit();
		} else
			shim_thread_start(&t, 1, remove_thread, f[0]);
		for (i = 0; i < 10; i++)
			WAIT_FOR(work_done(w[i]));
		assert_int_equal(shim_allocations(), before);
		if (how == 2)
			shim_thread_join(&t);
		assert_int_equal(shim_allocations(), before);
		shim_fail(0);
		for (i = 0; i < 10; i++)
			comes_back(w[i]);
		finish();
	}
}

/* however many contexts there are: nothing is done for each */
static void break_touches_no_context(void **state)
{
#ifdef TSAN
	enum { CONTEXTS = 200, DEVICES = 4 };
#else
	enum { CONTEXTS = 3000, DEVICES = 4 };
#endif
	struct acrypto_context **c = calloc(CONTEXTS, sizeof(*c));
	int i, setups = 0, frees = 0;
	unsigned long start;
	struct work *w[4];
	long allocations;

	prepare(FAKE_ASYNC, DEVICES);
	for (i = 0; i < CONTEXTS; i++)
		c[i] = null_context();
	fake_set(f[0], dead, 1);
	for (i = 0; i < 4; i++)
		w[i] = submit_to(0);
	for (i = 0; i < DEVICES; i++) {
		setups += fake_get(f[i], setups);
		frees += fake_get(f[i], frees);
	}
	shim_rcu_done();
	allocations = shim_allocations();
	start = shim_now_ms();
	acrypto_device_break(f[0]->dev);
	for (i = 0; i < 4; i++)
		WAIT_FOR(work_done(w[i]));
	fprintf(stderr, "%lu ms for %d contexts\n", shim_now_ms() - start,
		CONTEXTS);
	assert_int_equal(shim_allocations(), allocations);
	for (i = 0; i < DEVICES; i++) {
		setups -= fake_get(f[i], setups);
		frees -= fake_get(f[i], frees);
	}
	assert_int_equal(setups, 0);
	assert_int_equal(frees, 0);
	for (i = 0; i < 4; i++)
		comes_back(w[i]);
	/* they pass it over until it is repaired, and then have it again */
	assert_int_equal(acrypto_context_width(c[0]), DEVICES - 1);
	fake_set(f[0], dead, 0);
	assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
	assert_int_equal(acrypto_context_width(c[0]), DEVICES);
	for (i = 0; i < CONTEXTS; i++)
		acrypto_context_destroy(c[i]);
	free(c);
	finish();
}

/*
 * Repair against removal of the same device.
 */
static int repair_thread(void *data)
{
	int err = acrypto_device_repair(data);

	CHECK(err == 0 || err == -ENODEV || err == -EINVAL || err == -EIO ||
	      err == -EBUSY);
	return err;
}

static int late_remove_thread(void *data)
{
	u64 seed = unit_seed ^ (unsigned long)data;
	int i;

	for (i = shim_random(&seed) % 6; i--; )
		usleep(30);
	fake_gone(data);
	return 0;
}

static void repair_against_removal(void **state)
{
	static const int kinds[] = { FAKE_ASYNC, FAKE_SYNC, FAKE_THREAD };
	struct acrypto_device *dev;
	struct shim_thread t[3];
	int i, k;

	for (i = 0; i < 300; i++) {
		k = i % 3;
		prepare(kinds[k], 1);
		dev = acrypto_device_get("dev0");
		acrypto_device_break(dev);
		if (i & 4)
			shim_chaos(3, 400, unit_seed + i);
		shim_thread_start(&t[0], 0, repair_thread, dev);
		shim_thread_start(&t[1], 1, late_remove_thread, f[0]);
		/* two of them, now and then */
		if (i & 1)
			shim_thread_start(&t[2], 1, repair_thread, dev);
		shim_thread_join(&t[0]);
		shim_thread_join(&t[1]);
		if (i & 1)
			shim_thread_join(&t[2]);
		shim_chaos(0, 1, 0);
		assert_int_not_equal(acrypto_device_repair(dev), 0);
		acrypto_device_break(dev);
		acrypto_device_put(dev);
		assert_false(acrypto_context_ready(ctx));
		finish();
	}
}

/*
 * In place, told by bytes
 */

static int dies_with(struct scatterlist *src, int nsrc, struct scatterlist *dst,
		     int ndst)
{
	struct work *w;
	int err;

	prepare(FAKE_ASYNC, 2);
	fake_set(f[0], dead, 1);
	w = work_new(ctx, 64);
	w->data[0].src = src;
	w->data[0].nsrc = nsrc;
	w->data[0].dst = dst;
	w->data[0].ndst = ndst;
	w->s.bound = f[0]->dev;
	assert_int_equal(unit_submit(&w->s), 0);
	w->s.bound = NULL;
	acrypto_device_break(f[0]->dev);
	err = work_wait(w);
	work_free(w);
	finish();
	return err;
}

static void in_place_by_bytes(void **state)
{
	u8 *mem = aligned_alloc(PAGE_SIZE, 4 * PAGE_SIZE);
	struct scatterlist a[3], b[3];
#define AT(sg, at, n) do { \
		memset(&(sg), 0, sizeof(sg)); \
		sg_set_buf(&(sg), mem + (at), n); \
	} while (0)

	memset(mem, 0x11, 4 * PAGE_SIZE);
	/* the same bytes by another page: {P, 4096 + x} and {P + 1, x} */
	AT(a[0], 0, 64);
	a[0].offset = PAGE_SIZE + 32;
	AT(b[0], PAGE_SIZE + 32, 64);
	assert_int_equal(dies_with(a, 1, b, 1), -EIO);
	assert_int_equal(dies_with(b, 1, a, 1), -EIO);
	/* they overlap in part, at one end or the other */
	AT(a[0], 100, 64);
	AT(b[0], 163, 64);
	assert_int_equal(dies_with(a, 1, b, 1), -EIO);
	assert_int_equal(dies_with(b, 1, a, 1), -EIO);
	/* in another entry, and over the end of a page */
	AT(a[0], 0, 32);
	AT(a[1], PAGE_SIZE - 16, 32);
	AT(b[0], 2 * PAGE_SIZE, 32);
	AT(b[1], PAGE_SIZE + 15, 32);
	assert_int_equal(dies_with(a, 2, b, 2), -EIO);
	/* side by side: neither */
	AT(a[0], 100, 64);
	AT(b[0], 164, 64);
	assert_int_equal(dies_with(a, 1, b, 1), 0);
	assert_int_equal(dies_with(b, 1, a, 1), 0);
	AT(a[0], 0, 32);
	AT(a[1], PAGE_SIZE - 16, 32);
	AT(b[0], 2 * PAGE_SIZE, 32);
	AT(b[1], PAGE_SIZE + 16, 32);
	assert_int_equal(dies_with(a, 2, b, 2), 0);
	free(mem);
}

/*
 * While a repair tests a device that fails, nobody else gets it.
 */
static int consumers_got;

static void see_who(struct fake *dev, struct acrypto_session *s)
{
	if (s->priv == &consumers_got)
		__atomic_add_fetch(&consumers_got, 1, __ATOMIC_SEQ_CST);
	else
		wait_at_gate(dev);
}

static void nobody_gets_it_in_repair(void **state)
{
	static const int kinds[] = { FAKE_ASYNC, FAKE_SYNC, FAKE_THREAD };
	struct shim_thread t;
	struct work *w;
	int i, k, memory;

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		for (memory = 0; memory < 2; memory++) {
			prepare(kinds[k], 1);
			gate_init();
			consumers_got = 0;
			if (!memory)
				shim_fail_from(1);
			acrypto_device_break(f[0]->dev);
			msleep(5);
			shim_fail(0);
			fake_set(f[0], wrong, 1);
			f[0]->processing = see_who;
			shim_thread_start(&t, 1, repair_thread, f[0]->dev);
			WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
			for (i = 0; i < 4; i++) {
				w = work_new(ctx, 64);
				w->s.priv = &consumers_got;
				w->s.flags = i;
				w->s.bound = i & 1 ? f[0]->dev : NULL;
				assert_int_equal(unit_submit(&w->s), -ENODEV);
				work_free(w);
			}
			assert_false(acrypto_context_ready(ctx));
			__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
			assert_int_equal(shim_thread_join(&t), -EIO);
			assert_int_equal(consumers_got, 0);
			assert_false(acrypto_context_ready(ctx));
			finish();
		}
}

/* what only waited goes on before the reset is through */
static void waiting_needs_no_reset(void **state)
{
	struct work *w;

	nr = 2;
	f[0] = FAKE("dev0", FAKE_ASYNC, 0);
	f[1] = FAKE("dev1", FAKE_ASYNC, 0);
	ctx = null_context();
	f[0]->hold = 1;
	w = work_new(ctx, 64);
	assert_int_equal(unit_submit(&w->s), 0);
	assert_int_equal(acrypto_device_load(f[0]->dev), 1);
	fake_set(f[0], reset_hangs, 1);
	acrypto_device_break(f[0]->dev);
	assert_int_equal(work_wait(w), 0);
	fake_set(f[0], reset_hangs, 0);
	work_free(w);
	finish();
}

/* a repair that fails leaves nothing with the device */
static void failed_repair_resets(void **state)
{
	struct work *w;
	int resets;

	nr = 1;
	f[0] = FAKE("dev0", FAKE_ASYNC, .timeout = 100);
	ctx = null_context();
	acrypto_device_break(f[0]->dev);
	WAIT_FOR(fake_get(f[0], resets) == 1);
	/* it swallows the tests */
	fake_set(f[0], dead, 1);
	resets = fake_get(f[0], resets);
	assert_int_not_equal(acrypto_device_repair(f[0]->dev), 0);
	assert_true(fake_get(f[0], resets) > resets);
	assert_true(list_empty(&f[0]->taken));
	/* it computes wrongly */
	fake_set(f[0], dead, 0);
	fake_set(f[0], wrong, 1);
	resets = fake_get(f[0], resets);
	assert_int_equal(acrypto_device_repair(f[0]->dev), -EIO);
	assert_true(fake_get(f[0], resets) > resets);
	/* and is good for something at last */
	fake_set(f[0], wrong, 0);
	assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
	w = work_new(ctx, 64);
	assert_int_equal(work_do(w), 0);
	work_free(w);
	finish();
}

/*
 * What a dead device leaves is shared by those that are left, and done by
 * them: not by the thread that recovers.
 */
static pthread_t doer[40];
static int doers, by_cpu[2];

static void note_doer(struct fake *dev, struct acrypto_session *s)
{
	int i = __atomic_fetch_add(&doers, 1, __ATOMIC_SEQ_CST);

	if (i < 40)
		doer[i] = pthread_self();
	__atomic_add_fetch(&by_cpu[dev == f[2]], 1, __ATOMIC_SEQ_CST);
	CHECK(raw_smp_processor_id() == (dev == f[2]));
	usleep(500);
}

static void backlog_is_shared(void **state)
{
	struct work *w[40];
	int i, others = 0;

	nr = 3;
	f[0] = FAKE("dev0", FAKE_ASYNC, 0);
	f[1] = fake_new(&(struct fake_info){ .name = "cpu0", .cpu = 0 });
	f[2] = fake_new(&(struct fake_info){ .name = "cpu1", .cpu = 1 });
	ctx = null_context();
	doers = by_cpu[0] = by_cpu[1] = 0;
	f[1]->processing = f[2]->processing = note_doer;
	fake_set(f[0], dead, 1);
	for (i = 0; i < 40; i++) {
		if (i == 8)
			fake_set(f[0], hold, 1);
		w[i] = submit_to(0);
	}
	acrypto_device_break(f[0]->dev);
	for (i = 0; i < 40; i++)
		comes_back(w[i]);
	assert_int_equal(doers, 40);
	assert_in_range(by_cpu[0], 10, 30);
	assert_in_range(by_cpu[1], 10, 30);
	for (i = 1; i < 40; i++)
		others += !pthread_equal(doer[i], doer[0]);
	assert_true(others >= 10);
	finish();
}

/*
 * Time
 */

/* a timer runs where something is at work that may take too long, only there */
static void timer_where_it_is_needed(void **state)
{
	struct work *w[2];
	int i;

	assert_int_equal(shim_timers(), 0);
	prepare(FAKE_ASYNC, 1);
	f[1] = FAKE("timed", FAKE_ASYNC, .timeout = 2000);
	nr = 2;
	/* their tests are over */
	for (i = 0; i < 10 && shim_timers(); i++) {
		shim_advance(1000);
		msleep(10);
	}
	assert_int_equal(shim_timers(), 0);

	/* at work without a timeout; queued only */
	f[0]->hold = f[1]->hold = 1;
	w[0] = submit_to(0);
	w[1] = submit_to(1);
	fake_finish(f[0], fake_take(f[0]), 0);
	assert_int_equal(shim_timers(), 0);
	/* at work with one */
	{
		struct acrypto_session *s = fake_take(f[1]);

		assert_int_equal(shim_timers(), 1);
		fake_finish(f[1], s, 0);
	}
	for (i = 0; i < 10 && shim_timers(); i++) {
		shim_advance(1000);
		msleep(10);
	}
	assert_int_equal(shim_timers(), 0);
	comes_back(w[0]);
	comes_back(w[1]);
	assert_false(shim_log_has("is broken"));
	finish();
}

/* several times the longest timeout is not in the past */
static void longest_timeout(void **state)
{
	static const unsigned int timeouts[] = { 0x7fffffff, 0xffffffff };
	struct acrypto_session *s;
	struct work *w;
	int i;

	for (i = 0; i < 2; i++) {
		nr = 1;
		f[0] = FAKE("dev0", FAKE_ASYNC, .timeout = timeouts[i]);
		ctx = null_context();
		assert_in_range(f[0]->dev->timeout, 1, LONG_MAX / 16);
		f[0]->hold = 1;
		w = submit_to(0);
		s = fake_take(f[0]);
		shim_advance(100000);
		msleep(20);
		fake_finish(f[0], s, 0);
		comes_back(w);
		assert_int_equal(fake_get(f[0], resets), 0);
		finish();
	}
	/* and the shortest one is no zero */
	nr = 1;
	f[0] = FAKE("dev0", FAKE_ASYNC, .timeout = 1);
	ctx = null_context();
	assert_true(f[0]->dev->timeout > 0);
	finish();
}

/*
 * Bound sessions have nowhere to go
 */
static void bound_sessions_end(void **state)
{
	struct work *w[6];
	int i, flags;

	for (flags = 0; flags < 2; flags++) {
		prepare(FAKE_ASYNC, 2);
		fake_set(f[0], dead, 1);
		for (i = 0; i < 6; i++) {
			if (i == 3)
				fake_set(f[0], hold, 1);
			w[i] = i % 3 ? work_new(ctx, 64) :
				       work_in_place(ctx, 64);
			w[i]->s.flags = flags;
			w[i]->s.bound = f[0]->dev;
			assert_int_equal(unit_submit(&w[i]->s), 0);
		}
		acrypto_device_break(f[0]->dev);
		for (i = 0; i < 6; i++) {
			/* at work in place: gone; else as it was */
			assert_int_equal(work_wait(w[i]), i ? -ENODEV : -EIO);
			if (i)
				assert_int_equal(w[i]->in[5], 35);
			work_free(w[i]);
		}
		/* repaired, it takes them again */
		fake_set(f[0], dead, 0);
		fake_set(f[0], hold, 0);
		assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
		w[0] = work_new(ctx, 64);
		w[0]->s.bound = f[0]->dev;
		assert_int_equal(work_do(w[0]), 0);
		work_free(w[0]);
		finish();
	}
}

/* the end of an accepted session with -ENODEV says that its source is whole */
static void nodev_is_untouched(void **state)
{
	static const int errors[] = { -ENODEV, -EBUSY, -EINPROGRESS, 1 };
	struct work *w;
	int i, k;

	/* so an error of a driver's that says so is another one */
	for (k = 0; k < 2; k++)
		for (i = 0; i < ARRAY_SIZE(errors); i++) {
			prepare(k ? FAKE_SYNC : FAKE_ASYNC, 1);
			f[0]->error = errors[i];
			w = work_in_place(ctx, 64);
			assert_int_equal(unit_submit(&w->s), 0);
			assert_int_equal(work_wait(w), -EIO);
			work_free(w);
			f[0]->error = 0;
			finish();
		}
}

const struct unit_test unit_tests[] = {
	TEST(hanging_reset),
	TEST(key_setup_waits_for_recovery),
	TEST(removal_waits_for_key_setup),
	TEST(key_setup_of_a_new_device),
	TEST(recovery_takes_no_mutex),
	TEST(recovery_needs_no_memory),
	TEST(break_touches_no_context),
	TEST(repair_against_removal),
	TEST(in_place_by_bytes),
	TEST(nobody_gets_it_in_repair),
	TEST(waiting_needs_no_reset),
	TEST(failed_repair_resets),
	TEST(backlog_is_shared),
	TEST(timer_where_it_is_needed),
	TEST(longest_timeout),
	TEST(bound_sessions_end),
	TEST(nodev_is_untouched),
	{ NULL, NULL },
};
