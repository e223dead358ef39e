// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that die at work: every session completes exactly once, and not
 * before its device has let go of its buffers.
 */
#include <unistd.h>
#include <openssl/evp.h>
#include "unit.h"
#include "internal.h"

static struct acrypto_context *ctx;
static struct fake *f[3];
static int nr;

static void prepare(int kind, int n, unsigned int timeout)
{
	char name[16];

	for (nr = 0; nr < n; nr++) {
		snprintf(name, sizeof(name), "dev%d", nr);
		f[nr] = FAKE(name, kind, .timeout = timeout);
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

static void gone(int i)
{
	fake_free(f[i]);
	f[i] = NULL;
}

/* where a test holds somebody up */
static struct work *gate;
static int gate_open, in_gate;

static void wait_at_gate(struct fake *dev)
{
	__atomic_store_n(&in_gate, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&gate_open, __ATOMIC_SEQ_CST));
}

/* what waits moves, in order of priority, to the device that is left */
static void queued_move(void **state)
{
	struct acrypto_session *s;
	struct work *w[10];
	int i, j, last;

	for (j = 0; j < 2; j++) {
		prepare(FAKE_ASYNC, 1, 0);
		f[0]->hold = 1;
		for (i = 0; i < 10; i++) {
			w[i] = work_in_place(ctx, 64);
			w[i]->s.priority = i * 7 % 5;
			w[i]->nr = i;
			assert_int_equal(unit_submit(&w[i]->s), 0);
		}
		f[1] = FAKE("dev1", FAKE_ASYNC, 0);
		f[1]->hold = 1;
		nr = 2;
		if (j) {
			gone(0);
		} else {
			acrypto_device_break(f[0]->dev);
			WAIT_FOR(acrypto_device_load(f[1]->dev) == 10);
		}
		for (last = -1; (s = fake_take(f[1]));) {
			struct work *v = container_of(s, struct work, s);
			int place = 10 * (4 - s->priority) + v->nr;

			assert_true(place > last);
			last = place;
			fake_finish(f[1], s, 0);
		}
		for (i = 0; i < 10; i++) {
			assert_int_equal(work_wait(w[i]), 0);
			work_free(w[i]);
		}
		finish();
	}
}

/*
 * What was taken is done again elsewhere, but only when the reset is over:
 * the dying device scribbles on the buffers until then.  What waited need
 * not wait for that.
 */
static void running_after_reset(void **state)
{
	struct work *w[8];
	int i;

	prepare(FAKE_ASYNC, 2, 0);
	f[0]->dead = 1;
	gate_open = in_gate = 0;
	f[0]->at_reset = wait_at_gate;
	f[1]->hold = 1;
	for (i = 0; i < 8; i++) {
		if (i == 5) {
			fake_set(f[0], hold, 1);
			fake_set(f[1], hold, 0);
		}
		w[i] = work_new(ctx, 64);
		w[i]->s.priority = i ? ACRYPTO_PRIO_DEFAULT : 0;
		w[i]->s.bound = f[0]->dev;
		assert_int_equal(unit_submit(&w[i]->s), 0);
		w[i]->s.bound = NULL;	/* only to have them there */
	}
	acrypto_device_break(f[0]->dev);
	for (i = 5; i < 8; i++)
		assert_int_equal(work_wait(w[i]), 0);
	WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
	msleep(20);
	for (i = 0; i < 5; i++)
		assert_false(work_done(w[i]));
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 8; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_true(work_same(w[i]));
		work_free(w[i]);
	}
	assert_int_equal(f[0]->resets, 1);
	finish();
}

/* in place, its source is lost: -EIO, also when the lists are two */
static void running_in_place(void **state)
{
	struct work *w[3];
	int i;

	prepare(FAKE_ASYNC, 2, 0);
	f[0]->dead = 1;
	w[0] = work_in_place(ctx, 64);
	w[1] = work_in_place(ctx, 64);
	w[1]->data[0].dst = w[1]->dst[0];
	w[2] = work_new(ctx, 64);
	for (i = 0; i < 3; i++) {
		w[i]->s.bound = f[0]->dev;
		assert_int_equal(unit_submit(&w[i]->s), 0);
		w[i]->s.bound = NULL;
	}
	acrypto_device_break(f[0]->dev);
	assert_int_equal(work_wait(w[0]), -EIO);
	assert_int_equal(work_wait(w[1]), -EIO);
	assert_int_equal(work_wait(w[2]), 0);
	for (i = 0; i < 3; i++)
		work_free(w[i]);
	finish();
}

/* a digest writes to no list, whatever its destination says */
static void digest_is_never_in_place(void **state)
{
	static const struct acrypto_capability cap = {
		.operation = ACRYPTO_OP_HASH, .type = ACRYPTO_TYPE_SHA1,
		.mode = ACRYPTO_MODE_NONE, .rate = 1,
	};
	struct acrypto_context *sha1;
	struct fake *h[2];
	struct work *w;

	h[0] = FAKE("h0", FAKE_ASYNC, .caps = &cap, .nr_caps = 1);
	h[1] = FAKE("h1", FAKE_ASYNC, .caps = &cap, .nr_caps = 1);
	sha1 = cipher_context(ACRYPTO_OP_HASH, ACRYPTO_TYPE_SHA1,
			      ACRYPTO_MODE_NONE, NULL, 0);
	h[0]->dead = 1;
	h[0]->tidy = 1;
	w = work_in_place(sha1, 64);
	w->data[0].result_len = 20;
	w->s.bound = h[0]->dev;
	assert_int_equal(unit_submit(&w->s), 0);
	w->s.bound = NULL;
	acrypto_device_break(h[0]->dev);
	assert_int_equal(work_wait(w), 0);
	work_free(w);
	acrypto_context_destroy(sha1);
	fake_free(h[0]);
	fake_free(h[1]);
}

/* nowhere to go: the error comes, once, for what waited and what ran */
static void nobody_left(void **state)
{
	struct work *w[6];
	int i, j;

	for (j = 0; j < 2; j++) {
		prepare(FAKE_ASYNC, 1, 0);
		f[0]->dead = 1;
		for (i = 0; i < 6; i++) {
			if (i == 3)
				fake_set(f[0], hold, 1);
			w[i] = work_new(ctx, 64);
			assert_int_equal(unit_submit(&w[i]->s), 0);
		}
		if (j)
			gone(0);
		else
			acrypto_device_break(f[0]->dev);
		for (i = 0; i < 6; i++) {
			assert_int_equal(work_wait(w[i]), -ENODEV);
			work_free(w[i]);
		}
		finish();
	}
}

/* how many were moved, an administrator can see */
static unsigned long moved(struct fake *d)
{
	return acrypto_stat_sum(d->dev, ACRYPTO_MOVED);
}

static void moves_are_counted(void **state)
{
	struct work *w[7];
	int i;

	prepare(FAKE_ASYNC, 2, 0);
	f[0]->dead = 1;
	for (i = 0; i < 7; i++) {
		if (i == 4)
			fake_set(f[0], hold, 1);
		w[i] = work_new(ctx, 64);
		w[i]->s.bound = f[0]->dev;
		assert_int_equal(unit_submit(&w[i]->s), 0);
		w[i]->s.bound = NULL;
	}
	acrypto_device_break(f[0]->dev);
	for (i = 0; i < 7; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_int_equal(moved(f[0]), 7);
	assert_int_equal(moved(f[1]), 0);
	finish();
}

/* the watch finds a device that answers no more, and says so */
static void timeout(void **state)
{
	struct work *w[4];
	int i;

	prepare(FAKE_ASYNC, 2, 3000);
	f[0]->dead = 1;
	for (i = 0; i < 4; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.bound = f[0]->dev;
		assert_int_equal(unit_submit(&w[i]->s), 0);
		w[i]->s.bound = NULL;
	}
	shim_advance(1000);
	msleep(30);
	for (i = 0; i < 4; i++)
		assert_false(work_done(w[i]));
	for (i = 0; i < 10 && !fake_get(f[0], resets); i++) {
		shim_advance(1000);
		msleep(20);
	}
	assert_int_equal(fake_get(f[0], resets), 1);
	for (i = 0; i < 4; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		assert_true(work_same(w[i]));
		work_free(w[i]);
	}
	assert_true(shim_log_has("dev0 has not answered"));
	assert_true(shim_log_has("dev0 is broken"));
	assert_false(shim_log_has("dev1"
				  " is broken"));
	/* and after its repair it is one of us again */
	f[0]->dead = 0;
	assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
	assert_int_equal(acrypto_context_width(ctx), 2);
	finish();
}

/* no timeout, no end */
static void no_timeout(void **state)
{
	struct work *w;
	int i;

	prepare(FAKE_ASYNC, 1, 0);
	f[0]->hold = 1;
	w = work_new(ctx, 64);
	assert_int_equal(unit_submit(&w->s), 0);
	for (i = 0; i < 10; i++) {
		shim_advance(100000);
		msleep(5);
	}
	assert_false(work_done(w));
	fake_serve(f[0]);
	assert_int_equal(work_wait(w), 0);
	work_free(w);
	finish();
}

/* it has several, and brings them back one after the other */
static void many_are_not_late(void **state)
{
	struct acrypto_session *s[6];
	struct work *w[6];
	int i;

	prepare(FAKE_ASYNC, 1, 5000);
	f[0]->hold = 1;
	for (i = 0; i < 6; i++) {
		w[i] = work_new(ctx, 64);
		assert_int_equal(unit_submit(&w[i]->s), 0);
	}
	for (i = 0; i < 6; i++)
		s[i] = fake_take(f[0]);
	for (i = 0; i < 6; i++) {
		shim_advance(3000);
		msleep(10);
		fake_finish(f[0], s[i], 0);
	}
	for (i = 0; i < 6; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_false(shim_log_has("is broken"));
	finish();
}

/* work that waits in the queue of a live device is no sign of death */
static void slow_is_not_dead(void **state)
{
	struct acrypto_session *s;
	struct work *w[8];
	int i;

	prepare(FAKE_ASYNC, 1, 5000);
	f[0]->hold = 1;
	for (i = 0; i < 8; i++) {
		w[i] = work_new(ctx, 64);
		assert_int_equal(unit_submit(&w[i]->s), 0);
	}
	for (i = 0; i < 8; i++) {
		/* not taken yet, so not late either */
		if (!i)
			shim_advance(20000);
		msleep(10);
		s = fake_take(f[0]);
		shim_advance(3000);
		msleep(10);
		fake_finish(f[0], s, 0);
	}
	for (i = 0; i < 8; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_false(shim_log_has("is broken"));
	finish();
}

/* one that gets lost while others come back is found as well */
static void lost_one(void **state)
{
	struct work *w, *v;
	int i;

	prepare(FAKE_ASYNC, 2, 3000);
	f[0]->dead = 1;
	w = work_new(ctx, 64);
	v = work_new(ctx, 64);
	w->s.bound = v->s.bound = f[0]->dev;
	assert_int_equal(unit_submit(&w->s), 0);
	w->s.bound = NULL;
	f[0]->dead = 0;
	for (i = 0; i < 100 && !work_done(w); i++) {
		int err = work_do(v);

		if (err == -ENODEV)
			break;
		assert_int_equal(err, 0);
		work_again(v);
		shim_advance(1200);
		msleep(5);
	}
	assert_in_range(i, 6, 50);
	assert_int_equal(work_wait(w), 0);
	work_free(w);
	work_free(v);
	finish();
}

/* a session that kills every device it meets comes to an end */
static void killer_session(void **state)
{
	struct work *w;
	int i;

	prepare(FAKE_ASYNC, 2, 0);
	f[0]->dead = f[1]->dead = 1;
	w = work_new(ctx, 64);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	assert_int_equal(unit_submit(&w->s), 0);
	for (i = 0; i < 100; i++) {
		struct fake *d;

		/* one of them has taken it */
		WAIT_FOR(work_done(w) ||
			 ((acrypto_device_load(f[0]->dev) ||
			   acrypto_device_load(f[1]->dev)) &&
			  atomic_read(&w->s.state) == ACRYPTO_SESSION_RUNNING));
		if (work_done(w))
			break;
		d = f[!acrypto_device_load(f[0]->dev)];
		acrypto_device_break(d->dev);
		WAIT_FOR(acrypto_device_load(d->dev) == 0);
		d->dead = 0;
		assert_int_equal(acrypto_device_repair(d->dev), 0);
		d->dead = 1;
	}
	assert_int_equal(i, ACRYPTO_MAX_TRIES + 1);
	assert_int_equal(work_wait(w), -EIO);
	f[0]->dead = f[1]->dead = 0;
	work_free(w);
	finish();
}

/*
 * A synchronous device dies: what it does ends, and then its queue moves.  It
 * may not sleep, so that is not long.
 */
static void stop_at_gate(struct fake *dev, struct acrypto_session *s)
{
	if (s == &gate->s)
		wait_at_gate(dev);
}

static int remove_thread(void *data)
{
	fake_gone(data);
	return 0;
}

static void synchronous_dies(void **state)
{
	struct shim_thread t;
	struct work *w[4];
	int i;

	prepare(FAKE_SYNC, 2, 0);
	gate_open = in_gate = 0;
	f[0]->processing = stop_at_gate;
	for (i = 0; i < 4; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_ASYNC;
		w[i]->s.bound = f[0]->dev;
	}
	gate = w[0];
	for (i = 0; i < 4; i++) {
		assert_int_equal(unit_submit(&w[i]->s), 0);
		w[i]->s.bound = NULL;
	}
	WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
	shim_thread_start(&t, 1, remove_thread, f[0]);
	msleep(20);
	assert_false(fake_get(&t, done));	/* not with one at work */
	assert_false(work_done(w[0]));
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t);
	for (i = 0; i < 4; i++)
		assert_int_equal(work_wait(w[i]), 0);
	for (i = 0; i < 4; i++)
		work_free(w[i]);
	finish();
}

/* the same for one that works in a submitter's context */
static int submit_thread(void *data)
{
	return unit_submit(data);
}

static void removal_waits_for_inline(void **state)
{
	struct shim_thread t[2];

	prepare(FAKE_SYNC, 1, 0);
	gate_open = in_gate = 0;
	f[0]->processing = stop_at_gate;
	gate = work_new(ctx, 64);
	shim_thread_start(&t[0], 0, submit_thread, &gate->s);
	WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
	shim_thread_start(&t[1], 1, remove_thread, f[0]);
	WAIT_FOR(shim_thread_blocked(&t[1]));
	msleep(20);
	assert_false(fake_get(&t[1], done));
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t[0]);
	shim_thread_join(&t[1]);
	assert_int_equal(work_wait(gate), 0);
	work_free(gate);
	finish();
}

/* no reset while somebody is still telling the device of work */
static void no_reset_before_ready(int no_memory)
{
	struct shim_thread t;
	struct work *w;

	prepare(FAKE_ASYNC, 2, 0);
	if (no_memory)
		shim_fail_from(1);
	gate_open = in_gate = 0;
	f[0]->at_ready = wait_at_gate;
	w = work_new(ctx, 64);
	w->s.bound = f[0]->dev;
	shim_thread_start(&t, 0, submit_thread, &w->s);
	WAIT_FOR(__atomic_load_n(&in_gate, __ATOMIC_SEQ_CST));
	w->s.bound = NULL;
	acrypto_device_break(f[0]->dev);
	msleep(20);
	assert_int_equal(fake_get(f[0], resets), 0);
	__atomic_store_n(&gate_open, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t);
	assert_int_equal(work_wait(w), 0);
	WAIT_FOR(fake_get(f[0], resets) == 1);
	shim_fail(0);
	work_free(w);
	finish();
}

static void reset_after_ready(void **state)
{
	no_reset_before_ready(0);
	/* without memory for new choices, too */
	no_reset_before_ready(1);
}

/* the driver finds out in the middle of its work */
static void break_at_work(struct fake *dev, struct acrypto_session *s)
{
	acrypto_device_break(dev->dev);
}

static void breaks_itself(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct work *w[6];
	int i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		prepare(kinds[k], 2, 0);
		f[0]->processing = break_at_work;
		for (i = 0; i < 6; i++) {
			w[i] = work_new(ctx, 64);
			w[i]->s.flags = i & 7;
			assert_int_equal(unit_submit(&w[i]->s), 0);
		}
		for (i = 0; i < 6; i++) {
			assert_int_equal(work_wait(w[i]), 0);
			assert_true(work_same(w[i]));
			work_free(w[i]);
		}
		f[0]->processing = NULL;
		assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
		finish();
	}
}

/* a callback breaks its device */
static void break_in_callback(struct work *w)
{
	acrypto_device_break(w->s.priv);
}

static void broken_by_callback(void **state)
{
	struct work *w;
	int flags;

	for (flags = 0; flags < 2; flags++) {
		prepare(FAKE_THREAD, 1, 0);
		w = work_new(ctx, 64);
		w->s.flags = flags;
		w->s.priv = f[0]->dev;
		w->then = break_in_callback;
		assert_int_equal(work_do(w), 0);
		assert_int_equal(acrypto_device_repair(f[0]->dev), 0);
		work_free(w);
		finish();
	}
}

/*
 * An administrator breaks a device while its driver removes it, and others
 * submit: no function of the driver is called any more after the removal.
 */
static int break_thread(void *data)
{
	acrypto_device_break(data);
	return 0;
}

static int calm_remove_thread(void *data)
{
	shim_chaos_immune(1);
	shim_pause();
	fake_gone(data);
	return 0;
}

static void break_and_removal_race(void **state)
{
	struct acrypto_device *dev;
	struct shim_thread t[2];
	struct work *w;
	int i, resets;

	prepare(FAKE_ASYNC, 1, 0);
	w = work_new(ctx, 64);
	for (i = 0; i < 60; i++) {
		dev = acrypto_device_get("dev0");
		assert_non_null(dev);
		assert_int_equal(work_do(w), 0);
		work_again(w);
		shim_chaos(1, 5000, unit_seed + i);
		shim_thread_start(&t[0], 0, break_thread, dev);
		shim_thread_start(&t[1], 1, calm_remove_thread, f[0]);
		shim_thread_join(&t[1]);
		resets = fake_get(f[0], resets);
		shim_thread_join(&t[0]);
		shim_chaos(0, 1, 0);
		msleep(1);
		assert_int_equal(fake_get(f[0], resets), resets);
		acrypto_device_put(dev);
		fake_free(f[0]);
		f[0] = FAKE("dev0", FAKE_ASYNC, 0);
	}
	work_free(w);
	finish();
}

/*
 * Random points: three devices that mix and delay, broken, repaired, removed
 * and added anew at random, some hanging.  All sessions end once: rightly, or
 * with -EIO where they were in place, or -ENODEV.
 */
static void random_points(void **state)
{
	enum { NR = 120, ROUNDS = 12 };
	static const char *const name[] = { "dev0", "dev1", "dev2" };
	u64 seed = unit_seed;
	struct work *w[NR];
	int i, j, r, good = 0;

	for (r = 0; r < ROUNDS; r++) {
		LIST_HEAD(list);
		int total = 0;

		shim_chaos(r & 1 ? 50 : 0, 300, unit_seed + r);
		prepare(FAKE_THREAD, 3, 300);
		work_order = 0;
		for (i = 0; i < 3; i++) {
			f[i]->slow_us = 60;
			f[i]->batch = 1 + shim_random(&seed) % 8;
			f[i]->slow_reset_us = shim_random(&seed) % 3000;
		}
		for (i = 0; i < NR; i++) {
			u32 rnd = shim_random(&seed);

			w[i] = rnd & 1 ? work_new(ctx, 64) :
					 work_in_place(ctx, 64);
			w[i]->nr = rnd & 1;
			w[i]->s.flags = rnd >> 1 & 7;
			w[i]->s.priority = (rnd >> 4) % ACRYPTO_PRIO_LEVELS;
			list_add_tail(&w[i]->s.entry, &list);
		}
		for (j = 0; !list_empty(&list) || j < 12; j++) {
			u32 rnd = shim_random(&seed);
			int v = rnd % 3;
			int err = unit_submit_list(&list);

			assert_true(!err || err == -EBUSY || err == -ENODEV);
			switch (rnd / 3 % 5) {
			case 0:
				acrypto_device_break(f[v]->dev);
				break;
			case 1:
				fake_set(f[v], dead, 0);
				acrypto_device_repair(f[v]->dev);
				break;
			case 2:
				gone(v);
				f[v] = FAKE(name[v], FAKE_THREAD,
					    .timeout = 300);
				f[v]->slow_us = 60;
				break;
			case 3:
				fake_set(f[v], dead, 1);
				break;
			case 4:
				shim_advance(400);
				break;
			}
			for (i = shim_random(&seed) % 8; i--;)
				shim_pause();
		}
		/* what hangs is found by the watch */
		for (i = 0; i < 200 && work_total() < NR; i++) {
			shim_advance(400);
			msleep(5);
		}
		for (i = 0; i < NR; i++) {
			int err = work_wait(w[i]);

			total += work_calls(w[i]);
			if (!err)
				assert_true(work_same(w[i]));
			else if (err == -EIO)
				assert_true(!w[i]->nr || w[i]->s.tries > 3);
			else
				assert_int_equal(err, -ENODEV);
			good += !err;
			work_free(w[i]);
		}
		assert_int_equal(total, NR);
		finish();
	}
	assert_true(good > NR * ROUNDS / 4);
}

/*
 * Very many deaths at random points, of devices that lose what they have
 * worked on, and scribble on it or not.  The data are in place.  Each session
 * ends with the right data, or with an error; with -ENODEV they are as they
 * were submitted.  Else the consumer takes his own copy, and once more.
 */
#ifdef TSAN
enum { DEATHS = 1500 };
#else
enum { DEATHS = 20000 };
#endif
enum { CONSUMERS = 3, SLOTS = 8, DEVICES = 4 };

static const u8 death_key[16] = "sixteen bytes ..";
static const struct acrypto_capability death_cap = {
	.operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_AES_128,
	.mode = ACRYPTO_MODE_ECB, .rate = 1,
};
static int many_deaths, right, redone, untouched, all_over;

static int killer(void *data)
{
	struct fake *d = data;
	u64 seed = unit_seed ^ (unsigned long)d;

	while (__atomic_add_fetch(&many_deaths, 1, __ATOMIC_SEQ_CST) <=
	       DEATHS) {
		u32 rnd = shim_random(&seed);
		int err;

		if (rnd & 1)
			usleep(rnd / 2 % 200);
		d->tidy = rnd >> 8 & 1;
		if (rnd & 2)
			shim_irq_enter();
		acrypto_device_break(d->dev);
		if (rnd & 2)
			shim_irq_exit();
		err = acrypto_device_repair(d->dev);
		CHECK_EQ(err, 0);
	}
	return 0;
}

/* what is to be encrypted, another text each time */
static void text(u8 *p, u64 *seed)
{
	int i;

	for (i = 0; i < 64; i++)
		p[i] = shim_random(seed);
}

static int consumer(void *data)
{
	EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
	u64 seed = unit_seed + (unsigned long)data;
	struct work *v[SLOTS];
	u8 plain[SLOTS][64], want[64 + 16];
	int i, n;

	for (i = 0; i < SLOTS; i++) {
		v[i] = work_in_place(ctx, 64);
		v[i]->calls = 1;
		v[i]->error = -EAGAIN;
		text(plain[i], &seed);
	}
	for (i = 0; !__atomic_load_n(&all_over, __ATOMIC_SEQ_CST) || i; ) {
		struct work *w = v[i];
		int err;

		WAIT_FOR(work_done(w));
		switch (w->error) {
		case 0:
			EVP_EncryptInit_ex(evp, EVP_aes_128_ecb(), NULL,
					   death_key, NULL);
			EVP_EncryptUpdate(evp, want, &n, plain[i], 64);
			CHECK(!memcmp(w->in, want, 64));
			__atomic_add_fetch(&right, 1, __ATOMIC_SEQ_CST);
			text(plain[i], &seed);
			break;
		case -ENODEV:
			CHECK(!memcmp(w->in, plain[i], 64));
			__atomic_add_fetch(&untouched, 1, __ATOMIC_SEQ_CST);
			break;
		case -EAGAIN:
			break;
		default:
			CHECK_EQ(w->error, -EIO);
			__atomic_add_fetch(&redone, 1, __ATOMIC_SEQ_CST);
		}
		memcpy(w->in, plain[i], 64);
		w->s.flags = shim_random(&seed) & 1;
		w->s.priority = shim_random(&seed) % ACRYPTO_PRIO_LEVELS;
		work_again(w);
		w->s.priv = &fake_lost;
		err = unit_submit(&w->s);
		if (err) {
			CHECK(err == -ENODEV || err == -EBUSY);
			CHECK(!memcmp(w->in, plain[i], 64));
			w->error = -EAGAIN;
			__atomic_store_n(&w->calls, 1, __ATOMIC_SEQ_CST);
			sched_yield();
		}
		i = (i + 1) % SLOTS;
	}
	for (i = 0; i < SLOTS; i++) {
		WAIT_FOR(work_done(v[i]));
		work_free(v[i]);
	}
	EVP_CIPHER_CTX_free(evp);
	return 0;
}

static void twenty_thousand_deaths(void **state)
{
	struct shim_thread t[CONSUMERS], k[DEVICES];
	struct fake *d[DEVICES];
	unsigned long start = shim_now_ms();
	char name[16];
	int i;

	for (i = 0; i < DEVICES; i++) {
		snprintf(name, sizeof(name), "dev%d", i);
		d[i] = FAKE(name, FAKE_THREAD,
			    .caps = &death_cap, .nr_caps = 1, .qlen = 8);
		d[i]->batch = 1 + i;
		d[i]->loses = 4;
	}
	ctx = cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_AES_128,
			     ACRYPTO_MODE_ECB, death_key, 16);
	many_deaths = right = redone = untouched = all_over = 0;
	for (i = 0; i < CONSUMERS; i++)
		shim_thread_start(&t[i], i, consumer, (void *)(long)i);
	for (i = 0; i < DEVICES; i++)
		shim_thread_start(&k[i], i, killer, d[i]);
	for (i = 0; i < DEVICES; i++)
		shim_thread_join(&k[i]);
	/* what they have lost since the last death */
	__atomic_store_n(&all_over, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < DEVICES; i++)
		acrypto_device_break(d[i]->dev);
	for (i = 0; i < CONSUMERS; i++)
		shim_thread_join(&t[i]);
	fprintf(stderr, "%lu ms for %d deaths: %d right, %d redone, %d untouched\n",
		shim_now_ms() - start, DEATHS, right, redone, untouched);
	assert_true(right > DEATHS / 10);
	assert_true(redone > DEATHS / 100);
	acrypto_context_destroy(ctx);
	for (i = 0; i < DEVICES; i++)
		fake_free(d[i]);
}

const struct unit_test unit_tests[] = {
	TEST(queued_move),
	TEST(running_after_reset),
	TEST(running_in_place),
	TEST(digest_is_never_in_place),
	TEST(nobody_left),
	TEST(moves_are_counted),
	TEST(timeout),
	TEST(no_timeout),
	TEST(slow_is_not_dead),
	TEST(many_are_not_late),
	TEST(lost_one),
	TEST(killer_session),
	TEST(synchronous_dies),
	TEST(removal_waits_for_inline),
	TEST(reset_after_ready),
	TEST(breaks_itself),
	TEST(broken_by_callback),
	TEST(break_and_removal_race),
	TEST(random_points),
	TEST(twenty_thousand_deaths),
	{ NULL, NULL },
};
