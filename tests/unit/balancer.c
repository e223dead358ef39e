// SPDX-License-Identifier: GPL-2.0
/*
 * Balancers, their choice and their change; bound sessions.
 */
#include "unit.h"
#include "internal.h"

#define MAX	4

static struct acrypto_context *ctx;
static struct fake *f[MAX];
static int nr;

static void prepare(int kind, int n)
{
	char name[16];

	for (nr = 0; nr < n; nr++) {
		snprintf(name, sizeof(name), "dev%d", nr);
		f[nr] = FAKE(name, kind, .qlen = 8);
		f[nr]->hold = kind != FAKE_SYNC;
	}
	ctx = null_context();
}

/* the devices of two CPUs, on the first of which this runs */
static void prepare_cpus(void)
{
	f[0] = fake_new(&(struct fake_info){ .name = "cpu0", .cpu = 0 });
	f[1] = fake_new(&(struct fake_info){ .name = "cpu1", .cpu = 1 });
	nr = 2;
	ctx = null_context();
	shim_set_cpu(0);
}

static void finish(void)
{
	acrypto_context_destroy(ctx);
	while (nr--)
		if (f[nr])
			fake_free(f[nr]);
}

static int select_lb(const char *name)
{
	return acrypto_lb_select(name, strlen(name));
}

static void loads(const int *want)
{
	int i;

	for (i = 0; i < nr; i++)
		assert_int_equal(acrypto_device_load(f[i]->dev), want[i]);
}
#define LOADS(...)	loads((const int[]){ __VA_ARGS__ })

static struct work *submit(struct acrypto_device *bound)
{
	struct work *w = work_new(ctx, 64);

	w->s.bound = bound;
	assert_int_equal(unit_submit(&w->s), 0);
	return w;
}

static void serve_all(struct work **w, int n)
{
	int i;

	for (i = 0; i < nr; i++)
		if (f[i])
			fake_serve(f[i]);
	for (i = 0; i < n; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
}

/* the least loaded; among equals the one that was registered first */
static void least_loaded(void **state)
{
	struct work *w[8];
	int n = 0;

	prepare(FAKE_ASYNC, 3);
	w[n++] = submit(NULL);
	LOADS(1, 0, 0);
	w[n++] = submit(NULL);
	LOADS(1, 1, 0);
	w[n++] = submit(f[2]->dev);
	w[n++] = submit(f[2]->dev);
	LOADS(1, 1, 2);
	w[n++] = submit(NULL);
	LOADS(2, 1, 2);
	w[n++] = submit(NULL);
	LOADS(2, 2, 2);
	/* what is running counts */
	fake_finish(f[1], fake_take(f[1]), 0);
	LOADS(2, 1, 2);
	w[n++] = submit(NULL);
	LOADS(2, 2, 2);
	serve_all(w, n);
	LOADS(0, 0, 0);
	finish();
}

/* among equals, one that can do it here and now */
static void prefers_local(void **state)
{
	struct work *w;
	struct fake *g[3];
	int i;

	g[0] = FAKE("async", FAKE_ASYNC, 0);
	g[1] = fake_new(&(struct fake_info){ .name = "cpu0", .cpu = 0 });
	g[2] = fake_new(&(struct fake_info){ .name = "cpu1", .cpu = 1 });
	ctx = null_context();
	assert_int_equal(acrypto_context_width(ctx), 3);
	w = work_new(ctx, 64);
	w->s.flags = ACRYPTO_SESSION_DIRECT;
	for (i = 0; i < 4; i++) {
		int before = fake_get(g[1 + (i & 1)], done);

		shim_set_cpu(i & 1);
		assert_int_equal(unit_submit(&w->s), 0);
		assert_true(work_done(w));
		assert_int_equal(fake_get(g[1 + (i & 1)], done), before + 1);
		assert_true(pthread_equal(w->thread, pthread_self()));
		work_again(w);
	}
	shim_set_cpu(0);
	work_free(w);
	acrypto_context_destroy(ctx);
	for (i = 0; i < 3; i++)
		fake_free(g[i]);
}

/*
 * Of many, another device gets one before this CPU's: if it is no CPU's, or that
 * CPU is idle
 */
static void many_go_elsewhere(void **state)
{
	struct work *w[3];
	int before, i;

	prepare_cpus();
	for (i = 0; i < 4; i++) {
		shim_idle_cpus = i & 1 ? 2 : 0;
		w[0] = work_new(ctx, 64);
		w[0]->s.flags = ACRYPTO_SESSION_DIRECT;
		if (i < 2)
			w[0]->s.flags |= ACRYPTO_SESSION_MANY;
		before = fake_get(f[1], done);
		/* with its self-test, or the session before */
		WAIT_FOR(!READ_ONCE(f[1]->dev->at_work));
		assert_int_equal(unit_submit(&w[0]->s), 0);
		assert_int_equal(work_wait(w[0]), 0);
		assert_int_equal(fake_get(f[1], done) - before, i == 1);
		work_free(w[0]);
	}
	shim_idle_cpus = 0;
	finish();

	f[0] = fake_new(&(struct fake_info){ .name = "cpu0", .cpu = 0 });
	f[1] = FAKE("other", FAKE_ASYNC, 0);
	f[1]->hold = 1;
	nr = 2;
	ctx = null_context();
	for (i = 0; i < 3; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT | ACRYPTO_SESSION_MANY;
		assert_int_equal(unit_submit(&w[i]->s), 0);
		assert_int_equal(!!work_done(w[i]), i > 0);
		LOADS(0, 1);
	}
	fake_serve(f[1]);
	for (i = 0; i < 3; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	LOADS(0, 0);
	finish();
}

static int at_work, may_end;

static void work_long(struct fake *fake, struct acrypto_session *s)
{
	if (fake != f[1])
		return;
	__atomic_add_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&may_end, __ATOMIC_SEQ_CST));
}

/*
 * Of many, a CPU's device that is at work gets one to go on with, and no more:
 * so it never is without work, and this CPU does its share
 */
static void one_waits_at_work(void **state)
{
	struct work *w[4];
	int i;

	prepare_cpus();
	for (i = 0; i < 4; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = ACRYPTO_SESSION_DIRECT;
		/* the last is one of few, and stays here */
		if (i < 3)
			w[i]->s.flags |= ACRYPTO_SESSION_MANY;
	}
	shim_idle_cpus = 2;
	f[1]->processing = work_long;
	assert_int_equal(unit_submit(&w[0]->s), 0);
	WAIT_FOR(__atomic_load_n(&at_work, __ATOMIC_SEQ_CST) == 1);
	shim_idle_cpus = 0;
	LOADS(0, 1);
	assert_int_equal(unit_submit(&w[3]->s), 0);
	assert_true(work_done(w[3]));
	assert_int_equal(unit_submit(&w[1]->s), 0);
	LOADS(0, 2);
	assert_int_equal(unit_submit(&w[2]->s), 0);
	assert_true(work_done(w[2]));
	LOADS(0, 2);
	__atomic_store_n(&may_end, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 4; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_int_equal(at_work, 2);
	finish();
}

/* full queues are passed over, whatever their load */
static void full_is_passed_over(void **state)
{
	struct work *w[17];
	int i;

	prepare(FAKE_ASYNC, 2);
	for (i = 0; i < 8; i++)
		w[i] = submit(f[0]->dev);
	LOADS(8, 0);
	for (; i < 16; i++)
		w[i] = submit(NULL);
	LOADS(8, 8);
	w[16] = work_new(ctx, 64);
	assert_int_equal(unit_submit(&w[16]->s), -EBUSY);
	w[16]->s.bound = f[1]->dev;
	assert_int_equal(unit_submit(&w[16]->s), -EBUSY);
	work_free(w[16]);
	serve_all(w, 16);
	finish();
}

static void round_robin(void **state)
{
	struct work *w[12];
	int n;

	assert_int_equal(shim_module_load("lb_rr"), 0);
	prepare(FAKE_ASYNC, 3);
	assert_int_equal(select_lb("round_robin"), 0);
	for (n = 0; n < 6; n++)
		w[n] = submit(NULL);
	LOADS(2, 2, 2);
	/* by turns, not by load */
	w[n++] = submit(f[0]->dev);
	w[n++] = submit(f[0]->dev);
	LOADS(4, 2, 2);
	for (; n < 11; n++)
		w[n] = submit(NULL);
	LOADS(5, 3, 3);
	serve_all(w, n);
	finish();
	assert_int_equal(shim_module_unload("lb_rr"), 0);
}

static void names_and_selection(void **state)
{
	static struct acrypto_lb bad, same = { .name = "simple_lb" };
	char buf[200];

	assert_int_equal(shim_module_load("lb_rr"), 0);
	acrypto_lb_list(buf, sizeof(buf));
	assert_non_null(strstr(buf, "[simple_lb]"));
	assert_non_null(strstr(buf, "round_robin"));
	assert_null(strstr(buf, "[round_robin]"));
	assert_int_equal(select_lb("nobody"), -ENOENT);
	assert_int_equal(select_lb(""), -ENOENT);
	assert_int_equal(select_lb("simple_lb "), -ENOENT);
	assert_int_equal(select_lb("simple"), -ENOENT);
	assert_int_equal(select_lb("round_robin"), 0);
	acrypto_lb_list(buf, sizeof(buf));
	assert_non_null(strstr(buf, "[round_robin]"));
	assert_null(strstr(buf, "[simple_lb]"));

	assert_int_equal(acrypto_lb_register(&bad, 0, 0), -EINVAL);
	bad.name = "bad";
	assert_int_equal(acrypto_lb_register(&bad, 0, 0), -EINVAL);
	same.find_device = (void *)names_and_selection;
	assert_int_equal(acrypto_lb_register(&same, 0, 0), -EEXIST);
	bad.find_device = same.find_device;
	bad.name = "a b";
	assert_int_equal(acrypto_lb_register(&bad, 0, 0), -EINVAL);

	/* the default takes over from one that goes */
	assert_int_equal(shim_module_unload("lb_rr"), 0);
	acrypto_lb_list(buf, sizeof(buf));
	assert_non_null(strstr(buf, "[simple_lb]"));
	assert_null(strstr(buf, "round_robin"));
	assert_int_equal(select_lb("round_robin"), -ENOENT);
	/* a list that is too long for its buffer is cut, not overrun */
	memset(buf, 'x', sizeof(buf));
	acrypto_lb_list(buf, 8);
	assert_int_equal(buf[8], 'x');
}

static const struct acrypto_candidate *
last_device(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	const struct acrypto_candidate *c = &choice->c[choice->nr - 1];

	CHECK_EQ(shim_locks_held(), 0);
	return acrypto_device_fits(c, s) ? c : NULL;
}

/* a balancer of one's own, as current one and as default */
static void own_balancer(void **state)
{
	static struct acrypto_lb lb = {
		.name = "last", .find_device = last_device,
	};
	struct work *w[20];
	int i;

	prepare(FAKE_ASYNC, 3);
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	for (i = 0; i < 3; i++)
		w[i] = submit(NULL);
	LOADS(0, 0, 3);
	acrypto_lb_unregister(&lb);
	for (; i < 5; i++)
		w[i] = submit(NULL);
	LOADS(1, 1, 3);
	assert_int_equal(acrypto_lb_register(&lb, 0, 1), 0);
	w[i++] = submit(NULL);
	LOADS(2, 1, 3);
	assert_int_equal(shim_module_load("lb_rr"), 0);
	assert_int_equal(select_lb("round_robin"), 0);
	assert_int_equal(shim_module_unload("lb_rr"), 0);
	w[i++] = submit(NULL);		/* the default took over */
	LOADS(2, 1, 4);
	acrypto_lb_unregister(&lb);
	w[i++] = submit(NULL);
	LOADS(2, 2, 4);
	serve_all(w, i);
	finish();
}

/* a choice that is read stays there, though it was replaced meanwhile */
static int reading, read_on;

static const struct acrypto_candidate *
slow_reader(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	__atomic_store_n(&reading, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&read_on, __ATOMIC_SEQ_CST));
	return acrypto_device_fits(&choice->c[1], s) ? &choice->c[1] : NULL;
}

static int submit_thread(void *data)
{
	return unit_submit(data);
}

static void read_choice_stays(void **state)
{
	static struct acrypto_lb lb = {
		.name = "slow", .find_device = slow_reader,
	};
	struct shim_thread t;
	struct work *w;

	prepare(FAKE_ASYNC, 2);
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	w = work_new(ctx, 64);
	shim_thread_start(&t, 1, submit_thread, &w->s);
	WAIT_FOR(__atomic_load_n(&reading, __ATOMIC_SEQ_CST));
	f[nr++] = FAKE("more", FAKE_ASYNC, 0);
	__atomic_store_n(&read_on, 1, __ATOMIC_SEQ_CST);
	assert_int_equal(shim_thread_join(&t), 0);
	LOADS(0, 1, 0);
	acrypto_lb_unregister(&lb);
	serve_all(&w, 1);
	finish();
}

/* what can't be refused goes to the least full of those that are full */
static void least_full_is_taken(void **state)
{
	struct work *w[14];
	int i;

	prepare(FAKE_ASYNC, 2);		/* 8 places each */
	f[nr++] = FAKE("small", FAKE_ASYNC, .qlen = 2);
	f[2]->hold = 1;
	for (i = 0; i < 12; i++)
		w[i] = submit(f[i < 8 ? 0 : i < 10 ? 2 : 1]->dev);
	w[10]->s.bound = w[11]->s.bound = NULL;	/* only to have them there */
	LOADS(8, 2, 2);
	acrypto_device_break(f[1]->dev);
	WAIT_FOR(!acrypto_device_load(f[1]->dev));
	LOADS(8, 0, 4);
	serve_all(w, i);
	finish();
}

/* broken devices get nothing, from every balancer */
static void broken_gets_nothing(void **state)
{
	struct work *w[6];
	int i;

	prepare(FAKE_ASYNC, 3);
	acrypto_device_break(f[1]->dev);
	for (i = 0; i < 4; i++)
		w[i] = submit(NULL);
	LOADS(2, 0, 2);
	assert_int_equal(shim_module_load("lb_rr"), 0);
	assert_int_equal(select_lb("round_robin"), 0);
	WAIT_FOR(acrypto_context_width(ctx) == 2);
	w[i++] = submit(NULL);
	w[i++] = submit(NULL);
	LOADS(3, 0, 3);
	serve_all(w, i);
	finish();
	assert_int_equal(shim_module_unload("lb_rr"), 0);
}

/* limits on bytes and entries send a session elsewhere */
static void limits_are_kept(void **state)
{
	struct acrypto_capability cap = caps_null[0];
	struct fake *small, *few;
	struct work *w;

	cap.max_bytes = 600;
	small = FAKE("small", FAKE_ASYNC, .caps = &cap, .nr_caps = 1);
	cap.max_bytes = 0;
	cap.max_sg = 1;
	few = FAKE("few", FAKE_ASYNC, .caps = &cap, .nr_caps = 1);
	small->hold = few->hold = 1;
	ctx = null_context();

	w = work_new(ctx, 600);
	assert_int_equal(unit_submit(&w->s), 0);
	assert_int_equal(acrypto_device_load(small->dev), 1);
	fake_serve(small);
	assert_int_equal(work_wait(w), 0);
	work_free(w);

	w = work_new(ctx, 601);
	assert_int_equal(unit_submit(&w->s), 0);
	assert_int_equal(acrypto_device_load(few->dev), 1);
	fake_serve(few);
	assert_int_equal(work_wait(w), 0);

	/* two entries and too many bytes: nobody */
	work_again(w);
	sg_set_buf(&w->src[0][0], w->in, 300);
	sg_set_buf(&w->src[0][1], w->in + 300, 301);
	w->data[0].nsrc = 2;
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	w->data[0].nsrc = 1;
	w->s.bound = small->dev;
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	work_free(w);
	acrypto_context_destroy(ctx);
	fake_free(small);
	fake_free(few);
}

/* bound sessions go to their device only, or end with -ENODEV */
static void bound_sessions(void **state)
{
	struct acrypto_device *dev;
	struct work *w[4];
	int i;

	prepare(FAKE_ASYNC, 3);
	dev = acrypto_device_get("dev2");
	assert_ptr_equal(dev, f[2]->dev);
	for (i = 0; i < 3; i++)
		w[i] = submit(dev);
	LOADS(0, 0, 3);
	/* it dies: those that are bound to it end, others move */
	w[3] = work_new(ctx, 64);
	fake_gone(f[2]);
	for (i = 0; i < 3; i++)
		assert_int_equal(work_wait(w[i]), -ENODEV);
	w[3]->s.bound = dev;
	assert_int_equal(unit_submit(&w[3]->s), -ENODEV);
	w[3]->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
	assert_int_equal(unit_submit(&w[3]->s), -ENODEV);
	for (i = 0; i < 4; i++)
		work_free(w[i]);
	acrypto_device_put(dev);
	finish();
}

/* bound and inline */
static void bound_inline(void **state)
{
	struct work *w;
	int before;

	prepare(FAKE_SYNC, 3);
	w = work_new(ctx, 64);
	w->s.bound = f[1]->dev;
	before = fake_get(f[1], done);
	assert_int_equal(work_do(w), 0);
	assert_int_equal(fake_get(f[1], done), before + 1);
	work_free(w);
	finish();
}

/* acrypto_lb_rehash() chooses anew for what waits, and keeps priorities */
static void rehash_spreads(void **state)
{
	struct work *w[6];
	int i;

	prepare(FAKE_ASYNC, 1);
	for (i = 0; i < 6; i++)
		w[i] = submit(NULL);
	f[1] = FAKE("dev1", FAKE_ASYNC, .qlen = 8);
	f[1]->hold = 1;
	nr = 2;
	LOADS(6, 0);
	acrypto_lb_rehash(f[0]->dev);
	LOADS(3, 3);
	serve_all(w, 6);
	finish();
}

/* a balancer that is unregistered is in nobody's hands any more */
static int in_lb, leave_lb;

static const struct acrypto_candidate *
slow_choice(struct acrypto_choice *choice, const struct acrypto_session *s)
{
	__atomic_store_n(&in_lb, 1, __ATOMIC_SEQ_CST);
	WAIT_FOR(__atomic_load_n(&leave_lb, __ATOMIC_SEQ_CST));
	return &choice->c[0];
}

static int unregister_thread(void *data)
{
	acrypto_lb_unregister(data);
	return 0;
}

static void unregister_waits(void **state)
{
	static struct acrypto_lb lb = {
		.name = "slow", .find_device = slow_choice,
	};
	struct shim_thread t[2];
	struct work *w;

	prepare(FAKE_SYNC, 2);
	in_lb = leave_lb = 0;
	w = work_new(ctx, 64);
	assert_int_equal(acrypto_lb_register(&lb, 1, 0), 0);
	shim_thread_start(&t[0], 0, submit_thread, &w->s);
	WAIT_FOR(__atomic_load_n(&in_lb, __ATOMIC_SEQ_CST));
	shim_thread_start(&t[1], 1, unregister_thread, &lb);
	msleep(20);
	assert_false(fake_get(&t[1], done));
	__atomic_store_n(&leave_lb, 1, __ATOMIC_SEQ_CST);
	shim_thread_join(&t[0]);
	shim_thread_join(&t[1]);
	assert_int_equal(work_wait(w), 0);
	work_free(w);
	finish();
}

/* submitters go on while the balancer is switched and unloaded */
static int stop;

static int submitter(void *data)
{
	struct work *w = work_new(ctx, 64);
	int n = 0;

	w->s.flags = ACRYPTO_SESSION_MAY_SLEEP;
	do {
		int err = work_do(w);

		CHECK_EQ(err, 0);
		CHECK(work_same(w));
		memset(w->out, 0, w->len);
		work_again(w);
		n++;
	} while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST));
	work_free(w);
	return n;
}

static void switch_while_running(void **state)
{
	struct shim_thread t[3];
	int i;

	prepare(FAKE_THREAD, 2);
	fake_set(f[0], hold, 0);
	fake_set(f[1], hold, 0);
	stop = 0;
	for (i = 0; i < 3; i++)
		shim_thread_start(&t[i], i, submitter, NULL);
	for (i = 0; i < 60; i++) {
		assert_int_equal(shim_module_load("lb_rr"), 0);
		assert_int_equal(select_lb("round_robin"), 0);
		shim_pause();
		if (i & 1)
			assert_int_equal(select_lb("simple_lb"), 0);
		assert_int_equal(shim_module_unload("lb_rr"), 0);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < 3; i++)
		assert_true(shim_thread_join(&t[i]) > 0);
	finish();
}

const struct unit_test unit_tests[] = {
	TEST(least_loaded),
	TEST(prefers_local),
	TEST(many_go_elsewhere),
	TEST(one_waits_at_work),
	TEST(full_is_passed_over),
	TEST(round_robin),
	TEST(names_and_selection),
	TEST(own_balancer),
	TEST(read_choice_stays),
	TEST(least_full_is_taken),
	TEST(broken_gets_nothing),
	TEST(limits_are_kept),
	TEST(bound_sessions),
	TEST(bound_inline),
	TEST(rehash_spreads),
	TEST(unregister_waits),
	TEST(switch_while_running),
	{ NULL, NULL },
};
