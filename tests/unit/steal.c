// SPDX-License-Identifier: GPL-2.0
/*
 * Devices with nothing to do, and callers who have done their share, take over
 * what waits for other devices of the same driver.
 */
#include "unit.h"
#include "internal.h"

#define MAX	4

static struct acrypto_context *ctx;
static struct fake *f[2];

/* sessions at whose start their device stops until it is let go */
static struct acrypto_session *gate[2];
static int at_gate[2], open_gate[2];

static void stop_at_gate(struct fake *fake, struct acrypto_session *s)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (s != gate[i])
			continue;
		__atomic_store_n(&at_gate[i], 1, __ATOMIC_SEQ_CST);
		WAIT_FOR(__atomic_load_n(&open_gate[i], __ATOMIC_SEQ_CST));
	}
}

static struct work **rest, *urgent;

static void wait_for_rest(struct fake *fake, struct acrypto_session *s)
{
	int i;

	for (i = 0; s == gate[0] && i < MAX - 1; i++)
		WAIT_FOR(work_done(rest[i]));
}

static void submit_urgent(struct fake *fake, struct acrypto_session *s)
{
	if (s == gate[0])
		assert_int_equal(acrypto_submit(&urgent->s), 0);
}

static void let_go(int i)
{
	__atomic_store_n(&open_gate[i], 1, __ATOMIC_SEQ_CST);
}

/* A device for each of two CPUs; the second with @caps of its own, if any. */
static void prepare(int same_driver, const struct acrypto_capability *caps)
{
	int i;

	f[0] = fake_new(&(struct fake_info){ .name = "cpu0", .qlen = 16 });
	f[1] = fake_new(&(struct fake_info){ .name = "cpu1", .cpu = 1,
			.driver_of = same_driver ? f[0] : NULL,
			.caps = caps, .nr_caps = nr_caps_null });
	for (i = 0; i < 2; i++) {
		f[i]->processing = stop_at_gate;
		gate[i] = NULL;
		at_gate[i] = open_gate[i] = 0;
	}
	ctx = null_context();
}

static void finish(void)
{
	acrypto_context_destroy(ctx);
	fake_free(f[1]);
	fake_free(f[0]);
}

static struct work *bound(int i)
{
	struct work *w = work_new(ctx, 32);

	w->s.flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_ASYNC;
	w->s.bound = f[i]->dev;
	return w;
}

/* The worker of device @i is stopped in the middle of what is returned. */
static struct work *occupy(int i)
{
	struct work *w = bound(i);

	gate[i] = &w->s;
	assert_int_equal(acrypto_submit(&w->s), 0);
	WAIT_FOR(__atomic_load_n(&at_gate[i], __ATOMIC_SEQ_CST));
	return w;
}

/*
 * With both devices occupied, @n sessions wait for the first, made so by
 * @make; then the second has nothing to do, and takes over @want of them
 * while the first stands still.
 */
static void taken_over(struct work **w, int n,
		       void (*make)(struct work *w, int i), int want)
{
	struct work *first = occupy(0), *second = occupy(1);
	struct work *more[MAX];
	int i, done = 0;

	/* so that the balancer prefers the first */
	for (i = 0; i < n; i++) {
		more[i] = bound(1);
		assert_int_equal(acrypto_submit(&more[i]->s), 0);
	}
	for (i = 0; i < n; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_ASYNC;
		if (make)
			make(w[i], i);
		assert_int_equal(acrypto_submit(&w[i]->s), 0);
	}
	assert_int_equal(acrypto_device_load(f[0]->dev), 1 + n);

	let_go(1);
	assert_int_equal(work_wait(second), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(work_wait(more[i]), 0);
	WAIT_FOR(acrypto_device_load(f[0]->dev) == 1 + n - want);
	WAIT_FOR(!acrypto_device_load(f[1]->dev));
	/* time to take more, if it did */
	msleep(20);
	for (i = 0; i < n; i++)
		done += work_done(w[i]);
	assert_int_equal(done, want);

	let_go(0);
	assert_int_equal(work_wait(first), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_true(work_same(w[i]));
		work_free(more[i]);
	}
	work_free(first);
	work_free(second);
}

static void free_all(struct work **w, int n)
{
	while (n--)
		work_free(w[n]);
}

/* what waits for another one, in its order, with the key of one's own */
static void idle_takes_over(void **state)
{
	unsigned long moved;
	struct work *w[MAX];
	int i;

	prepare(1, NULL);
	moved = acrypto_stat_sum(f[0]->dev, ACRYPTO_MOVED);
	taken_over(w, MAX, NULL, MAX);
	for (i = 0; i < MAX; i++) {
		assert_ptr_equal(w[i]->s.dev, f[1]->dev);
		assert_int_equal(w[i]->cpu, 1);
		assert_true(!i || w[i - 1]->order < w[i]->order);
	}
	assert_int_equal(acrypto_stat_sum(f[0]->dev, ACRYPTO_MOVED) - moved,
			 MAX);
	free_all(w, MAX);
	finish();
}

static void rising(struct work *w, int i)
{
	w->s.priority = i;
}

static void highest_first(void **state)
{
	struct work *w[MAX];
	int i;

	prepare(1, NULL);
	taken_over(w, MAX, rising, MAX);
	for (i = 1; i < MAX; i++)
		assert_true(w[i]->order < w[i - 1]->order);
	free_all(w, MAX);
	finish();
}

static void not_of_another_driver(void **state)
{
	struct work *w[MAX];

	prepare(0, NULL);
	taken_over(w, MAX, NULL, 0);
	free_all(w, MAX);
	finish();
}

static void bind_second(struct work *w, int i)
{
	if (i == 1)
		w->s.bound = f[0]->dev;
}

/* ... and what is behind it keeps its place */
static void bound_stays(void **state)
{
	struct work *w[MAX];
	int i;

	prepare(1, NULL);
	taken_over(w, MAX, bind_second, 1);
	for (i = 0; i < MAX; i++)
		assert_ptr_equal(w[i]->s.dev, f[i < 1]->dev);
	free_all(w, MAX);
	finish();
}

static void two_entries(struct work *w, int i)
{
	sg_set_buf(&w->src[0][0], w->in, 32);
	sg_set_buf(&w->src[0][1], w->in + 32, 32);
	w->data[0].nsrc = 2;
}

/* a device takes over only what it can do */
static void limits_are_kept(void **state)
{
	struct acrypto_capability caps[2];
	struct work *w[MAX];

	memcpy(caps, caps_null, sizeof(caps));
	caps[0].max_sg = caps[1].max_sg = 1;
	prepare(1, caps);
	taken_over(w, MAX, two_entries, 0);
	free_all(w, MAX);
	finish();
}

static void broken_takes_nothing(void **state)
{
	struct work *first, *w;

	prepare(1, NULL);
	first = occupy(0);
	w = bound(0);
	w->s.bound = NULL;
	shim_set_cpu(1);
	acrypto_device_break(f[1]->dev);
	assert_int_equal(acrypto_submit(&w->s), 0);
	assert_null(acrypto_session_steal(f[1]->dev, NULL));
	let_go(0);
	assert_int_equal(work_wait(first), 0);
	assert_int_equal(work_wait(w), 0);
	shim_set_cpu(0);
	work_free(first);
	work_free(w);
	finish();
}

/*
 * Submit @n sessions on CPU 0 while the worker of CPU 1 stands still.  Returns
 * how many of them the caller did itself.
 */
static int done_by_caller(struct work **w, int n, void (*make)(struct work *w, int i))
{
	struct work *second = occupy(1);
	LIST_HEAD(list);
	int i, done = 0;

	for (i = 0; i < n; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
		if (make)
			make(w[i], i);
		list_add_tail(&w[i]->s.entry, &list);
	}
	assert_int_equal(acrypto_submit_list(&list), 0);
	for (i = 0; i < n; i++)
		done += work_done(w[i]) &&
			pthread_equal(w[i]->thread, pthread_self());
	let_go(1);
	assert_int_equal(work_wait(second), 0);
	for (i = 0; i < n; i++)
		assert_int_equal(work_wait(w[i]), 0);
	work_free(second);
	return done;
}

static void caller_helps(void **state)
{
	struct work *w[MAX];

	prepare(1, NULL);
	assert_int_equal(done_by_caller(w, MAX, NULL), MAX);
	free_all(w, MAX);
	finish();
}

static void last_is_async(struct work *w, int i)
{
	if (i == 2)
		w->s.flags |= ACRYPTO_SESSION_ASYNC;
}

/* what may not be done in the caller's context isn't */
static void caller_leaves_async(void **state)
{
	struct work *w[3];

	prepare(1, NULL);
	done_by_caller(w, 3, last_is_async);
	assert_false(pthread_equal(w[2]->thread, pthread_self()));
	free_all(w, 3);
	finish();
}

/* ... nor what belongs to others, whose locks it may hold */
static void caller_keeps_to_its_context(void **state)
{
	struct acrypto_context *others = null_context();
	struct acrypto_session *s;
	struct work *second, *w;

	prepare(1, NULL);
	second = occupy(1);
	w = bound(1);
	assert_int_equal(acrypto_submit(&w->s), 0);
	w->s.bound = NULL;
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_null(acrypto_session_steal(f[0]->dev, others));
	s = acrypto_session_steal(f[0]->dev, ctx);
	assert_ptr_equal(s, &w->s);
	acrypto_session_run(s);
	assert_true(work_done(w));
	let_go(1);
	assert_int_equal(work_wait(second), 0);
	work_free(second);
	work_free(w);
	acrypto_context_destroy(others);
	finish();
}

/* the rest of the caller's share is open to a device that is faster */
static void share_is_open(void **state)
{
	struct work *w[MAX], *slow;
	LIST_HEAD(list);
	int i, taken = 0;

	prepare(1, NULL);
	for (i = 0; i < MAX; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
		list_add_tail(&w[i]->s.entry, &list);
	}
	/* the caller stops in its first one until all others are done */
	slow = w[0];
	gate[0] = &slow->s;
	rest = w + 1;
	f[0]->processing = wait_for_rest;
	assert_int_equal(acrypto_submit_list(&list), 0);
	assert_true(pthread_equal(slow->thread, pthread_self()));
	for (i = 1; i < MAX; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		taken += w[i]->cpu == 1;
	}
	assert_int_equal(taken, MAX - 1);
	free_all(w, MAX);
	finish();
}

/* ... and what is first there but not for the caller, its device is told of */
static void share_leaves_others(void **state)
{
	struct work *w[MAX], *second;
	LIST_HEAD(list);
	int i;

	prepare(1, NULL);
	second = occupy(1);
	for (i = 0; i < MAX; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
		list_add_tail(&w[i]->s.entry, &list);
	}
	urgent = bound(0);
	urgent->s.priority = ACRYPTO_PRIO_LEVELS - 1;
	gate[0] = &w[0]->s;
	f[0]->processing = submit_urgent;
	assert_int_equal(acrypto_submit_list(&list), 0);
	/* the other device stands still */
	assert_int_equal(work_wait(urgent), 0);
	assert_false(pthread_equal(urgent->thread, pthread_self()));
	let_go(1);
	assert_int_equal(work_wait(second), 0);
	for (i = 0; i < MAX; i++)
		assert_int_equal(work_wait(w[i]), 0);
	work_free(urgent);
	work_free(second);
	free_all(w, MAX);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(idle_takes_over),
	TEST(highest_first),
	TEST(not_of_another_driver),
	TEST(bound_stays),
	TEST(limits_are_kept),
	TEST(broken_takes_nothing),
	TEST(caller_helps),
	TEST(caller_leaves_async),
	TEST(caller_keeps_to_its_context),
	TEST(share_is_open),
	TEST(share_leaves_others),
	{ NULL, NULL },
};
