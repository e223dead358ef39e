// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a session: inline work, completion, delivery, refusals.
 */
#include "unit.h"

static struct acrypto_context *ctx;
static struct fake *f;

static void prepare(int kind, int cpu)
{
	f = fake_new(&(struct fake_info){ .name = "dev", .kind = kind,
					  .cpu = cpu });
	ctx = null_context();
}

static void finish(void)
{
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* nothing waits: the work is done before submit returns, which says so */
static void inline_in_caller(void **state)
{
	struct work *w;

	prepare(FAKE_SYNC, -1);
	w = work_new(ctx, 512);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(acrypto_submit(&w->s), 0);
	assert_true(acrypto_session_is_done(&w->s));
	assert_int_equal(w->s.error, 0);
	shim_softirqs_done();
	acrypto_flush();
	assert_false(work_done(w));
	assert_true(work_same(w));

	/* so does the error of one that failed, which is no refusal */
	work_again(w);
	f->error = -EILSEQ;
	assert_int_equal(acrypto_submit(&w->s), -EILSEQ);
	assert_true(acrypto_session_is_done(&w->s));
	assert_int_equal(w->s.error, -EILSEQ);
	f->error = 0;
	work_again(w);
	w->s.priority = ACRYPTO_PRIO_LEVELS;
	assert_int_equal(acrypto_submit(&w->s), -EINVAL);
	assert_false(acrypto_session_is_done(&w->s));
	w->s.priority = ACRYPTO_PRIO_DEFAULT;
	assert_int_equal(unit_submit(&w->s), 0);
	assert_int_equal(work_calls(w), 1);
	assert_true(w->here);
	assert_int_equal(w->error, 0);
	assert_true(pthread_equal(w->thread, pthread_self()));
	assert_true(work_same(w));
	work_free(w);
	finish();
}

/* inline on the device of this CPU alone */
static void inline_on_own_cpu(void **state)
{
	struct work *w;
	int i, own, other;

	for (i = 0; i < 4; i++) {
		own = i / 2;
		other = !own;
		prepare(FAKE_SYNC, own);
		w = work_new(ctx, 512);
		w->s.flags = ACRYPTO_SESSION_DIRECT;
		shim_set_cpu(own);
		assert_int_equal(unit_submit(&w->s), 0);
		assert_true(work_done(w));
		assert_true(pthread_equal(w->thread, pthread_self()));
		work_again(w);
		shim_set_cpu(other);
		assert_int_equal(work_do(w), 0);
		assert_false(pthread_equal(w->thread, pthread_self()));
		assert_int_equal(w->cpu, own);	/* its worker's CPU */
		shim_set_cpu(0);
		work_free(w);
		finish();
	}
}

/* not in the caller's context if it says so */
static void async_flag(void **state)
{
	struct work *w;

	prepare(FAKE_SYNC, -1);
	w = work_new(ctx, 512);
	w->s.flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_ASYNC;
	assert_int_equal(work_do(w), 0);
	assert_false(pthread_equal(w->thread, pthread_self()));
	assert_true(work_same(w));
	work_free(w);
	finish();
}

/* a hard interrupt, or interrupts off: never inline */
static void not_from_interrupts(void **state)
{
	struct work *w;
	unsigned long flags;

	prepare(FAKE_SYNC, -1);
	w = work_new(ctx, 512);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	shim_irq_enter();
	assert_int_equal(unit_submit(&w->s), 0);
	shim_irq_exit();
	assert_int_equal(work_wait(w), 0);
	assert_false(pthread_equal(w->thread, pthread_self()));

	work_again(w);
	local_irq_save(flags);
	assert_int_equal(unit_submit(&w->s), 0);
	local_irq_restore(flags);
	assert_int_equal(work_wait(w), 0);
	assert_false(pthread_equal(w->thread, pthread_self()));

	/* a soft interrupt may */
	work_again(w);
	shim_bh_enter();
	assert_int_equal(unit_submit(&w->s), 0);
	assert_true(work_done(w));
	shim_bh_exit();
	assert_true(pthread_equal(w->thread, pthread_self()));
	work_free(w);
	finish();
}

static struct work *gate;
static int gate_open, in_gate;

/* holds up the worker at one session */
static void stop_at_gate(struct fake *dev, struct acrypto_session *s)
{
	if (s != &gate->s)
		return;
	__atomic_store_n(&in_gate, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

/*
 * With something of the same or a higher priority waiting, a session waits
 * its turn; with lower ones only, it goes at once.
 */
static void inline_keeps_priority(void **state)
{
	struct work *w[4];
	int i;

	prepare(FAKE_SYNC, -1);
	gate_open = in_gate = 0;
	for (i = 0; i < 4; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
	}
	gate = w[0];
	f->processing = stop_at_gate;

	w[0]->s.flags |= ACRYPTO_SESSION_ASYNC;
	assert_int_equal(unit_submit(&w[0]->s), 0);
	WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
	w[1]->s.flags |= ACRYPTO_SESSION_ASYNC;		/* waits, at 16 */
	assert_int_equal(unit_submit(&w[1]->s), 0);

	w[2]->s.priority = 16;
	assert_int_equal(unit_submit(&w[2]->s), 0);
	assert_false(work_done(w[2]));
	w[3]->s.priority = 17;
	assert_int_equal(unit_submit(&w[3]->s), 0);
	assert_int_equal(work_calls(w[3]), 1);
	assert_true(pthread_equal(w[3]->thread, pthread_self()));

	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 4; i++)
		assert_int_equal(work_wait(w[i]), 0);
	assert_true(w[1]->order < w[2]->order);
	for (i = 0; i < 4; i++)
		work_free(w[i]);
	finish();
}

/* not direct: in a work, where it may sleep */
static void sleep_in_callback(struct work *w)
{
	might_sleep();
	msleep(2);
}

static void deferred_may_sleep(void **state)
{
	struct work *w;

	prepare(FAKE_SYNC, -1);
	w = work_new(ctx, 64);
	w->s.flags = ACRYPTO_SESSION_ASYNC;
	w->then = sleep_in_callback;
	shim_bh_enter();
	assert_int_equal(unit_submit(&w->s), 0);
	shim_bh_exit();
	assert_int_equal(work_wait(w), 0);
	assert_false(pthread_equal(w->thread, pthread_self()));
	assert_true(w->could_sleep);
	work_free(w);
	finish();
}

/* direct: in a soft interrupt, however it is completed */
static void direct_in_softirq(void **state)
{
	struct work *w;

	prepare(FAKE_ASYNC, -1);
	f->hold = 1;
	w = work_new(ctx, 64);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(unit_submit(&w->s), 0);
	shim_irq_enter();
	fake_finish(f, fake_take(f), 0);
	assert_int_equal(work_calls(w), 0);
	shim_irq_exit();
	shim_softirqs_done();
	assert_int_equal(work_calls(w), 1);
	assert_false(w->could_sleep);

	/* from where those are off, when they are on again */
	work_again(w);
	assert_int_equal(unit_submit(&w->s), 0);
	local_bh_disable();
	acrypto_session_complete(fake_take(f), 0);
	local_bh_enable();
	shim_softirqs_done();
	assert_int_equal(work_calls(w), 1);
	fake_set(f, working, 0);

	/* and from a thread: in another one, which does the soft interrupts */
	work_again(w);
	assert_int_equal(unit_submit(&w->s), 0);
	acrypto_session_complete(fake_take(f), 0);
	assert_int_equal(work_wait(w), 0);
	assert_false(pthread_equal(w->thread, pthread_self()));
	fake_set(f, working, 0);

	/* deferred from an interrupt */
	work_again(w);
	w->s.flags = 0;
	assert_int_equal(unit_submit(&w->s), 0);
	shim_irq_enter();
	fake_finish(f, fake_take(f), 0);
	shim_irq_exit();
	assert_int_equal(work_wait(w), 0);
	assert_true(w->could_sleep);
	work_free(w);
	finish();
}

/* the error of the device reaches the callback, both ways */
static void error_arrives(void **state)
{
	struct work *w;
	int sync;

	for (sync = 0; sync < 2; sync++) {
		prepare(sync ? FAKE_SYNC : FAKE_ASYNC, -1);
		w = work_new(ctx, 64);
		f->error = -EILSEQ;
		assert_int_equal(work_do(w), -EILSEQ);
		work_again(w);
		f->error = 1;	/* no error at all */
		assert_int_equal(work_do(w), -EIO);
		f->error = 0;
		work_again(w);
		assert_int_equal(work_do(w), 0);
		work_free(w);
		finish();
	}
}

/* a callback may submit the next session, and the same again */
static int rounds;

static void submit_again(struct work *w)
{
	struct work *next = w->s.priv;
	int err;

	if (__atomic_sub_fetch(&rounds, 1, __ATOMIC_SEQ_CST) <= 0)
		return;
	WAIT_FOR(work_done(next));
	work_again(next);
	next->s.priv = w;
	err = unit_submit(&next->s);
	CHECK_EQ(err, 0);
}

static void submit_from_callback(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct work *w[2];
	int k, flags;

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		for (flags = 0; flags < 2; flags++) {
			prepare(kinds[k], -1);
			rounds = kinds[k] == FAKE_THREAD ? 200 : 50;
			w[0] = work_new(ctx, 64);
			w[1] = work_new(ctx, 64);
			w[0]->s.flags = w[1]->s.flags = flags ?
				ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_ASYNC :
				ACRYPTO_SESSION_ASYNC;
			w[0]->s.priv = w[1];
			w[1]->s.priv = w[0];
			w[0]->then = w[1]->then = submit_again;
			w[1]->calls = 1;
			assert_int_equal(unit_submit(&w[0]->s), 0);
			WAIT_FOR(__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) <= 0);
			WAIT_FOR(work_done(w[0]) && work_done(w[1]));
			work_free(w[0]);
			work_free(w[1]);
			finish();
			work_order = 0;
		}
}

/* a callback may free its session */
static void free_callback(struct acrypto_session *s, int error)
{
	int *calls = s->priv;

	CHECK_EQ(error, 0);
	kfree(s);
	__atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST);
}

static void free_in_callback(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct scatterlist sg;
	int k, flags, i, calls;
	u8 buf[64];

	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		for (flags = 0; flags < 8; flags++) {
			struct acrypto_flow flow;
			LIST_HEAD(list);

			if (flags & ACRYPTO_SESSION_MAY_SLEEP)
				acrypto_flow_init(&flow);
			prepare(kinds[k], -1);
			sg_init_one(&sg, buf, 64);
			calls = 0;
			for (i = 0; i < 8; i++) {
				struct acrypto_session *s;

				s = kmalloc(sizeof(*s), GFP_KERNEL);
				acrypto_session_init(s, ctx);
				s->flags = flags;
				if (flags & ACRYPTO_SESSION_MAY_SLEEP)
					s->flow = &flow;
				s->one.src = s->one.dst = &sg;
				s->one.nsrc = s->one.ndst = 1;
				s->one.length = 64;
				s->callback = free_callback;
				s->priv = &calls;
				list_add_tail(&s->entry, &list);
			}
			assert_int_equal(unit_submit_list(&list), 0);
			WAIT_FOR(__atomic_load_n(&calls, __ATOMIC_SEQ_CST) == 8);
			if (flags & ACRYPTO_SESSION_MAY_SLEEP)
				acrypto_flow_destroy(&flow);
			finish();
		}
}

/* all that makes no sense is refused and not called back */
static void bad_data(void **state)
{
	static const u8 key[16];
	static u8 modexp_key[128];	/* modulus, exponent */
	struct acrypto_context *aes, *hash, *modexp;
	struct work *w;

	f = FAKE("dev", FAKE_SYNC, .caps = caps_all, .nr_caps = nr_caps_all);
	aes = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_CBC, key, 16);
	hash = cipher_context(ACRYPTO_OP_HASH, ACRYPTO_TYPE_SHA1,
			      ACRYPTO_MODE_NONE, NULL, 0);
	memset(modexp_key, 0xff, sizeof(modexp_key));
	modexp = cipher_context(ACRYPTO_OP_PUBKEY, ACRYPTO_TYPE_MODEXP,
				ACRYPTO_MODE_NONE, modexp_key, 128);
#define REFUSED(context, change) do { \
	w = work_new(context, 64); \
	w->data[0].result_len = 20; \
	change; \
	assert_int_equal(unit_submit(&w->s), -EINVAL); \
	assert_false(work_done(w)); \
	work_free(w); \
	} while (0)
#define TAKEN(context, change) do { \
	w = work_new(context, 64); \
	w->data[0].result_len = 20; \
	change; \
	assert_int_equal(work_do(w), 0); \
	work_free(w); \
	} while (0)
	TAKEN(aes, );
	TAKEN(aes, w->data[0].unit = 16);
	REFUSED(aes, w->data[0].length = 0);
	REFUSED(aes, w->data[0].length = 60);
	REFUSED(aes, w->data[0].unit = 8);
	REFUSED(aes, w->data[0].unit = 48);
	REFUSED(aes, w->data[0].src = NULL);
	REFUSED(aes, w->data[0].dst = NULL);
	REFUSED(aes, w->data[0].iv = NULL);
	REFUSED(aes, w->s.callback = NULL);
	REFUSED(aes, w->s.data = NULL);
	REFUSED(aes, w->s.ctx = NULL);
	TAKEN(hash, );
	TAKEN(hash, w->data[0].result_len = 4);
	TAKEN(hash, w->data[0].length = 0; w->data[0].src = NULL);
	REFUSED(hash, w->data[0].result_len = 0);
	REFUSED(hash, w->data[0].result_len = 21);
	REFUSED(hash, w->data[0].result = NULL);
	REFUSED(hash, w->data[0].src = NULL);
	REFUSED(hash, w->data[0].unit = 60);
	/* as long as the modulus */
	TAKEN(modexp, );
	REFUSED(modexp, w->data[0].length = 63);
	REFUSED(modexp, w->data[0].length = 32);
	REFUSED(modexp, w->data[0].src = NULL);
	REFUSED(modexp, w->data[0].dst = NULL);
	acrypto_context_destroy(modexp);
	acrypto_context_destroy(aes);
	acrypto_context_destroy(hash);
	fake_free(f);
}

/* a session is good for one submission */
static void used_session_refused(void **state)
{
	struct work *w;

	prepare(FAKE_ASYNC, -1);
	w = work_new(ctx, 64);
	assert_int_equal(work_do(w), 0);
	assert_int_equal(acrypto_submit(&w->s), -EINVAL);
	work_again(w);
	assert_int_equal(work_do(w), 0);
	work_free(w);
	finish();
}

/* off: nothing is taken, what is there goes on */
static void switched_off(void **state)
{
	int *enabled = shim_param("enabled");
	struct work *w[2];

	prepare(FAKE_ASYNC, -1);
	f->hold = 1;
	w[0] = work_new(ctx, 64);
	w[1] = work_new(ctx, 64);
	assert_int_equal(unit_submit(&w[0]->s), 0);
	assert_true(acrypto_context_ready(ctx));
	*enabled = 0;
	assert_false(acrypto_context_ready(ctx));
	assert_int_equal(unit_submit(&w[1]->s), -ENODEV);
	fake_serve(f);
	assert_int_equal(work_wait(w[0]), 0);
	assert_false(work_done(w[1]));
	*enabled = 1;
	assert_true(acrypto_context_ready(ctx));
	assert_int_equal(work_do(w[1]), 0);
	work_free(w[0]);
	work_free(w[1]);
	finish();
}

/* no device: refused at once, for every reason */
static void no_device(void **state)
{
	static const u8 key[16];
	struct work *w;

	ctx = null_context();
	w = work_new(ctx, 64);
	assert_false(acrypto_context_ready(ctx));
	assert_int_equal(acrypto_context_width(ctx), 0);
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	w->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	work_free(w);
	acrypto_context_destroy(ctx);

	/* one that can't do this algorithm */
	f = FAKE("dev", FAKE_SYNC, 0);
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_CBC, key, 16);
	w = work_new(ctx, 64);
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	assert_int_equal(f->setups - f->frees, 0);
	work_free(w);
	finish();
}

/* a list of all kinds of sessions; each is done once */
static void long_list(void **state)
{
	enum { NR = 300 };
	struct work *w[NR];
	struct fake *g;
	LIST_HEAD(list);
	u64 seed = unit_seed;
	int i;

	prepare(FAKE_SYNC, -1);
	g = FAKE("thread", FAKE_THREAD, 0);
	g->batch = 4;
	for (i = 0; i < NR; i++) {
		w[i] = work_new(ctx, 16 + i);
		w[i]->s.flags = shim_random(&seed) & 7;
		w[i]->s.priority = shim_random(&seed) % ACRYPTO_PRIO_LEVELS;
		list_add_tail(&w[i]->s.entry, &list);
	}
	while (!list_empty(&list)) {
		int err = unit_submit_list(&list);

		assert_true(err == 0 || err == -EBUSY);
	}
	for (i = 0; i < NR; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_true(work_same(w[i]));
	}
	assert_int_equal(work_total(), NR);
	for (i = 0; i < NR; i++)
		work_free(w[i]);
	fake_free(g);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(inline_in_caller),
	TEST(inline_on_own_cpu),
	TEST(async_flag),
	TEST(not_from_interrupts),
	TEST(inline_keeps_priority),
	TEST(deferred_may_sleep),
	TEST(direct_in_softirq),
	TEST(error_arrives),
	TEST(submit_from_callback),
	TEST(free_in_callback),
	TEST(bad_data),
	TEST(used_session_refused),
	TEST(switched_off),
	TEST(no_device),
	TEST(long_list),
	{ NULL, NULL },
};
