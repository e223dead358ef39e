// SPDX-License-Identifier: GPL-2.0
/*
 * Places in queues: who gets them, who waits for them, who is told.
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

static struct work *work_of(struct acrypto_context *c, int priority)
{
	struct work *w = work_new(c, 64);

	w->s.priority = priority;
	return w;
}

/*
 * Priorities
 */

/* a queue full of bulk has room for what passes by it, up to its bound */
static void urgent_passes_a_full_queue(void **state)
{
	enum { QLEN = 4 };
	struct acrypto_session *s;
	struct work *w[12];
	int i, err, n = 0, kind;

	for (kind = 0; kind < 2; kind++) {
		prepare(FAKE_ASYNC, QLEN);
		f->hold = 1;
		n = 0;
		for (i = 0; i <= QLEN; i++) {
			w[n] = work_of(ctx, 3);
			err = unit_submit(&w[n]->s);
			assert_int_equal(err, i < QLEN ? 0 : -EBUSY);
			if (!err)
				n++;
			else
				work_free(w[n]);
		}
		for (i = 0; i <= QLEN; i++) {
			w[n] = work_of(ctx, 31);
			if (kind)	/* of a list */
				w[n]->s.bound = f->dev;
			err = unit_submit(&w[n]->s);
			assert_int_equal(err, i < QLEN ? 0 : -EBUSY);
			if (!err)
				n++;
			else
				work_free(w[n]);
		}
		assert_int_equal(n, 2 * QLEN);
		/* what is in between passes the bulk, and is held by the rest */
		w[n] = work_of(ctx, 16);
		assert_int_equal(unit_submit(&w[n]->s), -EBUSY);
		for (i = 0; i < QLEN; i++) {
			s = fake_take(f);
			assert_int_equal(s->priority, 31);
			fake_finish(f, s, 0);
		}
		assert_int_equal(unit_submit(&w[n++]->s), 0);
		fake_serve(f);
		while (n--) {
			assert_int_equal(work_wait(w[n]), 0);
			work_free(w[n]);
		}
		finish();
	}
}

/* the same at the second operation of a route */
static struct fake *second;

static struct acrypto_context *route(void)
{
	static const u8 key[20];
	const struct acrypto_transform t[] = {
		{ .operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_NULL,
		  .mode = ACRYPTO_MODE_NONE },
		{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
		  .mode = ACRYPTO_MODE_NONE, .key_len = 20, .key = key },
	};
	struct acrypto_context *c = acrypto_context_create(t, 2);

	assert_false(IS_ERR(c));
	return c;
}

static const struct acrypto_capability hmac_cap = {
	.operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
	.mode = ACRYPTO_MODE_NONE, .rate = 1,
};

static struct fake *hmac_device(const char *name, unsigned int qlen)
{
	return FAKE(name, FAKE_ASYNC, .caps = &hmac_cap, .nr_caps = 1,
		    .qlen = qlen);
}

static struct work *route_work(struct acrypto_context *c, int priority)
{
	struct work *w = work_of(c, priority);

	w->data[1].result_len = 12;
	return w;
}

static void urgent_passes_a_full_route(void **state)
{
	enum { QLEN = 2 };
	struct acrypto_context *c;
	struct work *w[2 * QLEN], *v;
	int i;

	prepare(FAKE_ASYNC, 0);
	second = hmac_device("hmac", QLEN);
	second->hold = 1;
	c = route();
	for (i = 0; i < QLEN; i++) {
		w[i] = route_work(c, 3);
		assert_int_equal(unit_submit(&w[i]->s), 0);
		WAIT_FOR(acrypto_device_load(second->dev) == i + 1);
	}
	v = route_work(c, 3);
	assert_int_equal(unit_submit(&v->s), -EBUSY);
	for (; i < 2 * QLEN; i++) {
		w[i] = route_work(c, 20);
		assert_int_equal(unit_submit(&w[i]->s), 0);
		WAIT_FOR(acrypto_device_load(second->dev) == i + 1);
	}
	fake_serve(second);
	for (i = 0; i < 2 * QLEN; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	work_free(v);
	acrypto_context_destroy(c);
	fake_free(second);
	finish();
}

/* dead devices have room that nobody gets */
static void dead_have_no_room(void **state)
{
	struct acrypto_context *c;
	struct fake *dead;
	struct work *w[3];
	int i;

	prepare(FAKE_ASYNC, 0);
	dead = hmac_device("dead", 8);
	second = hmac_device("hmac", 2);
	second->hold = 1;
	c = route();
	acrypto_device_break(dead->dev);
	for (i = 0; i < 2; i++) {
		w[i] = route_work(c, 16);
		assert_int_equal(unit_submit(&w[i]->s), 0);
		WAIT_FOR(acrypto_device_load(second->dev) == i + 1);
	}
	w[2] = route_work(c, 16);
	assert_int_equal(unit_submit(&w[2]->s), -EBUSY);
	assert_int_equal(acrypto_device_repair(dead->dev), 0);
	assert_int_equal(unit_submit(&w[2]->s), 0);
	fake_serve(second);
	for (i = 0; i < 3; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	acrypto_context_destroy(c);
	fake_free(dead);
	fake_free(second);
	finish();
}

/*
 * Bells: whoever queues urgent work on a device that nobody has told yet tells
 * it, whatever holds up the others.
 */
static int gate_open, in_gate, gated;

static void gate_init(void)
{
	gate_open = in_gate = gated = 0;
}

static void wait_at_gate(void)
{
	__atomic_add_fetch(&in_gate, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

static const struct acrypto_candidate *
held_up(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	if (s->priv == &gated)
		wait_at_gate();
	return acrypto_device_fits(&choice->c[0], s) ? &choice->c[0] : NULL;
}

static int list_thread(void *data)
{
	return unit_submit_list(data);
}

static void urgent_tells(void **state)
{
	static struct acrypto_lb lb = {
		.name = "held_up", .find_device = held_up,
	};
	struct work *w[6], *urgent;
	struct shim_thread t;
	struct fake *other;
	LIST_HEAD(list);
	int i, readies;

	prepare(FAKE_ASYNC, 0);
	/* of one device alone no balancer is asked */
	other = FAKE("other", FAKE_ASYNC, 0);
	acrypto_device_break(other->dev);
	WAIT_FOR(fake_get(other, resets));
	gate_init();
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	for (i = 0; i < 6; i++) {
		w[i] = work_of(ctx, 3);
		/* the last of the list is held up, before the bell rings */
		w[i]->s.priv = i == 5 ? &gated : NULL;
		list_add_tail(&w[i]->s.entry, &list);
	}
	readies = fake_get(f, readies);
	shim_thread_start(&t, 0, list_thread, &list);
	WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
	assert_int_equal(fake_get(f, readies), readies);
	urgent = work_of(ctx, 31);
	assert_int_equal(unit_submit(&urgent->s), 0);
	assert_int_equal(work_wait(urgent), 0);
	assert_int_equal(fake_get(f, readies), readies + 1);
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	assert_int_equal(shim_thread_join(&t), 0);
	for (i = 0; i < 6; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	work_free(urgent);
	acrypto_lb_unregister(&lb);
	fake_free(other);
	finish();
}

/*
 * A tells the device and is held up there; it takes A's; B queues and is held
 * up before he tells it; A goes on.  What is there is not known to the device,
 * whatever A believes.
 */
static int bell, bells_open[2];

static void hold_bell(struct fake *dev)
{
	int n = __atomic_fetch_add(&bell, 1, __ATOMIC_SEQ_CST);

	if (n < 2)
		WAIT_FOR(__atomic_load_n(&bells_open[n], __ATOMIC_SEQ_CST));
}

static int submit_thread(void *data)
{
	return unit_submit(&((struct work *)data)->s);
}

static void told_too_early(void **state)
{
	struct shim_thread t[2];
	struct work *w[3];
	int i;

	prepare(FAKE_ASYNC, 0);
	for (i = 0; i < 3; i++)
		w[i] = work_of(ctx, i == 2 ? 31 : 3);
	bell = bells_open[0] = bells_open[1] = 0;
	f->at_ready = hold_bell;
	f->hold = 1;
	shim_thread_start(&t[0], 0, submit_thread, w[0]);
	WAIT_FOR(__atomic_load_n(&bell, __ATOMIC_SEQ_CST) == 1);
	fake_finish(f, fake_take(f), 0);
	assert_int_equal(work_wait(w[0]), 0);
	shim_thread_start(&t[1], 1, submit_thread, w[1]);
	WAIT_FOR(__atomic_load_n(&bell, __ATOMIC_SEQ_CST) == 2);
	__atomic_store_n(&bells_open[0], 1, __ATOMIC_SEQ_CST);
	assert_int_equal(shim_thread_join(&t[0]), 0);
	/* B stands still; the device has nothing to do and hears of nothing */
	fake_set(f, hold, 0);
	assert_int_equal(unit_submit(&w[2]->s), 0);
	assert_int_equal(work_wait(w[2]), 0);
	__atomic_store_n(&bells_open[1], 1, __ATOMIC_SEQ_CST);
	assert_int_equal(shim_thread_join(&t[1]), 0);
	assert_int_equal(work_wait(w[1]), 0);
	for (i = 0; i < 3; i++)
		work_free(w[i]);
	finish();
}

/*
 * Wake-ups
 */

enum { NR = 100 };

struct waiter {
	struct acrypto_context *ctx;
	struct work *w;
	int calls, order, submits;
	struct acrypto_session **takes;
};
static struct waiter waiter[NR];
static int wakeups;
#define woken()	__atomic_load_n(&wakeups, __ATOMIC_SEQ_CST)

static void wakeup(void *priv)
{
	struct waiter *me = priv;
	int err;

	unit_callback_check(1);
	me->calls++;
	me->order = __atomic_add_fetch(&wakeups, 1, __ATOMIC_SEQ_CST);
	if (!me->submits)
		return;
	err = unit_submit(&me->w->s);
	/* who asks again may be refused again */
	CHECK(!err || (err == -EBUSY && me->submits == 2));
	if (!err)
		me->submits = 0;
	if (me->takes)
		*me->takes = fake_take(f);
}

static void starve(int nr)
{
	int i;

	wakeups = 0;
	for (i = 0; i < nr; i++) {
		struct waiter *me = &waiter[i];

		memset(me, 0, sizeof(*me));
		me->ctx = null_context();
		me->submits = 1;
		acrypto_context_wakeup(me->ctx, wakeup, me);
		me->w = work_of(me->ctx, 1 + i * 7 % 30);
		me->w->s.flags = ACRYPTO_SESSION_DIRECT;
		assert_int_equal(unit_submit(&me->w->s), -EBUSY);
	}
}

/* a queue with a single place, which is taken, and @nr that wait for it */
static struct work *prepare_starved(int nr)
{
	struct work *first;

	prepare(FAKE_ASYNC, 1);
	f->hold = 1;
	first = work_of(ctx, 31);
	assert_int_equal(unit_submit(&first->s), 0);
	starve(nr);
	return first;
}

/* @first is done, and each of the @nr was called, once */
static void finish_starved(struct work *first, int nr)
{
	int i;

	assert_int_equal(work_wait(first), 0);
	for (i = 0; i < nr; i++) {
		assert_int_equal(waiter[i].calls, 1);
		work_free(waiter[i].w);
		acrypto_context_destroy(waiter[i].ctx);
	}
	work_free(first);
	finish();
}

/* one place, one call: of the highest priority, later ones later, softly */
static void one_wakeup_a_place(void **state)
{
	struct work *first = prepare_starved(NR);
	struct acrypto_session *s;
	int i, j, last = 31;

	assert_int_equal(woken(), 0);
	for (i = 0; i < NR; i++) {
		local_bh_disable();
		s = fake_take(f);
		/* not by who takes */
		assert_int_equal(woken(), i);
		local_bh_enable();
		shim_softirqs_done();
		assert_int_equal(woken(), i + 1);
		for (j = 0; j < NR; j++)
			if (waiter[j].order == i + 1)
				break;
		assert_in_range(waiter[j].w->s.priority, 0, last);
		last = waiter[j].w->s.priority;
		fake_finish(f, s, 0);
	}
	fake_serve(f);
	shim_softirqs_done();
	assert_int_equal(woken(), NR);
	for (i = 0; i < NR; i++)
		assert_int_equal(work_wait(waiter[i].w), 0);
	/* of equal ones, the first that came */
	for (i = 0; i < NR; i++)
		for (j = 0; j < i; j++)
			if (waiter[i].w->s.priority == waiter[j].w->s.priority)
				assert_true(waiter[j].order < waiter[i].order);
	finish_starved(first, NR);
}

/*
 * a place that somebody was told of isn't offered to the next one before he has
 * looked: here, by who was told of another place and comes back late
 */
static void a_place_is_offered_once(void **state)
{
	struct work *first = prepare_starved(3);
	struct acrypto_session *taken[2];
	int i;

	/* while it is called, the device takes what it has submitted */
	waiter[2].takes = &taken[1];
	taken[0] = fake_take(f);
	shim_softirqs_done();
	assert_int_equal(woken(), 2);
	assert_int_equal(waiter[2].order, 1);
	assert_int_equal(waiter[1].order, 2);
	assert_int_equal(waiter[0].calls, 0);
	fake_finish(f, taken[0], 0);
	fake_finish(f, taken[1], 0);
	fake_serve(f);
	shim_softirqs_done();
	fake_serve(f);
	for (i = 0; i < 3; i++)
		assert_int_equal(work_wait(waiter[i].w), 0);
	finish_starved(first, 3);
}

/* one who does not want the place any more does not keep it from others */
static void wakeup_is_passed_on(void **state)
{
	struct work *first = prepare_starved(10);
	int i;

	for (i = 0; i < 10; i++)
		waiter[i].submits = i == 9;
	waiter[9].w->s.priority = 0;
	/* a single place, of the only session that there is */
	fake_finish(f, fake_take(f), 0);
	shim_softirqs_done();
	WAIT_FOR(acrypto_device_load(f->dev) == 1);
	assert_int_equal(woken(), 10);
	fake_serve(f);
	assert_int_equal(work_wait(waiter[9].w), 0);
	finish_starved(first, 10);
}

/*
 * Nor do those who can't use it, since their way is blocked further on, though
 * they are first in line and ask again each time.
 */
static void blocked_route_blocks_nobody(void **state)
{
	struct waiter *blocked = &waiter[1];
	struct work *first, *full;
	struct shim_thread t;
	int i, sleeps;

	for (sleeps = 0; sleeps < 2; sleeps++) {
		prepare(FAKE_ASYNC, 1);
		second = hmac_device("hmac", 1);
		second->hold = 1;
		wakeups = 0;
		memset(waiter, 0, sizeof(waiter));
		for (i = 0; i < 3; i++) {
			struct waiter *me = &waiter[i];

			me->ctx = i ? route() : null_context();
			me->submits = i ? 2 : 1;
			me->w = i ? route_work(me->ctx, 20) :
				    work_of(me->ctx, 10);
			acrypto_context_wakeup(me->ctx, wakeup, me);
		}
		/* the second device has its fill */
		full = route_work(waiter[1].ctx, 31);
		assert_int_equal(unit_submit(&full->s), 0);
		WAIT_FOR(acrypto_device_load(second->dev) == 1);
		f->hold = 1;
		first = work_of(ctx, 31);
		assert_int_equal(unit_submit(&first->s), 0);
		if (sleeps) {
			blocked->w->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
			shim_thread_start(&t, 1, submit_thread, blocked->w);
			WAIT_FOR(shim_thread_blocked(&t));
		} else {
			assert_int_equal(unit_submit(&blocked->w->s), -EBUSY);
		}
		assert_int_equal(unit_submit(&waiter[2].w->s), -EBUSY);
		assert_int_equal(unit_submit(&waiter[0].w->s), -EBUSY);
		fake_serve(f);
		assert_int_equal(work_wait(first), 0);
		assert_int_equal(work_wait(waiter[0].w), 0);
		assert_false(work_done(blocked->w) || work_done(waiter[2].w));
		/* and in the end they have their turn, too */
		fake_serve(second);
		assert_int_equal(work_wait(full), 0);
		if (sleeps)
			assert_int_equal(shim_thread_join(&t), 0);
		assert_int_equal(work_wait(blocked->w), 0);
		assert_int_equal(work_wait(waiter[2].w), 0);
		acrypto_flush();
		for (i = 0; i < 3; i++) {
			work_free(waiter[i].w);
			acrypto_context_destroy(waiter[i].ctx);
		}
		work_free(first);
		work_free(full);
		fake_free(second);
		finish();
	}
}

/* taking a session in a hard interrupt, under the driver's lock: no call */
static void no_wakeup_in_next(void **state)
{
	struct work *first = prepare_starved(3);
	struct acrypto_session *s;
	int i;

	for (i = 0; i < 3; i++) {
		shim_irq_enter();
		s = fake_take(f);
		assert_int_equal(woken(), i);
		shim_irq_exit();
		shim_softirqs_done();
		assert_int_equal(woken(), i + 1);
		fake_finish(f, s, 0);
	}
	fake_serve(f);
	for (i = 0; i < 3; i++)
		assert_int_equal(work_wait(waiter[i].w), 0);
	finish_starved(first, 3);
}

/*
 * Sleepers: each place wakes up one.
 */
static int looks;

static const struct acrypto_candidate *
count_looks(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	__atomic_add_fetch(&looks, 1, __ATOMIC_SEQ_CST);
	return acrypto_device_fits(&choice->c[0], s) ? &choice->c[0] : NULL;
}

/* how many of the NR threads have submitted what they had? */
static int submitted(struct shim_thread *t)
{
	int i, nr = 0;

	for (i = 0; i < NR; i++)
		nr += !!fake_get(&t[i], done);
	return nr;
}

static void sleepers_look_once_a_place(void **state)
{
	static struct acrypto_lb lb = {
		.name = "count", .find_device = count_looks,
	};
	struct shim_thread t[NR];
	struct fake *other;
	struct acrypto_session *s;
	struct work *w[NR], *first;
	int i, before, last = 31;

	prepare(FAKE_ASYNC, 1);
	/* of one device alone no balancer is asked */
	other = FAKE("other", FAKE_ASYNC, 0);
	acrypto_device_break(other->dev);
	WAIT_FOR(fake_get(other, resets));
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	f->hold = 1;
	first = work_of(ctx, 31);
	assert_int_equal(unit_submit(&first->s), 0);
	for (i = 0; i < NR; i++) {
		w[i] = work_of(ctx, 1 + i * 7 % 30);
		w[i]->s.flags = ACRYPTO_SESSION_MAY_SLEEP |
				ACRYPTO_SESSION_DIRECT;
		shim_thread_start(&t[i], i, submit_thread, w[i]);
	}
	for (i = 0; i < NR; i++)
		WAIT_FOR(shim_thread_blocked(&t[i]));
	before = looks;
	assert_in_range(before, NR, 3 * NR + 1);
	s = fake_take(f);
	for (i = 0; i < NR; i++) {
		fake_finish(f, s, 0);
		/*
		 * The one who got it.  It offers what is left to the next one, and
		 * has to be gone before there is another place: else two are told
		 * of that, and the lower priority may be faster.
		 */
		WAIT_FOR(submitted(t) == i + 1);
		WAIT_FOR((s = fake_take(f)));
		assert_in_range(s->priority, 0, last);
		last = s->priority;
	}
	fake_finish(f, s, 0);
	for (i = 0; i < NR; i++) {
		assert_int_equal(shim_thread_join(&t[i]), 0);
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	fprintf(stderr, "%d looks to sleep, %d for %d places\n", before,
		looks - before, NR);
	assert_in_range(looks - before, NR, 3 * NR);
	assert_int_equal(work_wait(first), 0);
	work_free(first);
	acrypto_lb_unregister(&lb);
	fake_free(other);
	finish();
}

/* one who was told, and comes too late, is told of the next place */
static struct acrypto_session *latecomer;
static int at_look, look_on;

static const struct acrypto_candidate *
look_late(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	if (s == __atomic_load_n(&latecomer, __ATOMIC_SEQ_CST)) {
		__atomic_store_n(&at_look, 1, __ATOMIC_SEQ_CST);
		WAIT_FOR(__atomic_load_n(&look_on, __ATOMIC_SEQ_CST));
	}
	return acrypto_device_fits(&choice->c[0], s) ? &choice->c[0] : NULL;
}

static void who_was_first_stays_so(void **state)
{
	static struct acrypto_lb lb = {
		.name = "late", .find_device = look_late,
	};
	struct shim_thread t[2];
	struct fake *other;
	struct work *w[2], *full, *passes;
	int i;

	prepare(FAKE_ASYNC, 1);
	/* of one device alone no balancer is asked */
	other = FAKE("other", FAKE_ASYNC, 0);
	acrypto_device_break(other->dev);
	WAIT_FOR(fake_get(other, resets));
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	f->hold = 1;
	full = work_of(ctx, 16);
	passes = work_of(ctx, 16);
	assert_int_equal(unit_submit(&full->s), 0);
	for (i = 0; i < 2; i++) {
		w[i] = work_of(ctx, 16);
		w[i]->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
		shim_thread_start(&t[i], i, submit_thread, w[i]);
		WAIT_FOR(shim_thread_blocked(&t[i]));
	}

	/* the first is told, and its place is taken by another */
	__atomic_store_n(&latecomer, &w[0]->s, __ATOMIC_SEQ_CST);
	fake_finish(f, fake_take(f), 0);
	WAIT_FOR(__atomic_load_n(&at_look, __ATOMIC_SEQ_CST));
	assert_int_equal(unit_submit(&passes->s), 0);
	__atomic_store_n(&latecomer, NULL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&look_on, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(shim_thread_blocked(&t[0]) && acrypto_waiters == 2);

	fake_finish(f, fake_take(f), 0);
	WAIT_FOR(fake_get(&t[0], done) || fake_get(&t[1], done));
	assert_true(fake_get(&t[0], done));
	assert_false(fake_get(&t[1], done));
	fake_serve(f);
	for (i = 0; i < 2; i++) {
		assert_int_equal(shim_thread_join(&t[i]), 0);
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_int_equal(work_wait(full), 0);
	assert_int_equal(work_wait(passes), 0);
	work_free(full);
	work_free(passes);
	acrypto_lb_unregister(&lb);
	fake_free(other);
	finish();
}

/* who needed no call after all may ask for one again */
static void asks_again(void **state)
{
	struct work *first = prepare_starved(1);
	int i;

	for (i = 0; i < 2; i++) {
		assert_false(list_empty(&waiter[0].ctx->waiter.entry));
		acrypto_room_uncall(waiter[0].ctx);
		assert_true(list_empty(&waiter[0].ctx->waiter.entry));
		assert_int_equal(acrypto_room_call(&waiter[0].w->s), 1);
	}
	fake_serve(f);
	WAIT_FOR(woken() == 1);
	assert_int_equal(work_wait(waiter[0].w), 0);
	acrypto_flush();
	finish_starved(first, 1);
}

/* places come by completion, by a device that comes, by one that is repaired */
static void room_of_all_kinds(void **state)
{
	struct shim_thread t;
	struct fake *more;
	struct work *w[2];
	int i, how;

	for (how = 0; how < 4; how++) {
		prepare(FAKE_ASYNC, 1);
		more = NULL;
		if (how == 1) {
			more = FAKE("more", FAKE_ASYNC, 0);
			acrypto_device_break(more->dev);
		}
		f->hold = 1;
		for (i = 0; i < 2; i++) {
			w[i] = work_of(ctx, 16);
			w[i]->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
		}
		assert_int_equal(unit_submit(&w[0]->s), 0);
		shim_thread_start(&t, 1, submit_thread, w[1]);
		WAIT_FOR(shim_thread_blocked(&t));
		msleep(2);
		assert_false(fake_get(&t, done));
		switch (how) {
		case 0:
			more = FAKE("more", FAKE_SYNC, 0);
			break;
		case 1:
			assert_int_equal(acrypto_device_repair(more->dev), 0);
			break;
		case 2:
			fake_finish(f, fake_take(f), 0);
			break;
		case 3:		/* it breaks, and then nobody is left */
			acrypto_device_break(f->dev);
			break;
		}
		assert_int_equal(shim_thread_join(&t), how < 3 ? 0 : -ENODEV);
		if (how < 3) {
			fake_serve(f);
			assert_int_equal(work_wait(w[0]), 0);
			assert_int_equal(work_wait(w[1]), 0);
		} else {
			assert_int_equal(work_wait(w[0]), -ENODEV);
			assert_false(work_done(w[1]));
		}
		for (i = 0; i < 2; i++)
			work_free(w[i]);
		if (more)
			fake_free(more);
		finish();
	}
}

/* the first in line has no use for the room that there is */
static void stranger_blocks_nobody(void **state)
{
	static const struct acrypto_capability aes[] = {
		{ .operation = ACRYPTO_OP_ENCRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_ECB,
		  .rate = 1 },
	};
	static const u8 key[16];
	struct acrypto_context *other;
	struct shim_thread t[2];
	struct work *w[4];
	struct fake *g;
	int i;

	prepare(FAKE_ASYNC, 1);
	g = FAKE("aes", FAKE_ASYNC, .qlen = 1, .caps = aes, .nr_caps = 1);
	other = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			       ACRYPTO_MODE_ECB, key, 16);
	f->hold = 1;
	g->hold = 1;
	for (i = 0; i < 4; i++) {
		w[i] = work_of(i & 1 ? ctx : other, i & 1 ? 16 : 20);
		if (i < 2) {
			assert_int_equal(unit_submit(&w[i]->s), 0);
			continue;
		}
		w[i]->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
		shim_thread_start(&t[i - 2], 1, submit_thread, w[i]);
		WAIT_FOR(shim_thread_blocked(&t[i - 2]));
	}
	fake_finish(f, fake_take(f), 0);
	assert_int_equal(shim_thread_join(&t[1]), 0);
	fake_serve(g);
	assert_int_equal(shim_thread_join(&t[0]), 0);
	fake_serve(f);
	for (i = 0; i < 4; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	acrypto_context_destroy(other);
	fake_free(g);
	finish();
}

/* a re-hash makes room for one who can't go elsewhere */
static void rehash_wakes(void **state)
{
	struct acrypto_session *taken;
	struct shim_thread t;
	struct fake *more;
	struct work *w[3];
	int i;

	prepare(FAKE_ASYNC, 1);
	f->hold = 1;
	for (i = 0; i < 3; i++)
		w[i] = work_of(ctx, 16);
	assert_int_equal(unit_submit(&w[0]->s), 0);
	taken = fake_take(f);
	assert_int_equal(unit_submit(&w[1]->s), 0);
	w[2]->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
	w[2]->s.bound = f->dev;
	shim_thread_start(&t, 1, submit_thread, w[2]);
	WAIT_FOR(shim_thread_blocked(&t));
	more = FAKE("more", FAKE_ASYNC, 0);
	more->hold = 1;
	msleep(2);
	WAIT_FOR(shim_thread_blocked(&t));
	acrypto_lb_rehash(f->dev);
	assert_int_equal(acrypto_device_load(more->dev), 1);
	assert_int_equal(shim_thread_join(&t), 0);
	fake_finish(f, taken, 0);
	fake_serve(f);
	fake_serve(more);
	for (i = 0; i < 3; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	fake_free(more);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(urgent_passes_a_full_queue),
	TEST(urgent_passes_a_full_route),
	TEST(dead_have_no_room),
	TEST(urgent_tells),
	TEST(told_too_early),
	TEST(one_wakeup_a_place),
	TEST(a_place_is_offered_once),
	TEST(wakeup_is_passed_on),
	TEST(blocked_route_blocks_nobody),
	TEST(no_wakeup_in_next),
	TEST(sleepers_look_once_a_place),
	TEST(who_was_first_stays_so),
	TEST(asks_again),
	TEST(room_of_all_kinds),
	TEST(stranger_blocks_nobody),
	TEST(rehash_wakes),
	{ NULL, NULL },
};
