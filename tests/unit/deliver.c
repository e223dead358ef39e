// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery: where callbacks come, and that they neither nest nor keep a CPU
 * for themselves.
 */
#include <unistd.h>
#include "unit.h"

static struct acrypto_context *ctx;
static struct fake *f;

static void prepare(int kind)
{
	f = FAKE("dev", kind, 0);
	ctx = null_context();
}

static void finish(void)
{
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/*
 * Sessions that submit themselves again from their callback
 */

#ifdef TSAN
enum { TIMES = 5000 };
#else
enum { TIMES = 100000 };
#endif

struct looper {
	struct acrypto_session s;
	struct scatterlist sg;
	u8 data[16];
	int left, done, stop;
};

/* of a thread: how many callbacks are in each other, and how deep it went */
static __thread int nested;
static __thread char *top;
static unsigned long deepest;

static void note_depth(void)
{
	char *p = __builtin_frame_address(0);
	unsigned long depth, seen;

	if (!top)
		top = p;
	depth = top > p ? top - p : p - top;
	seen = __atomic_load_n(&deepest, __ATOMIC_SEQ_CST);
	while (depth > seen &&
	       !__atomic_compare_exchange_n(&deepest, &seen, depth, 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void loop_callback(struct acrypto_session *s, int error);

static void loop_again(struct looper *l)
{
	u16 flags = l->s.flags;

	acrypto_session_init(&l->s, ctx);
	l->s.flags = flags;
	l->s.callback = loop_callback;
	sg_init_one(&l->sg, l->data, 16);
	l->s.one.src = l->s.one.dst = &l->sg;
	l->s.one.nsrc = l->s.one.ndst = 1;
	l->s.one.length = 16;
}

static void loop_callback(struct acrypto_session *s, int error)
{
	struct looper *l = container_of(s, struct looper, s);
	int err;

	CHECK_EQ(error, 0);
	unit_callback_check(s->flags & ACRYPTO_SESSION_DIRECT);
	CHECK_EQ(nested, 0);
	nested++;
	note_depth();
	if (!--l->left || __atomic_load_n(&l->stop, __ATOMIC_SEQ_CST)) {
		nested--;
		__atomic_store_n(&l->done, 1, __ATOMIC_SEQ_CST);
		return;
	}
	loop_again(l);
	/* not inline: that would end here, and the loop be the consumer's own */
	l->s.flags |= ACRYPTO_SESSION_ASYNC;
	err = acrypto_submit(&l->s);
	if (err != -EINPROGRESS) {
		CHECK_EQ(err, -EINPROGRESS);
		__atomic_store_n(&l->done, 1, __ATOMIC_SEQ_CST);
	}
	nested--;
}

static struct looper *loop_new(int times, int flags)
{
	struct looper *l = calloc(1, sizeof(*l));

	l->left = times;
	l->s.flags = flags | ACRYPTO_SESSION_ASYNC;
	loop_again(l);
	return l;
}

/* however often they do, the stack grows no further */
static void resubmission_is_flat(void **state)
{
	static const int kinds[] = { FAKE_ASYNC, FAKE_SYNC, FAKE_THREAD };
	int k, flags;

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		for (flags = 0; flags < 2; flags++) {
			struct looper *l;

			prepare(kinds[k]);
			deepest = 0;
			l = loop_new(k ? TIMES / 20 : TIMES, flags);
			assert_int_equal(acrypto_submit(&l->s), -EINPROGRESS);
			WAIT_FOR(__atomic_load_n(&l->done, __ATOMIC_SEQ_CST));
			acrypto_flush();
			assert_int_equal(l->left, 0);
			assert_in_range(deepest, 0, 4096);
			free(l);
			finish();
		}
}

/* inline work is a loop of its submitter's, in any context */
static void inline_is_flat(void **state)
{
	struct looper *l;
	int i, bh;

	prepare(FAKE_SYNC);
	for (bh = 0; bh < 2; bh++) {
		l = loop_new(1, ACRYPTO_SESSION_DIRECT);
		if (bh)
			local_bh_disable();
		for (i = 0; i < TIMES; i++) {
			l->s.flags = ACRYPTO_SESSION_DIRECT;
			if (acrypto_submit(&l->s))
				break;
			loop_again(l);
		}
		if (bh)
			local_bh_enable();
		assert_int_equal(i, TIMES);
		assert_int_equal(l->done, 0);
		free(l);
	}
	finish();
}

/*
 * For ever: others have their turn
 */

static int tasklet_ran;

static void other_tasklet(unsigned long data)
{
	__atomic_add_fetch(&tasklet_ran, 1, __ATOMIC_SEQ_CST);
}

static int serve_thread(void *data)
{
	fake_serve(data);
	return 0;
}

static void others_have_their_turn(int flags)
{
	static DECLARE_TASKLET(other, other_tasklet, 0);
	struct shim_thread t;
	struct looper *l;
	struct work *w;
	long before;
	int i;

	prepare(FAKE_ASYNC);
	tasklet_ran = 0;
	l = loop_new(INT_MAX, flags);
	w = work_new(ctx, 64);
	w->s.flags = flags;
	f->hold = 1;
	assert_int_equal(acrypto_submit(&l->s), -EINPROGRESS);
	/* who completes the first has soft interrupts run, and comes back */
	shim_thread_start(&t, 0, serve_thread, f);
	WAIT_FOR(fake_get(&t, done));
	for (i = 0; i < 20; i++) {
		/* a session, a soft interrupt, a work of the same CPU */
		before = shim_works_done();
		local_bh_disable();
		shim_set_cpu(0);
		tasklet_schedule(&other);
		assert_int_equal(unit_submit(&w->s), 0);
		local_bh_enable();
		assert_int_equal(work_wait(w), 0);
		work_again(w);
		WAIT_FOR(__atomic_load_n(&tasklet_ran, __ATOMIC_SEQ_CST) > i);
		if (!flags)
			WAIT_FOR(shim_works_done() > before + 2);
	}
	if (flags)
		assert_true(shim_ksoftirqd_runs() > 0);
	/* and this does not wait for its end */
	acrypto_flush();
	assert_int_equal(l->done, 0);
	__atomic_store_n(&l->stop, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&l->done, __ATOMIC_SEQ_CST));
	acrypto_flush();
	shim_thread_join(&t);
	free(l);
	work_free(w);
	finish();
}

static void direct_has_a_budget(void **state)
{
	others_have_their_turn(ACRYPTO_SESSION_DIRECT);
}

static void deferred_has_a_budget(void **state)
{
	others_have_their_turn(0);
}

/* a flow that is never empty has no privilege */
static struct acrypto_flow flow;
static int flow_stop, flow_done;

static void flow_callback(struct acrypto_session *s, int error)
{
	struct looper *l = container_of(s, struct looper, s);

	unit_callback_check(s->flags & ACRYPTO_SESSION_DIRECT);
	CHECK_EQ(error, 0);
	if (__atomic_load_n(&flow_stop, __ATOMIC_SEQ_CST)) {
		__atomic_add_fetch(&flow_done, 1, __ATOMIC_SEQ_CST);
		return;
	}
	loop_again(l);
	l->s.callback = flow_callback;
	l->s.flow = &flow;
	CHECK_EQ(acrypto_submit(&l->s), -EINPROGRESS);
}

static void flow_has_a_budget(void **state)
{
	struct looper *l[8];
	struct work *w;
	int i, flags;

	for (flags = 0; flags < 2; flags++) {
		prepare(FAKE_ASYNC);
		acrypto_flow_init(&flow);
		flow_stop = flow_done = 0;
		w = work_new(ctx, 64);
		w->s.flags = flags;
		for (i = 0; i < 8; i++) {
			l[i] = loop_new(INT_MAX, flags);
			l[i]->s.flow = &flow;
			l[i]->s.callback = flow_callback;
			assert_int_equal(acrypto_submit(&l[i]->s),
					 -EINPROGRESS);
		}
		for (i = 0; i < 20; i++) {
			assert_int_equal(work_do(w), 0);
			work_again(w);
		}
		acrypto_flush();
		assert_int_equal(flow_done, 0);
		__atomic_store_n(&flow_stop, 1, __ATOMIC_SEQ_CST);
		WAIT_FOR(__atomic_load_n(&flow_done, __ATOMIC_SEQ_CST) == 8);
		acrypto_flow_destroy(&flow);
		acrypto_flush();
		for (i = 0; i < 8; i++)
			free(l[i]);
		work_free(w);
		finish();
	}
}

/*
 * A lock that the consumer holds when it submits, and that its callbacks take,
 * as a socket's is.  The device ends others' sessions where it is told of one.
 */
static DEFINE_SPINLOCK(socket_lock);
static int delivered;

static void receive(struct work *w)
{
	spin_lock(&socket_lock);
	__atomic_add_fetch(&delivered, 1, __ATOMIC_SEQ_CST);
	spin_unlock(&socket_lock);
}

static int receive_thread(void *data)
{
	struct work *w[8];
	int i, j;

	for (i = 0; i < 8; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_ASYNC;
		w[i]->then = receive;
	}
	for (j = 0; j < 50; j++) {
		for (i = 0; i < 8; i++) {
			spin_lock_bh(&socket_lock);
			CHECK_EQ(unit_submit(&w[i]->s), 0);
			spin_unlock_bh(&socket_lock);
		}
		for (i = 0; i < 8; i++) {
			CHECK_EQ(work_wait(w[i]), 0);
			work_again(w[i]);
		}
	}
	for (i = 0; i < 8; i++)
		work_free(w[i]);
	return 0;
}

static void submission_under_a_lock(void **state)
{
	static const int kinds[] = { FAKE_ASYNC, FAKE_SYNC, FAKE_THREAD };
	struct shim_thread t[4];
	int i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		prepare(kinds[k]);
		delivered = 0;
		for (i = 0; i < 4; i++)
			shim_thread_start(&t[i], i, receive_thread, NULL);
		for (i = 0; i < 4; i++)
			shim_thread_join(&t[i]);
		assert_int_equal(delivered, 4 * 50 * 8);
		finish();
	}
}

/* acrypto_flush(): no callback that had begun is still at work */
static int gate_open, in_gate;

static void wait_at_gate(struct work *w)
{
	__atomic_store_n(&in_gate, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

static int flush_thread(void *data)
{
	acrypto_flush();
	return 0;
}

static void flush_waits(void **state)
{
	struct shim_thread t[2];
	struct work *w;
	int flags;

	for (flags = 0; flags < 2; flags++) {
		prepare(FAKE_ASYNC);
		acrypto_flush();
		f->hold = 1;
		gate_open = in_gate = 0;
		w = work_new(ctx, 64);
		w->s.flags = flags;
		w->then = wait_at_gate;
		assert_int_equal(unit_submit(&w->s), 0);
		shim_thread_start(&t[0], 0, serve_thread, f);
		WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
		shim_thread_start(&t[1], 1, flush_thread, NULL);
		msleep(30);
		assert_false(fake_get(&t[1], done));
		__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
		shim_thread_join(&t[0]);
		shim_thread_join(&t[1]);
		assert_int_equal(work_wait(w), 0);
		work_free(w);
		finish();
	}
}

/* several CPUs complete at once; each session comes back once */
static int storm_thread(void *data)
{
	enum { NR = 64 };
	struct work *w[NR];
	LIST_HEAD(list);
	int i, j;

	for (i = 0; i < NR; i++) {
		w[i] = work_new(ctx, 32);
		w[i]->s.flags = i & 1;
	}
	for (j = 0; j < 20; j++) {
		for (i = 0; i < NR; i++)
			list_add_tail(&w[i]->s.entry, &list);
		CHECK_EQ(unit_submit_list(&list), 0);
		for (i = 0; i < NR; i++) {
			CHECK_EQ(work_wait(w[i]), 0);
			CHECK(work_same(w[i]));
			work_again(w[i]);
		}
	}
	for (i = 0; i < NR; i++)
		work_free(w[i]);
	return 0;
}

static void storm(void **state)
{
	struct shim_thread t[4];
	struct fake *g[2];
	int i;

	prepare(FAKE_ASYNC);
	g[0] = FAKE("thread0", FAKE_THREAD, 0);
	g[1] = FAKE("thread1", FAKE_THREAD, 0);
	g[0]->batch = g[1]->batch = 8;
	shim_chaos(200, 200, unit_seed);
	for (i = 0; i < 4; i++)
		shim_thread_start(&t[i], i, storm_thread, NULL);
	for (i = 0; i < 4; i++)
		shim_thread_join(&t[i]);
	assert_int_equal(work_total(), 4 * 20 * 64);
	fake_free(g[0]);
	fake_free(g[1]);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(resubmission_is_flat),
	TEST(inline_is_flat),
	TEST(direct_has_a_budget),
	TEST(deferred_has_a_budget),
	TEST(flow_has_a_budget),
	TEST(submission_under_a_lock),
	TEST(flush_waits),
	TEST(storm),
	{ NULL, NULL },
};
