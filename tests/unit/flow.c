// SPDX-License-Identifier: GPL-2.0
/*
 * Ordered flows.
 */
#include "unit.h"

enum { NR = 64 };

static struct acrypto_context *ctx;
static struct acrypto_flow flow;
static struct fake *f[3];
static struct work *w[NR];

static void prepare(int kind, int devices, int flags)
{
	char name[16];
	int i;

	for (i = 0; i < 3; i++)
		f[i] = NULL;
	for (i = 0; i < devices; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		f[i] = FAKE(name, kind, 0);
		f[i]->slow_us = 100;
		f[i]->batch = 4;
	}
	acrypto_flow_init(&flow);
	ctx = null_context();
	for (i = 0; i < NR; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->nr = i;
		w[i]->s.flow = &flow;
		w[i]->s.flags = flags;
	}
	work_order = 0;
}

static void finish(void)
{
	int i;

	acrypto_flow_destroy(&flow);
	for (i = 0; i < NR; i++)
		work_free(w[i]);
	acrypto_context_destroy(ctx);
	for (i = 0; i < 3; i++)
		if (f[i])
			fake_free(f[i]);
}

static void submit_all(void)
{
	LIST_HEAD(list);
	int i;

	for (i = 0; i < NR; i++)
		list_add_tail(&w[i]->s.entry, &list);
	assert_int_equal(unit_submit_list(&list), 0);
}

static void in_order(int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_int_equal(w[i]->order, i + 1);
	}
}

/* devices mix up the order, the flow puts it right; direct and deferred */
static void order_is_kept(void **state)
{
	int flags, i;

	for (flags = 0; flags < 2; flags++)
		for (i = 0; i < 4; i++) {
			prepare(FAKE_THREAD, 3, flags);
			submit_all();
			in_order(NR);
			finish();
		}
}

/* ... and without a flow they do: or the test above shows nothing */
static void disorder_without_flow(void **state)
{
	int i, n = 0, mixed = 0;

	while (!mixed && n++ < 20) {
		prepare(FAKE_THREAD, 3, ACRYPTO_SESSION_DIRECT);
		for (i = 0; i < NR; i++)
			w[i]->s.flow = NULL;
		submit_all();
		for (i = 0; i < NR; i++) {
			work_wait(w[i]);
			mixed |= w[i]->order != i + 1;
		}
		finish();
	}
	assert_true(mixed);
}

/* inline work, priorities and errors keep the order as well */
static void order_of_all_kinds(void **state)
{
	u64 seed = unit_seed;
	struct fake *g;
	int i;

	prepare(FAKE_THREAD, 2, 0);
	g = FAKE("sync", FAKE_SYNC, 0);
	for (i = 0; i < NR; i++) {
		w[i]->s.priority = shim_random(&seed) % ACRYPTO_PRIO_LEVELS;
		w[i]->s.flags = shim_random(&seed) & ACRYPTO_SESSION_ASYNC;
	}
	submit_all();
	in_order(NR);
	finish();
	fake_free(g);
}

/* one that is late holds up those after it, and only those */
static void waits_for_the_first(void **state)
{
	struct acrypto_session *s;
	int i;

	prepare(FAKE_ASYNC, 2, ACRYPTO_SESSION_DIRECT);
	f[0]->hold = f[1]->hold = 1;
	for (i = 0; i < 6; i++)
		w[i]->s.bound = i == 2 ? f[1]->dev : f[0]->dev;
	for (i = 0; i < 6; i++)
		assert_int_equal(unit_submit(&w[i]->s), 0);
	while ((s = fake_take(f[0])))
		fake_finish(f[0], s, 0);
	assert_int_equal(work_total(), 2);
	assert_true(work_done(w[0]) && work_done(w[1]));
	fake_finish(f[1], fake_take(f[1]), 0);
	in_order(6);
	finish();
}

/* other flows are not held up */
static void flows_are_independent(void **state)
{
	struct acrypto_flow other;
	struct acrypto_session *s;

	prepare(FAKE_ASYNC, 1, ACRYPTO_SESSION_DIRECT);
	acrypto_flow_init(&other);
	w[1]->s.flow = &other;
	f[0]->hold = 1;
	assert_int_equal(unit_submit(&w[0]->s), 0);
	assert_int_equal(unit_submit(&w[1]->s), 0);
	s = fake_take(f[0]);
	fake_finish(f[0], fake_take(f[0]), 0);
	assert_true(work_done(w[1]));
	acrypto_flow_destroy(&other);
	fake_finish(f[0], s, 0);
	assert_true(work_done(w[0]));
	finish();
}

/* an error is delivered at its place */
static void error_in_order(void **state)
{
	struct acrypto_session *s[3];
	int i;

	prepare(FAKE_ASYNC, 1, 0);
	f[0]->hold = 1;
	for (i = 0; i < 3; i++)
		assert_int_equal(unit_submit(&w[i]->s), 0);
	for (i = 0; i < 3; i++)
		s[i] = fake_take(f[0]);
	fake_finish(f[0], s[1], -EIO);
	fake_finish(f[0], s[2], 0);
	assert_int_equal(work_total(), 0);
	fake_finish(f[0], s[0], 0);
	assert_int_equal(work_wait(w[0]), 0);
	assert_int_equal(work_wait(w[1]), -EIO);
	assert_int_equal(work_wait(w[2]), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(w[i]->order, i + 1);
	finish();
}

/* a refused session leaves the flow: it holds up nobody */
static void refused_leaves(void **state)
{
	struct fake *small;
	int i;

	prepare(FAKE_ASYNC, 0, ACRYPTO_SESSION_DIRECT);
	small = FAKE("small", FAKE_ASYNC, .qlen = 2);
	small->hold = 1;
	for (i = 0; i < 3; i++)
		assert_int_equal(unit_submit(&w[i]->s), i < 2 ? 0 : -EBUSY);
	fake_finish(small, fake_take(small), 0);
	assert_int_equal(unit_submit(&w[3]->s), 0);
	fake_serve(small);
	assert_int_equal(work_wait(w[3]), 0);
	assert_int_equal(w[3]->order, 3);
	assert_false(work_done(w[2]));
	finish();
	fake_free(small);
}

/* devices die and the order stays */
static void order_over_death(void **state)
{
	int i, j;

	for (j = 0; j < 6; j++) {
		prepare(FAKE_THREAD, 3, j & 1);
		submit_all();
		WAIT_FOR(work_total() >= NR / 4);
		acrypto_device_break(f[j % 3]->dev);
		WAIT_FOR(work_total() >= NR / 2);
		fake_free(f[(j + 1) % 3]);
		f[(j + 1) % 3] = NULL;
		for (i = 0; i < NR; i++) {
			assert_int_equal(work_wait(w[i]), 0);
			assert_int_equal(w[i]->order, i + 1);
			assert_true(work_same(w[i]));
		}
		finish();
	}
}

/* callbacks of a flow that submit to it */
static void resubmit(struct work *v)
{
	struct work *next = w[v->nr + NR / 2];
	int err;

	err = unit_submit(&next->s);
	CHECK_EQ(err, 0);
}

static void submit_from_callback(void **state)
{
	int i, flags;

	for (flags = 0; flags < 2; flags++) {
		LIST_HEAD(list);

		prepare(FAKE_THREAD, 2, flags);
		for (i = 0; i < NR / 2; i++) {
			w[i]->then = resubmit;
			list_add_tail(&w[i]->s.entry, &list);
		}
		assert_int_equal(unit_submit_list(&list), 0);
		in_order(NR);
		finish();
	}
}

/* acrypto_flow_destroy() waits for the last; then the memory may go at once */
static int destroy_thread(void *data)
{
	acrypto_flow_destroy(data);
	free(data);
	return 0;
}

static void destroy_waits(void **state)
{
	struct shim_thread t;
	int flags, i;

	for (flags = 0; flags < 2; flags++) {
		struct acrypto_flow *other = malloc(sizeof(*other));

		prepare(FAKE_ASYNC, 1, flags);
		f[0]->hold = 1;
		acrypto_flow_init(other);
		for (i = 0; i < NR; i++) {
			w[i]->s.flow = other;
			assert_int_equal(unit_submit(&w[i]->s), 0);
		}
		shim_thread_start(&t, 1, destroy_thread, other);
		WAIT_FOR(shim_thread_blocked(&t));
		for (i = 0; i < NR - 1; i++)
			fake_finish(f[0], fake_take(f[0]), 0);
		msleep(5);
		assert_false(fake_get(&t, done));
		fake_finish(f[0], fake_take(f[0]), 0);
		shim_thread_join(&t);
		in_order(NR);
		finish();
	}
}

/* places are taken before, and in another order than, submission */
static void reserved_order(void **state)
{
	int i;

	prepare(FAKE_THREAD, 3, ACRYPTO_SESSION_DIRECT);
	for (i = 0; i < NR; i++)
		acrypto_flow_reserve(&w[i]->s);
	for (i = NR - 1; i >= 0; i--)
		assert_int_equal(unit_submit(&w[i]->s), 0);
	in_order(NR);
	finish();
}

/* one that was refused keeps its place, and nobody passes it */
static void settled_in_order(void **state)
{
	struct fake *small;
	int i;

	prepare(FAKE_ASYNC, 0, ACRYPTO_SESSION_DIRECT);
	small = FAKE("small", FAKE_ASYNC, .qlen = 2);
	small->hold = 1;
	for (i = 0; i < 4; i++)
		acrypto_flow_reserve(&w[i]->s);
	assert_int_equal(unit_submit(&w[0]->s), 0);
	assert_int_equal(unit_submit(&w[3]->s), 0);
	assert_int_equal(unit_submit(&w[1]->s), -EBUSY);
	assert_int_equal(unit_submit(&w[2]->s), -EBUSY);
	unit_settle(&w[2]->s, -ENOMEM);
	fake_serve(small);
	shim_softirqs_done();
	assert_true(work_done(w[0]));
	assert_int_equal(work_total(), 1);
	unit_settle(&w[1]->s, 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(work_wait(w[i]), i == 2 ? -ENOMEM : 0);
		assert_int_equal(w[i]->order, i + 1);
	}
	finish();
	fake_free(small);
}

/*
 * An inline end: whose turn it is knows by the return value, and then the flow
 * stands still until he says so; the others are called back.
 */
static void inline_end_in_order(void **state)
{
	struct fake *sync;
	int i;

	prepare(FAKE_ASYNC, 1, ACRYPTO_SESSION_DIRECT);
	sync = FAKE("sync", FAKE_SYNC, 0);
	f[0]->hold = 1;
	for (i = 0; i < 6; i++)
		w[i]->s.bound = i == 1 || i == 4 ? f[0]->dev : sync->dev;

	assert_int_equal(acrypto_submit(&w[0]->s), 0);
	assert_true(acrypto_session_is_done(&w[0]->s));
	assert_int_equal(acrypto_submit(&w[1]->s), -EINPROGRESS);
	assert_int_equal(acrypto_submit(&w[2]->s), -EINPROGRESS);
	fake_finish(f[0], fake_take(f[0]), 0);
	shim_softirqs_done();
	assert_int_equal(work_total(), 0);	/* w[0] is with us */
	acrypto_flow_next(&flow);
	assert_int_equal(work_wait(w[1]), 0);
	assert_int_equal(work_wait(w[2]), 0);
	assert_false(w[1]->here || w[2]->here);
	assert_true(w[1]->order < w[2]->order);

	/* and with an error, whatever comes later */
	shim_softirqs_done();
	sync->error = -EILSEQ;
	assert_int_equal(acrypto_submit(&w[3]->s), -EILSEQ);
	sync->error = 0;
	assert_int_equal(acrypto_submit(&w[4]->s), -EINPROGRESS);
	acrypto_flow_next(&flow);
	assert_int_equal(acrypto_submit(&w[5]->s), -EINPROGRESS);
	fake_finish(f[0], fake_take(f[0]), 0);
	assert_int_equal(work_wait(w[4]), 0);
	assert_int_equal(work_wait(w[5]), 0);
	assert_int_equal(work_calls(w[0]) + work_calls(w[3]), 0);
	finish();
	fake_free(sync);
}

/* of a list, too: what ended inline, and whose turn it is, is handed back */
static void inline_end_of_a_list(void **state)
{
	LIST_HEAD(done);
	LIST_HEAD(list);
	int i, nr = 0;
	struct list_head *p;

	prepare(FAKE_SYNC, 1, ACRYPTO_SESSION_DIRECT);
	for (i = 0; i < 8; i++) {
		if (i & 1)
			w[i]->s.flow = NULL;
		list_add_tail(&w[i]->s.entry, &list);
	}
	assert_int_equal(acrypto_submit_list(&list, &done), 0);
	assert_true(list_empty(&list));
	list_for_each(p, &done)
		nr++;
	/* four without a flow, and the first of the flow */
	assert_int_equal(nr, 5);
	shim_softirqs_done();
	assert_int_equal(work_total(), 0);
	for (i = 0; i < 8; i++)
		assert_true(acrypto_session_is_done(&w[i]->s));
	while (!list_empty(&done))
		list_del_init(done.next);
	acrypto_flow_next(&flow);
	for (i = 2; i < 8; i += 2)
		assert_int_equal(work_wait(w[i]), 0);
	assert_true(w[2]->order < w[4]->order && w[4]->order < w[6]->order);
	assert_int_equal(work_calls(w[0]), 0);
	finish();
}

/* from a deferred callback one may destroy another flow, which has ended */
static struct acrypto_flow other;

static void destroy_other(struct work *v)
{
	if (v->s.flags & ACRYPTO_SESSION_DIRECT)
		return;
	acrypto_flow_destroy(&other);
	__atomic_add_fetch(&v->nr, 1, __ATOMIC_SEQ_CST);
}

/* a session in whose callback the flow of all the others is destroyed */
static void submit_others(int flags)
{
	int i;

	prepare(FAKE_ASYNC, 1, 0);
	acrypto_flow_init(&other);
	f[0]->hold = 1;
	w[0]->then = destroy_other;
	w[0]->nr = 0;
	for (i = 1; i < 8; i++) {
		w[i]->s.flow = &other;
		w[i]->s.flags = flags;
	}
	for (i = 0; i < 8; i++)
		assert_int_equal(unit_submit(&w[i]->s), 0);
}

/*
 * A deferred callback waits for another flow to come to its end: that must
 * not wait for this callback, not even on a single CPU.
 */
static void destroy_from_a_callback(void **state)
{
	int flags, i;

	for (flags = 0; flags < 2; flags++) {
		submit_others(flags);
		fake_serve(f[0]);
		for (i = 1; i < 8; i++)
			assert_int_equal(work_wait(w[i]), 0);
		assert_int_equal(work_wait(w[0]), 0);
		assert_int_equal(w[0]->nr, 1);
		finish();
	}
}

/* ... which ends later, and not all at once */
static void destroy_waits_in_a_callback(void **state)
{
	struct acrypto_session *s[8];
	int flags, i;

	for (flags = 0; flags < 2; flags++) {
		submit_others(flags);
		for (i = 0; i < 8; i++)
			s[i] = fake_take(f[0]);
		for (i = 0; i < 8; i++) {
			fake_finish(f[0], s[i], 0);
			shim_softirqs_done();
			msleep(5);
		}
		for (i = 0; i < 8; i++)
			assert_int_equal(work_wait(w[i]), 0);
		assert_int_equal(w[0]->nr, 1);
		finish();
	}
}

/* direct callbacks come in soft interrupts, in order, whoever completes */
static int from_others;

static void look_around(struct work *v)
{
	CHECK(in_softirq() && !in_irq() && !irqs_disabled());
	CHECK(shim_me()->softirq);
	__atomic_add_fetch(&from_others, 1, __ATOMIC_SEQ_CST);
}

static void softirq_callbacks(void **state)
{
	int i, j;

	for (j = 0; j < 6; j++) {
		from_others = 0;
		prepare(FAKE_THREAD, 3, ACRYPTO_SESSION_DIRECT);
		for (i = 0; i < NR; i++)
			w[i]->then = look_around;
		submit_all();
		in_order(NR);
		assert_int_equal(from_others, NR);
		finish();
	}
}

const struct unit_test unit_tests[] = {
	TEST(order_is_kept),
	TEST(disorder_without_flow),
	TEST(order_of_all_kinds),
	TEST(waits_for_the_first),
	TEST(flows_are_independent),
	TEST(error_in_order),
	TEST(refused_leaves),
	TEST(order_over_death),
	TEST(submit_from_callback),
	TEST(destroy_waits),
	TEST(reserved_order),
	TEST(settled_in_order),
	TEST(inline_end_in_order),
	TEST(inline_end_of_a_list),
	TEST(destroy_from_a_callback),
	TEST(destroy_waits_in_a_callback),
	TEST(softirq_callbacks),
	{ NULL, NULL },
};
