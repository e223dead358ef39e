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
	assert_int_equal(acrypto_submit_list(&list), 0);
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
		assert_int_equal(acrypto_submit(&w[i]->s), 0);
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
	assert_int_equal(acrypto_submit(&w[0]->s), 0);
	assert_int_equal(acrypto_submit(&w[1]->s), 0);
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
		assert_int_equal(acrypto_submit(&w[i]->s), 0);
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
		assert_int_equal(acrypto_submit(&w[i]->s), i < 2 ? 0 : -EBUSY);
	fake_finish(small, fake_take(small), 0);
	assert_int_equal(acrypto_submit(&w[3]->s), 0);
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

	err = acrypto_submit(&next->s);
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
		assert_int_equal(acrypto_submit_list(&list), 0);
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
			assert_int_equal(acrypto_submit(&w[i]->s), 0);
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
		assert_int_equal(acrypto_submit(&w[i]->s), 0);
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
	assert_int_equal(acrypto_submit(&w[0]->s), 0);
	assert_int_equal(acrypto_submit(&w[3]->s), 0);
	assert_int_equal(acrypto_submit(&w[1]->s), -EBUSY);
	assert_int_equal(acrypto_submit(&w[2]->s), -EBUSY);
	acrypto_session_settle(&w[2]->s, -ENOMEM);
	fake_serve(small);
	assert_true(work_done(w[0]));
	assert_int_equal(work_total(), 1);
	acrypto_session_settle(&w[1]->s, 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(work_wait(w[i]), i == 2 ? -ENOMEM : 0);
		assert_int_equal(w[i]->order, i + 1);
	}
	finish();
	fake_free(small);
}

/* callbacks as in a soft interrupt, whatever completes the sessions */
static int hard_seen;

static void look_around(struct work *v)
{
	CHECK(!in_irq() && !irqs_disabled());
	CHECK(shim_me()->preempt > 0);
}

static void note_hard(struct work *v)
{
	if (in_irq() || irqs_disabled())
		__atomic_store_n(&hard_seen, 1, __ATOMIC_SEQ_CST);
}

static void softirq_callbacks(void **state)
{
	int i, j;

	/* without the flag some are called in hard interrupts */
	hard_seen = 0;
	for (j = 0; j < 20 && !hard_seen; j++) {
		prepare(FAKE_THREAD, 3, ACRYPTO_SESSION_DIRECT);
		for (i = 0; i < NR; i++)
			w[i]->then = note_hard;
		submit_all();
		in_order(NR);
		finish();
	}
	assert_true(hard_seen);
	for (j = 0; j < 6; j++) {
		prepare(FAKE_THREAD, 3, ACRYPTO_SESSION_DIRECT |
					ACRYPTO_SESSION_SOFTIRQ);
		for (i = 0; i < NR; i++)
			w[i]->then = look_around;
		submit_all();
		in_order(NR);
		finish();
	}
}

/* the flag asks for a flow and for direct callbacks */
static void softirq_needs_flow(void **state)
{
	prepare(FAKE_ASYNC, 1, ACRYPTO_SESSION_SOFTIRQ);
	assert_int_equal(acrypto_submit(&w[0]->s), -EINVAL);
	w[0]->s.flags |= ACRYPTO_SESSION_DIRECT;
	w[0]->s.flow = NULL;
	assert_int_equal(acrypto_submit(&w[0]->s), -EINVAL);
	w[0]->s.flow = &flow;
	assert_int_equal(work_do(w[0]), 0);
	finish();
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
	TEST(softirq_callbacks),
	TEST(softirq_needs_flow),
	{ NULL, NULL },
};
