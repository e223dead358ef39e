// SPDX-License-Identifier: GPL-2.0
/*
 * No memory: every allocation of every path fails in turn.  The outcome is
 * a clean error or something that works, and never a leak.
 */
#include <sys/wait.h>
#include <unistd.h>
#include "unit.h"

int unit_load_core;

enum { MAX_ALLOCATIONS = 2000 };

/* what is freed later has been */
static void settled(void)
{
	flush_scheduled_work();
	shim_rcu_done();
}

/*
 * Load the core and do @fn in a process of its own, in which the @n-th
 * allocation of @fn fails.  Returns whether it came to that.
 */
static int child(void (*fn)(int load), long n)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int hit;

		alarm(60);
		shim_fail(n);
		fn(1);
		hit = shim_fail_hit();
		fn(0);
		_exit(shim_end() ? 99 : hit);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		fprintf(stderr, "allocation %ld: status %#x\n", n, status);
	assert_true(WIFEXITED(status));
	assert_in_range(WEXITSTATUS(status), 0, 1);
	return WEXITSTATUS(status);
}

static int loaded, lb_loaded;

static void only_load(int load)
{
	if (load) {
		loaded = !shim_module_load("acrypto");
		CHECK_EQ(loaded, !shim_fail_hit());
		if (loaded)
			lb_loaded = !shim_module_load("lb_rr");
		return;
	}
	if (lb_loaded)
		shim_module_unload("lb_rr");
	if (loaded)
		shim_module_unload("acrypto");
}

static void loading(void **state)
{
	long n;

	for (n = 1; child(only_load, n); n++)
		assert_true(n < MAX_ALLOCATIONS);
	assert_int_equal(n, 5);
}

static void load(void)
{
	assert_int_equal(shim_module_load("acrypto"), 0);
}

static void unload(void)
{
	assert_int_equal(shim_module_unload("acrypto"), 0);
}

/* a device that registers in spite of it works; else -ENOMEM or -ENODEV */
static void adding_a_device(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC };
	static const u8 key[16];
	long n, live;
	int k, hit;

	load();
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct acrypto_context *ctx[2];

		ctx[0] = null_context();
		ctx[1] = cipher_context(ACRYPTO_OP_ENCRYPT,
					ACRYPTO_TYPE_AES_128, ACRYPTO_MODE_ECB,
					key, 16);
		/* with their lists of devices, which stay */
		fake_free(FAKE("first", FAKE_SYNC, .caps = caps_all,
			       .nr_caps = 6));
		settled();
		live = shim_live_allocations();
		n = 0;
		do {
			struct fake *f;
			int i;

			shim_fail(++n);
			f = fake_try(&(struct fake_info){ .name = "dev",
					.kind = kinds[k], .cpu = -1,
					.caps = caps_all,
					.nr_caps = 6 });
			hit = shim_fail_hit();
			shim_fail(0);
			if (!f) {
				assert_true(hit);
				assert_true(fake_add_error == -ENOMEM ||
					    fake_add_error == -ENODEV);
			}
			for (i = 0; i < 2; i++) {
				struct work *w = work_new(ctx[i], 64);
				int err = work_do(w);

				assert_true(err == 0 ||
					    (err == -ENODEV && hit));
				if (!f)
					assert_int_equal(err, -ENODEV);
				if (!err)
					assert_true(work_same(w) == !i);
				work_free(w);
			}
			if (f)
				fake_free(f);
			settled();
			assert_int_equal(shim_live_allocations(), live);
			assert_true(n < MAX_ALLOCATIONS);
		} while (hit);
		assert_in_range(n, 50, 60);
		acrypto_context_destroy(ctx[0]);
		acrypto_context_destroy(ctx[1]);
	}
	unload();
}

/* a context without memory for a device does without that device */
static void creating_a_context(void **state)
{
	static const u8 key[20] = "twenty bytes of key";
	static const struct acrypto_transform t[] = {
		{ .operation = ACRYPTO_OP_ENCRYPT,
		  .type = ACRYPTO_TYPE_AES_128, .mode = ACRYPTO_MODE_CBC,
		  .key_len = 16, .key = key },
		{ .operation = ACRYPTO_OP_HMAC, .type = ACRYPTO_TYPE_SHA1,
		  .mode = ACRYPTO_MODE_NONE, .key_len = 20, .key = key },
	};
	struct fake *f[3];
	long n = 0, live;
	int i, hit;

	load();
	f[0] = FAKE("dev0", FAKE_SYNC, .caps = caps_all,
		    .nr_caps = nr_caps_all,
		    .flags = ACRYPTO_DRIVER_SHARED_KEYS);
	f[1] = FAKE("dev1", FAKE_ASYNC, .caps = caps_all,
		    .nr_caps = nr_caps_all);
	f[2] = FAKE("dev2", FAKE_SYNC, .caps = caps_all,
		    .nr_caps = nr_caps_all, .driver_of = f[0],
		    .flags = ACRYPTO_DRIVER_SHARED_KEYS);
	settled();
	live = shim_live_allocations();
	do {
		struct acrypto_context *ctx;

		shim_fail(++n);
		ctx = acrypto_context_create(t, 2);
		hit = shim_fail_hit();
		shim_fail(0);
		if (IS_ERR(ctx)) {
			assert_int_equal(PTR_ERR(ctx), -ENOMEM);
		} else {
			struct work *w = work_new(ctx, 64);
			int ready = acrypto_context_ready(ctx);

			w->data[1].result_len = 12;
			assert_int_equal(work_do(w), ready ? 0 : -ENODEV);
			assert_true(ready || hit);
			if (!hit)
				assert_int_equal(acrypto_context_width(ctx), 3);
			work_free(w);
		}
		acrypto_context_destroy(ctx);
		settled();
		assert_int_equal(shim_live_allocations(), live);
		assert_true(n < MAX_ALLOCATIONS);
	} while (hit);
	assert_int_equal(n, 12);
	for (i = 2; i >= 0; i--)
		fake_free(f[i]);
	unload();
}

/*
 * Breaking, repairing and removing have no error to return: they do what
 * they must, and no session is lost.
 */
static void changing_devices(void **state)
{
	struct acrypto_context *ctx;
	long n = 0;
	int hit;

	load();
	ctx = null_context();
	do {
		struct fake *f[3];
		struct work *w[6];
		int i, err;

		f[0] = FAKE("dev0", FAKE_ASYNC, 0);
		f[1] = FAKE("dev1", FAKE_ASYNC, 0);
		f[2] = FAKE("dev2", FAKE_SYNC, 0);
		f[0]->dead = 1;
		for (i = 0; i < 6; i++) {
			w[i] = work_new(ctx, 64);
			w[i]->s.bound = f[0]->dev;
			if (i == 3)
				f[0]->hold = 1;
			assert_int_equal(unit_submit(&w[i]->s), 0);
			w[i]->s.bound = NULL;
		}
		shim_fail(++n);
		acrypto_device_break(f[0]->dev);
		for (i = 0; i < 6; i++)
			assert_int_equal(work_wait(w[i]), 0);
		f[0]->dead = 0;
		fake_set(f[0], hold, 0);
		err = acrypto_device_repair(f[0]->dev);
		assert_true(!err || shim_fail_hit());
		fake_free(f[2]);
		for (i = 0; i < 6; i++) {
			work_again(w[i]);
			err = work_do(w[i]);
			assert_true(!err || (err == -ENODEV &&
					     shim_fail_hit()));
		}
		fake_free(f[1]);
		fake_free(f[0]);
		hit = shim_fail_hit();
		shim_fail(0);
		assert_false(acrypto_context_ready(ctx));
		for (i = 0; i < 6; i++) {
			work_again(w[i]);
			assert_int_equal(unit_submit(&w[i]->s), -ENODEV);
			work_free(w[i]);
		}
		assert_true(n < MAX_ALLOCATIONS);
	} while (hit);
	assert_int_equal(n, 11);
	acrypto_context_destroy(ctx);
	unload();
}

/* the way of a session needs no memory at all, nor does a rehash */
static void none_on_the_way(void **state)
{
	struct acrypto_context *ctx;
	struct acrypto_flow flow;
	struct work *w[40];
	struct fake *f[3];
	int i;

	load();
	f[0] = FAKE("sync", FAKE_SYNC, 0);
	f[1] = FAKE("async", FAKE_ASYNC, 0);
	f[2] = FAKE("thread", FAKE_THREAD, .qlen = 3);
	ctx = null_context();
	acrypto_flow_init(&flow);
	for (i = 0; i < 40; i++) {
		w[i] = work_new(ctx, 64);
		w[i]->s.flags = i & 7;
		w[i]->s.flow = i & 8 ? &flow : NULL;
		w[i]->s.bound = i & 16 ? f[i % 3]->dev : NULL;
	}
	shim_fail_from(1);
	for (i = 0; i < 40; i++) {
		int err = unit_submit(&w[i]->s);

		if (err)
			assert_int_equal(err, -EBUSY);
		if (err)
			w[i]->calls = 1;
	}
	acrypto_lb_rehash(f[1]->dev);
	for (i = 0; i < 40; i++) {
		assert_int_equal(work_wait(w[i]), 0);
		work_free(w[i]);
	}
	assert_false(shim_fail_hit());
	shim_fail(0);
	acrypto_flow_destroy(&flow);
	acrypto_context_destroy(ctx);
	for (i = 0; i < 3; i++)
		fake_free(f[i]);
	unload();
}

static void creating_a_pool(void **state)
{
	struct acrypto_pool *pool;
	long n = 0;
	int hit;

	load();
	do {
		shim_fail(++n);
		pool = acrypto_pool_create(4, 8, 32);
		hit = shim_fail_hit();
		shim_fail(0);
		assert_true(hit == !pool);
		acrypto_pool_destroy(pool);
		assert_true(n < MAX_ALLOCATIONS);
	} while (hit);
	assert_int_equal(n, 8);
	unload();
}

/* what a session from a pool looks like, to its last byte */
static void pool_session(void **state)
{
	struct acrypto_context *ctx;
	struct acrypto_session *s;
	struct acrypto_pool *pool;
	struct fake *f;
	int i, j;

	load();
	f = FAKE("dev", FAKE_SYNC, 0);
	ctx = null_context();
	for (i = 0; i < 3; i++) {
		unsigned int iv = 37 * i;

		pool = acrypto_pool_create(2, 5, iv);
		assert_non_null(pool);
		s = acrypto_session_alloc(pool, ctx, GFP_KERNEL);
		assert_ptr_equal(s->ctx, ctx);
		assert_ptr_equal(s->data, &s->one);
		assert_int_equal(s->priority, ACRYPTO_PRIO_DEFAULT);
		assert_int_equal(s->flags, 0);
		assert_null(s->flow);
		assert_null(s->bound);
		assert_ptr_equal(s->one.dst, s->one.src + 5);
		for (j = 0; j < 5; j++) {
			sg_set_buf(&s->one.src[j], s, 1);
			sg_set_buf(&s->one.dst[j], s, 1);
		}
		if (iv)
			memset(s->one.iv, 0xff, iv);
		acrypto_session_free(s);
		acrypto_pool_destroy(pool);
	}
	acrypto_pool_destroy(NULL);
	acrypto_context_destroy(ctx);
	fake_free(f);
	unload();
}

/* no memory left: who may wait gets a session when one is freed */
static struct acrypto_pool *the_pool;
static struct acrypto_context *the_ctx;
static int callbacks;

static void free_it(struct acrypto_session *s, int error)
{
	CHECK_EQ(error, 0);
	acrypto_session_free(s);
	__atomic_add_fetch(&callbacks, 1, __ATOMIC_SEQ_CST);
}

static int io_thread(void *data)
{
	static u8 page[4096];
	int i;

	for (i = 0; i < 50; i++) {
		struct acrypto_session *s;
		int err;

		s = acrypto_session_alloc(the_pool, the_ctx, GFP_NOIO);
		CHECK(s != NULL);
		sg_init_one(s->one.src, page, 512);
		s->one.dst = s->one.src;
		s->one.nsrc = s->one.ndst = 1;
		s->one.length = 512;
		s->callback = free_it;
		s->flags = ACRYPTO_SESSION_MAY_SLEEP;
		if (i & 1)
			s->flags |= ACRYPTO_SESSION_DIRECT;
		err = unit_submit(s);
		CHECK_EQ(err, 0);
	}
	return 0;
}

static void progress_without_memory(void **state)
{
	struct acrypto_session *s[3];
	struct shim_thread t[4];
	struct fake *f[2];
	int i;

	load();
	f[0] = FAKE("async", FAKE_ASYNC, 0);
	f[1] = FAKE("thread", FAKE_THREAD, .qlen = 2);
	f[1]->slow_us = 50;
	the_ctx = null_context();
	the_pool = acrypto_pool_create(2, 1, 16);
	callbacks = 0;
	shim_fail_from(1);
	s[0] = acrypto_session_alloc(the_pool, the_ctx, GFP_ATOMIC);
	s[1] = acrypto_session_alloc(the_pool, the_ctx, GFP_ATOMIC);
	s[2] = acrypto_session_alloc(the_pool, the_ctx, GFP_ATOMIC);
	assert_non_null(s[0]);
	assert_non_null(s[1]);
	assert_null(s[2]);
	acrypto_session_free(s[0]);
	acrypto_session_free(s[1]);
	for (i = 0; i < 4; i++)
		shim_thread_start(&t[i], i, io_thread, NULL);
	for (i = 0; i < 4; i++)
		shim_thread_join(&t[i]);
	WAIT_FOR(__atomic_load_n(&callbacks, __ATOMIC_SEQ_CST) == 4 * 50);
	shim_fail(0);
	acrypto_context_destroy(the_ctx);
	fake_free(f[0]);
	fake_free(f[1]);
	acrypto_pool_destroy(the_pool);
	unload();
}

const struct unit_test unit_tests[] = {
	TEST(loading),
	TEST(adding_a_device),
	TEST(creating_a_context),
	TEST(changing_devices),
	TEST(none_on_the_way),
	TEST(creating_a_pool),
	TEST(pool_session),
	TEST(progress_without_memory),
	{ NULL, NULL },
};
