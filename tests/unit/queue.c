// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: priorities, order, bells, bounds and back-pressure.
 */
#include "unit.h"
#include "internal.h"

static struct acrypto_context *ctx;
static struct fake *f;

static void prepare(int kind, unsigned int qlen)
{
	f = FAKE("dev", kind, .qlen = qlen);
	ctx = null_context();
}

static void finish(void)
{
	acrypto_context_destroy(ctx);
	fake_free(f);
}

/* higher priorities first, in order of submission within each */
static void priority_order(void **state)
{
	static const int prio[] = { 16, 0, 31, 16, 7, 31, 0, 16, 31, 7 };
	static const int want[] = { 2, 5, 8, 0, 3, 7, 4, 9, 1, 6 };
	struct work *w[ARRAY_SIZE(prio)];
	int i;

	prepare(FAKE_ASYNC, 0);
	f->hold = 1;
	for (i = 0; i < ARRAY_SIZE(prio); i++) {
		w[i] = work_new(ctx, 32);
		w[i]->s.priority = prio[i];
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
		assert_int_equal(unit_submit(&w[i]->s), 0);
	}
	for (i = 0; i < ARRAY_SIZE(prio); i++) {
		struct acrypto_session *s = fake_take(f);

		assert_ptr_equal(s, &w[want[i]]->s);
		fake_finish(f, s, 0);
		assert_int_equal(w[want[i]]->order, i + 1);
	}
	assert_null(fake_take(f));
	for (i = 0; i < ARRAY_SIZE(prio); i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_true(work_same(w[i]));
		work_free(w[i]);
	}
	finish();
}

static void bad_priority(void **state)
{
	struct work *w;

	prepare(FAKE_ASYNC, 0);
	w = work_new(ctx, 32);
	w->s.priority = ACRYPTO_PRIO_LEVELS;
	assert_int_equal(unit_submit(&w->s), -EINVAL);
	assert_false(work_done(w));
	work_free(w);
	finish();
}

/* a list for more devices than are told at a time: all of them are */
static void many_bells(void **state)
{
	enum { NR = 20 };
	struct fake *d[NR];
	struct work *w[NR];
	char name[16];
	LIST_HEAD(list);
	int i;

	for (i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		d[i] = FAKE(name, FAKE_ASYNC, 0);
	}
	ctx = null_context();
	for (i = 0; i < NR; i++) {
		w[i] = work_new(ctx, 32);
		w[i]->s.bound = d[i]->dev;
		list_add_tail(&w[i]->s.entry, &list);
	}
	assert_int_equal(unit_submit_list(&list), 0);
	for (i = 0; i < NR; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	acrypto_context_destroy(ctx);
	for (i = 0; i < NR; i++)
		fake_free(d[i]);
}

/* one bell for a whole batch, one for the next when the queue ran dry */
static void one_bell_a_batch(void **state)
{
	struct work *w[8];
	LIST_HEAD(list);
	int i, before;

	prepare(FAKE_ASYNC, 0);
	f->hold = 1;
	before = fake_get(f, readies);
	for (i = 0; i < 8; i++) {
		w[i] = work_new(ctx, 32);
		list_add_tail(&w[i]->s.entry, &list);
	}
	assert_int_equal(unit_submit_list(&list), 0);
	assert_true(list_empty(&list));
	assert_int_equal(fake_get(f, readies), before + 1);
	fake_serve(f);
	for (i = 0; i < 8; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_again(w[i]);
	}
	assert_int_equal(work_do(w[0]), 0);
	assert_int_equal(fake_get(f, readies), before + 2);
	for (i = 0; i < 8; i++)
		work_free(w[i]);
	finish();
}

/* when the first callback comes, the device has let go of all of them */
static void device_has_none(struct work *w)
{
	CHECK_EQ(acrypto_device_load(f->dev), w->nr);
}

/*
 * Several end in one go, out of order and of several priorities: callbacks in
 * the order in which they were named, and the counters right; what was not
 * named stays, and what waits is next.
 */
static void several_at_once(void **state)
{
	static const int prio[] = { 16, 31, 16, 31, 0, 16 };
	/* the device gets 1 3 0 2 5 and ends 2 3 1, then 5 and 0 with an error */
	static const int order[] = { 5, 3, 1, 2, 6, 4 };
	unsigned long finished, completed, bytes;
	struct acrypto_session *s[6], *named[3];
	struct work *w[6];
	int i;

	prepare(FAKE_ASYNC, 0);
	f->hold = 1;
	finished = acrypto_stat_sum(f->dev, ACRYPTO_FINISHED);
	completed = acrypto_stat_sum(f->dev, ACRYPTO_COMPLETED);
	bytes = acrypto_stat_sum(f->dev, ACRYPTO_BYTES);
	work_order = 0;
	for (i = 0; i < 6; i++) {
		w[i] = work_new(ctx, 32);
		w[i]->s.priority = prio[i];
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
		assert_int_equal(unit_submit(&w[i]->s), 0);
	}
	for (i = 0; i < 5; i++)
		s[i] = fake_take(f);
	assert_ptr_equal(s[3], &w[2]->s);

	named[0] = s[3], named[1] = s[1], named[2] = s[0];
	w[2]->nr = w[3]->nr = w[1]->nr = 3;
	w[2]->then = w[3]->then = w[1]->then = device_has_none;
	fake_finish_all(f, named, 3, 0);
	assert_int_equal(work_total(), 3);
	named[0] = s[4], named[1] = s[2];
	w[5]->nr = w[0]->nr = 1;
	w[5]->then = w[0]->then = device_has_none;
	fake_finish_all(f, named, 2, -EIO);
	assert_int_equal(work_total(), 5);

	s[5] = fake_take(f);
	assert_ptr_equal(s[5], &w[4]->s);
	fake_finish(f, s[5], 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(work_wait(w[i]), i == 0 || i == 5 ? -EIO : 0);
		assert_int_equal(w[i]->order, order[i]);
	}
	assert_int_equal(acrypto_stat_sum(f->dev, ACRYPTO_FINISHED) - finished,
			 6);
	assert_int_equal(acrypto_stat_sum(f->dev, ACRYPTO_COMPLETED) -
			 completed, 4);
	assert_int_equal(acrypto_stat_sum(f->dev, ACRYPTO_BYTES) - bytes,
			 4 * 32);
	for (i = 0; i < 6; i++)
		work_free(w[i]);
	finish();
}

/* a full queue refuses; what was refused is not called back */
static void full_is_busy(void **state)
{
	struct work *w[5];
	int i;

	prepare(FAKE_ASYNC, 4);
	f->hold = 1;
	for (i = 0; i < 5; i++) {
		w[i] = work_new(ctx, 32);
		assert_int_equal(unit_submit(&w[i]->s), i < 4 ? 0 : -EBUSY);
	}
	fake_serve(f);
	for (i = 0; i < 4; i++)
		assert_int_equal(work_wait(w[i]), 0);
	assert_false(work_done(w[4]));
	/* and it may be tried again */
	assert_int_equal(work_do(w[4]), 0);
	for (i = 0; i < 5; i++)
		work_free(w[i]);
	finish();
}

/* of a list, what finds no room stays on it, in order */
static void rest_of_a_list_stays(void **state)
{
	struct work *w[6];
	LIST_HEAD(list);
	int i;

	prepare(FAKE_ASYNC, 4);
	f->hold = 1;
	for (i = 0; i < 6; i++) {
		w[i] = work_new(ctx, 32);
		list_add_tail(&w[i]->s.entry, &list);
	}
	assert_int_equal(unit_submit_list(&list), -EBUSY);
	assert_ptr_equal(list.next, &w[4]->s.entry);
	assert_ptr_equal(list.next->prev, &list);
	assert_ptr_equal(list.next->next, &w[5]->s.entry);
	assert_ptr_equal(list.next->next->next, &list);
	fake_serve(f);
	for (i = 0; i < 4; i++)
		assert_int_equal(work_wait(w[i]), 0);
	assert_int_equal(unit_submit_list(&list), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	finish();
}

struct wakeup {
	int calls;
	struct work *retry;
	int err;
};

static void wakeup(void *priv)
{
	struct wakeup *u = priv;

	unit_callback_check(1);
	__atomic_add_fetch(&u->calls, 1, __ATOMIC_SEQ_CST);
	if (u->retry) {
		struct work *w = u->retry;

		u->retry = NULL;
		u->err = unit_submit(&w->s);
	}
}

/* -EBUSY, and then one wake-up when there is room, and no sooner */
static void wakeup_after_busy(void **state)
{
	struct wakeup u = { 0 };
	struct work *w[4];
	struct acrypto_session *s;
	int i;

	prepare(FAKE_ASYNC, 2);
	acrypto_context_wakeup(ctx, wakeup, &u);
	f->hold = 1;
	for (i = 0; i < 4; i++) {
		w[i] = work_new(ctx, 32);
		assert_int_equal(unit_submit(&w[i]->s), i < 2 ? 0 : -EBUSY);
	}
	assert_int_equal(u.calls, 0);
	s = fake_take(f);
	fake_finish(f, s, 0);
	shim_softirqs_done();
	assert_int_equal(u.calls, 1);
	/* nobody was refused since: no more of them */
	s = fake_take(f);
	fake_finish(f, s, 0);
	shim_softirqs_done();
	assert_int_equal(u.calls, 1);
	/* room: no refusal, no wake-up */
	assert_int_equal(unit_submit(&w[2]->s), 0);
	fake_serve(f);
	shim_softirqs_done();
	assert_int_equal(u.calls, 1);
	for (i = 0; i < 3; i++)
		assert_int_equal(work_wait(w[i]), 0);
	for (i = 0; i < 4; i++)
		work_free(w[i]);
	finish();
}

/* submission from the wake-up itself */
static void wakeup_submits(void **state)
{
	struct wakeup u = { 0 };
	struct work *w[3];
	int i;

	prepare(FAKE_ASYNC, 2);
	acrypto_context_wakeup(ctx, wakeup, &u);
	f->hold = 1;
	for (i = 0; i < 3; i++) {
		w[i] = work_new(ctx, 32);
		unit_submit(&w[i]->s);
	}
	u.retry = w[2];
	u.err = 1;
	fake_finish(f, fake_take(f), 0);
	shim_softirqs_done();
	assert_int_equal(u.err, 0);
	fake_serve(f);
	for (i = 0; i < 3; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	finish();
}

/* a context that dies while it waits for a wake-up gets none */
static void wakeup_forgotten(void **state)
{
	struct acrypto_context *other;
	struct wakeup u = { 0 };
	struct work *w, *v;

	prepare(FAKE_ASYNC, 1);
	other = null_context();
	acrypto_context_wakeup(other, wakeup, &u);
	f->hold = 1;
	w = work_new(ctx, 32);
	v = work_new(other, 32);
	assert_int_equal(unit_submit(&w->s), 0);
	assert_int_equal(unit_submit(&v->s), -EBUSY);
	acrypto_context_destroy(other);
	fake_serve(f);
	assert_int_equal(work_wait(w), 0);
	assert_int_equal(u.calls, 0);
	work_free(w);
	work_free(v);
	finish();
}

static int submit_thread(void *data)
{
	return unit_submit(&((struct work *)data)->s);
}

/* who has slept for room, and then does the work itself, is told how it ended */
static int at_work, work_on;

static void wait_at_work(struct fake *dev, struct acrypto_session *s)
{
	__atomic_store_n(&at_work, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&work_on, __ATOMIC_SEQ_CST));
}

static void error_after_sleep(void **state)
{
	struct shim_thread t;
	struct work *w[3];
	int i;

	prepare(FAKE_SYNC, 1);
	f->error = -EILSEQ;
	f->processing = wait_at_work;
	for (i = 0; i < 3; i++) {
		w[i] = work_new(ctx, 32);
		w[i]->s.flags = i < 2 ? ACRYPTO_SESSION_ASYNC :
					ACRYPTO_SESSION_MAY_SLEEP;
	}
	/* one in work, and one waits */
	assert_int_equal(unit_submit(&w[0]->s), 0);
	WAIT_FOR(__atomic_load_n(&at_work, __ATOMIC_SEQ_CST));
	assert_int_equal(unit_submit(&w[1]->s), 0);
	shim_thread_start(&t, 0, submit_thread, w[2]);
	WAIT_FOR(shim_thread_blocked(&t));
	__atomic_store_n(&work_on, 1, __ATOMIC_SEQ_CST);
	assert_int_equal(shim_thread_join(&t), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(work_wait(w[i]), -EILSEQ);
		work_free(w[i]);
	}
	finish();
}

/* who may sleep sleeps until there is room */
static void sleeps_for_room(void **state)
{
	struct shim_thread t;
	struct work *w[3];
	int i;

	prepare(FAKE_ASYNC, 2);
	f->hold = 1;
	for (i = 0; i < 3; i++)
		w[i] = work_new(ctx, 32);
	for (i = 0; i < 2; i++)
		assert_int_equal(unit_submit(&w[i]->s), 0);
	w[2]->s.flags |= ACRYPTO_SESSION_MAY_SLEEP;
	shim_thread_start(&t, 1, submit_thread, w[2]);
	WAIT_FOR(shim_thread_blocked(&t));
	assert_false(fake_get(&t, done));
	fake_finish(f, fake_take(f), 0);
	assert_int_equal(shim_thread_join(&t), 0);
	fake_serve(f);
	for (i = 0; i < 3; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	finish();
}

/* the sleeper wakes up, too, when the last device goes */
static void sleeper_and_removal(void **state)
{
	struct shim_thread t;
	struct work *w[2];
	int i;

	prepare(FAKE_ASYNC, 1);
	f->hold = 1;
	for (i = 0; i < 2; i++)
		w[i] = work_new(ctx, 32);
	assert_int_equal(unit_submit(&w[0]->s), 0);
	w[1]->s.flags |= ACRYPTO_SESSION_MAY_SLEEP;
	shim_thread_start(&t, 1, submit_thread, w[1]);
	WAIT_FOR(shim_thread_blocked(&t));
	fake_gone(f);
	assert_int_equal(shim_thread_join(&t), -ENODEV);
	assert_int_equal(work_wait(w[0]), -ENODEV);
	assert_false(work_done(w[1]));
	for (i = 0; i < 2; i++)
		work_free(w[i]);
	finish();
}

/* the sleeper and the one with a wake-up both see acrypto switched off */
static void sleeper_and_switch(void **state)
{
	int *enabled = shim_param("enabled");
	struct shim_thread t;
	struct work *w[2];
	int i;

	assert_non_null(enabled);
	prepare(FAKE_ASYNC, 1);
	f->hold = 1;
	for (i = 0; i < 2; i++)
		w[i] = work_new(ctx, 32);
	assert_int_equal(unit_submit(&w[0]->s), 0);
	w[1]->s.flags |= ACRYPTO_SESSION_MAY_SLEEP;
	shim_thread_start(&t, 1, submit_thread, w[1]);
	WAIT_FOR(shim_thread_blocked(&t));
	__atomic_store_n(enabled, 0, __ATOMIC_SEQ_CST);
	fake_serve(f);
	assert_int_equal(shim_thread_join(&t), -ENODEV);
	assert_int_equal(work_wait(w[0]), 0);
	__atomic_store_n(enabled, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 2; i++)
		work_free(w[i]);
	finish();
}

/* many sleepers on a queue of two: all get through, each once */
static void nothing_lost_under_pressure(void **state)
{
	enum { NR = 12, EACH = 20 };
	struct shim_thread t[NR];
	struct work *w[NR];
	int i, j;

	prepare(FAKE_THREAD, 2);
	f->slow_us = 50;
	shim_chaos(50, 300, unit_seed);
	for (i = 0; i < NR; i++) {
		w[i] = work_new(ctx, 32);
		w[i]->s.flags |= ACRYPTO_SESSION_MAY_SLEEP;
	}
	for (j = 0; j < EACH; j++) {
		for (i = 0; i < NR; i++)
			shim_thread_start(&t[i], i, submit_thread, w[i]);
		for (i = 0; i < NR; i++) {
			assert_int_equal(shim_thread_join(&t[i]), 0);
			assert_int_equal(work_wait(w[i]), 0);
			work_again(w[i]);
		}
	}
	for (i = 0; i < NR; i++)
		work_free(w[i]);
	finish();
}

static void count_wakeup(void *priv)
{
	unit_callback_check(1);
	__atomic_add_fetch((int *)priv, 1, __ATOMIC_SEQ_CST);
}

/* the same for one that polls its wake-up and never sleeps */
static void no_wakeup_lost(void **state)
{
	enum { TIMES = 600 };
	int wakeups = 0, refused = 0, i;
	struct work *w[4];

	prepare(FAKE_THREAD, 1);
	acrypto_context_wakeup(ctx, count_wakeup, &wakeups);
	f->slow_us = 30;
	shim_chaos(20, 300, unit_seed);
	for (i = 0; i < 4; i++)
		w[i] = work_new(ctx, 32);
	for (i = 0; i < TIMES; i++) {
		struct work *v = w[i % 4];
		int seen, err;

		if (i >= 4) {
			assert_int_equal(work_wait(v), 0);
			work_again(v);
		}
		for (;;) {
			seen = __atomic_load_n(&wakeups, __ATOMIC_SEQ_CST);
			err = unit_submit(&v->s);
			if (err != -EBUSY)
				break;
			refused++;
			WAIT_FOR(__atomic_load_n(&wakeups, __ATOMIC_SEQ_CST) !=
				 seen);
		}
		assert_int_equal(err, 0);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_true(refused > 0);
	finish();
}

/*
 * Two find the last free place at the same time; one gets it.  The balancer
 * keeps the first until the second has looked.
 */
static int looking;

static const struct acrypto_candidate *
look_together(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	int i;

	if (!acrypto_device_fits(&choice->c[0], s))
		return NULL;
	__atomic_add_fetch(&looking, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 1000; i++) {
		if (__atomic_load_n(&looking, __ATOMIC_SEQ_CST) >= 2)
			break;
		shim_pause();
	}
	return &choice->c[0];
}

static void last_place(void **state)
{
	static struct acrypto_lb lb = {
		.name = "together", .find_device = look_together,
	};
	struct shim_thread t[2];
	struct work *w[2];
	struct fake *other;
	int i, err[2];

	prepare(FAKE_ASYNC, 1);
	/* of one device alone no balancer is asked */
	other = FAKE("other", FAKE_ASYNC, 0);
	acrypto_device_break(other->dev);
	WAIT_FOR(fake_get(other, resets));
	f->hold = 1;
	looking = 0;
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	for (i = 0; i < 2; i++) {
		w[i] = work_new(ctx, 32);
		shim_thread_start(&t[i], i, submit_thread, w[i]);
	}
	for (i = 0; i < 2; i++)
		err[i] = shim_thread_join(&t[i]);
	assert_true(looking >= 2);
	assert_int_equal(err[0] + err[1], -EBUSY);
	fake_serve(f);
	for (i = 0; i < 2; i++) {
		if (!err[i])
			assert_int_equal(work_wait(w[i]), 0);
		assert_int_equal(work_calls(w[i]), !err[i]);
		work_free(w[i]);
	}
	acrypto_lb_unregister(&lb);
	fake_free(other);
	finish();
}

/* a synchronous device is bounded likewise, and its worker empties it */
static void sync_queue_is_bounded(void **state)
{
	struct work *w[40];
	int i, busy = 0;

	prepare(FAKE_SYNC, 4);
	for (i = 0; i < 40; i++) {
		int err;

		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_ASYNC | ACRYPTO_SESSION_MAY_SLEEP;
		err = unit_submit(&w[i]->s);
		busy += err == -EBUSY;
		assert_int_equal(err, 0);
	}
	for (i = 0; i < 40; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_true(work_same(w[i]));
		work_free(w[i]);
	}
	assert_int_equal(busy, 0);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(priority_order),
	TEST(bad_priority),
	TEST(many_bells),
	TEST(one_bell_a_batch),
	TEST(several_at_once),
	TEST(full_is_busy),
	TEST(rest_of_a_list_stays),
	TEST(wakeup_after_busy),
	TEST(wakeup_submits),
	TEST(wakeup_forgotten),
	TEST(sleeps_for_room),
	TEST(error_after_sleep),
	TEST(sleeper_and_removal),
	TEST(sleeper_and_switch),
	TEST(nothing_lost_under_pressure),
	TEST(no_wakeup_lost),
	TEST(last_place),
	TEST(sync_queue_is_bounded),
	{ NULL, NULL },
};
