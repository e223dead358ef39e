// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once: submitters, devices of all kinds that break and are
 * repaired, removed and added, balancers that come and go, the switch, and
 * contexts made and destroyed meanwhile.  Every session that was accepted
 * ends once.
 */
#include "unit.h"
#include "internal.h"

int unit_cpus = 4;

enum { SUBMITTERS = 4, EACH = 24 };

static int stop;
static unsigned int run_ms = 2500;
static struct acrypto_flow flows[2];
static struct acrypto_context *shared_ctx;
static int refused, accepted;

#define STOPPED()	__atomic_load_n(&stop, __ATOMIC_SEQ_CST)
#define COUNT(x)	__atomic_add_fetch(&(x), 1, __ATOMIC_SEQ_CST)

struct submitter {
	struct shim_thread t;
	u64 seed;
	int wakeups;
};

static void woken(void *priv)
{
	__atomic_add_fetch((int *)priv, 1, __ATOMIC_SEQ_CST);
}

static int submit_random(void *data)
{
	struct submitter *me = data;
	struct acrypto_context *own = null_context();
	struct work *w[EACH];
	int i, n = 0;

	acrypto_context_wakeup(own, woken, &me->wakeups);
	for (i = 0; i < EACH; i++) {
		w[i] = shim_random(&me->seed) & 1 ?
			work_new(shared_ctx, 64) : work_in_place(own, 64);
		w[i]->calls = 1;
	}
	while (!STOPPED()) {
		LIST_HEAD(list);
		int some = 1 + shim_random(&me->seed) % EACH;

		shim_set_cpu(shim_random(&me->seed));
		for (i = 0; i < some; i++) {
			u32 rnd = shim_random(&me->seed);
			struct work *v = w[rnd % EACH];

			/* still on its way, or on the list by now */
			if (!work_done(v) || v->nr)
				continue;
			CHECK_EQ(work_calls(v), 1);
			rnd = shim_random(&me->seed);
			v->s.flags = rnd & 7;
			v->s.priority = (rnd >> 3) % ACRYPTO_PRIO_LEVELS;
			v->s.flow = rnd & 0x100 ? &flows[rnd >> 9 & 1] : NULL;
			work_again(v);
			v->nr = 1;
			list_add_tail(&v->s.entry, &list);
		}
		if (shim_random(&me->seed) & 1)
			shim_bh_enter();
		if (!shim_may_sleep()) {
			struct acrypto_session *s;

			list_for_each_entry(s, &list, entry)
				s->flags &= ~ACRYPTO_SESSION_MAY_SLEEP;
		}
		unit_submit_list(&list);
		if (!shim_may_sleep())
			shim_bh_exit();
		for (i = 0; i < EACH; i++) {
			if (!w[i]->nr)
				continue;
			w[i]->nr = 0;
			COUNT(accepted);
		}
		/* what stays on the list was refused and is ours again */
		while (!list_empty(&list)) {
			struct work *v = list_entry(list.next, struct work,
						    s.entry);

			list_del_init(&v->s.entry);
			CHECK_EQ(work_calls(v), 0);
			v->calls = 1;
			COUNT(refused);
			__atomic_sub_fetch(&accepted, 1, __ATOMIC_SEQ_CST);
		}
		n++;
	}
	for (i = 0; i < EACH; i++) {
		WAIT_FOR(work_done(w[i]));
		CHECK_EQ(work_calls(w[i]), 1);
	}
	for (i = 0; i < EACH; i++)
		work_free(w[i]);
	acrypto_context_destroy(own);
	return n;
}

static int breaker(void *data)
{
	struct fake **f = data;
	u64 seed = unit_seed + 1;

	while (!STOPPED()) {
		struct fake *d = f[shim_random(&seed) % 3];

		switch (shim_random(&seed) % 4) {
		case 0:
			acrypto_device_break(d->dev);
			break;
		case 1:
			fake_set(d, dead, 1);
			shim_pause();
			acrypto_device_break(d->dev);
			break;
		default:
			fake_set(d, dead, 0);
			acrypto_device_repair(d->dev);
		}
		msleep(1);
	}
	return 0;
}

/* a device comes and goes; so do contexts */
static int plugger(void *data)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	u64 seed = unit_seed + 2;

	while (!STOPPED()) {
		struct acrypto_context *ctx = null_context();
		struct fake *f;

		f = FAKE("plugged", kinds[shim_random(&seed) % 3], .qlen = 4);
		msleep(2);
		acrypto_context_ready(ctx);
		acrypto_context_width(ctx);
		if (shim_random(&seed) & 1)
			acrypto_lb_rehash(f->dev);
		fake_free(f);
		acrypto_context_destroy(ctx);
	}
	return 0;
}

static int switcher(void *data)
{
	u64 seed = unit_seed + 3;
	int *enabled = shim_param("enabled");
	char buf[100];
	int err;

	while (!STOPPED()) {
		err = shim_module_load("lb_rr");
		CHECK_EQ(err, 0);
		acrypto_lb_select("round_robin", 11);
		acrypto_lb_list(buf, sizeof(buf));
		msleep(1);
		if (shim_random(&seed) & 1)
			acrypto_lb_select("simple_lb", 9);
		err = shim_module_unload("lb_rr");
		CHECK_EQ(err, 0);
		if (!(shim_random(&seed) % 4)) {
			*(volatile int *)enabled = 0;
			shim_pause();
			*(volatile int *)enabled = 1;
		}
	}
	return 0;
}

static void everything(int chaos)
{
	struct submitter sub[SUBMITTERS];
	struct shim_thread t[3];
	struct fake *f[4];
	int i, rounds = 0;

	shared_ctx = null_context();
	for (i = 0; i < 2; i++)
		acrypto_flow_init(&flows[i]);
	f[0] = FAKE("sync", FAKE_SYNC, .qlen = 8);
	f[1] = FAKE("thread0", FAKE_THREAD, .qlen = 8, .timeout = 400);
	f[2] = FAKE("thread1", FAKE_THREAD, .qlen = 16, .timeout = 400);
	f[3] = FAKE("steady", FAKE_THREAD, .qlen = 16);
	for (i = 1; i < 4; i++) {
		f[i]->slow_us = 40;
		f[i]->batch = 4;
	}
	stop = 0;
	shim_chaos(chaos, 300, unit_seed);
	for (i = 0; i < SUBMITTERS; i++) {
		sub[i].seed = unit_seed * (i + 5);
		sub[i].wakeups = 0;
		shim_thread_start(&sub[i].t, i, submit_random, &sub[i]);
	}
	shim_thread_start(&t[0], 0, breaker, f);
	shim_thread_start(&t[1], 1, plugger, NULL);
	shim_thread_start(&t[2], 2, switcher, NULL);
	msleep(run_ms);
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 3; i++)
		shim_thread_join(&t[i]);
	/* nothing is dead for good: what hangs there comes back */
	for (i = 0; i < 3; i++) {
		fake_set(f[i], dead, 0);
		acrypto_device_break(f[i]->dev);
	}
	for (i = 0; i < SUBMITTERS; i++)
		rounds += shim_thread_join(&sub[i].t);
	for (i = 0; i < 2; i++)
		acrypto_flow_destroy(&flows[i]);
	acrypto_context_destroy(shared_ctx);
	for (i = 0; i < 4; i++)
		fake_free(f[i]);
	if (getenv("SHIM_VERBOSE"))
		fprintf(stderr, "%d lists, %d accepted, %d refused\n", rounds,
			accepted, refused);
	assert_true(accepted > 200);
}

static void everything_at_once(void **state)
{
	everything(0);
}

static void everything_out_of_step(void **state)
{
	everything(100);
}

const struct unit_test unit_tests[] = {
	TEST(everything_at_once),
	TEST(everything_out_of_step),
	{ NULL, NULL },
};
