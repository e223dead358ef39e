// SPDX-License-Identifier: GPL-2.0
/*
 * Devices: registration, self-tests, breaking, repair, removal; the module.
 */
#include "unit.h"
#include "internal.h"

int unit_load_core;

static void load(void)
{
	assert_int_equal(shim_module_load("acrypto"), 0);
}

static void unload(void)
{
	assert_int_equal(shim_module_unload("acrypto"), 0);
}

static void load_and_unload(void **state)
{
	load();
	unload();
}

/* ... with devices of all kinds that have worked, and a balancer */
static void use_and_unload(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct fake *f[ARRAY_SIZE(kinds)];
	char name[16];
	int k, i;

	load();
	assert_int_equal(shim_module_load("lb_rr"), 0);
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		snprintf(name, sizeof(name), "dev%d", k);
		f[k] = FAKE(name, kinds[k], 0);
	}
	for (i = 0; i < 10; i++) {
		struct acrypto_context *ctx = null_context();
		struct work *w = work_new(ctx, 64);

		w->s.bound = i < 3 ? f[i]->dev : NULL;
		assert_int_equal(work_do(w), 0);
		work_free(w);
		acrypto_context_destroy(ctx);
	}
	assert_int_equal(acrypto_device_count(), ARRAY_SIZE(kinds));
	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		fake_free(f[k]);
	assert_int_equal(acrypto_device_count(), 0);
	assert_int_equal(shim_module_unload("lb_rr"), 0);
	unload();
}

static int dummy_process(struct acrypto_device *dev, struct acrypto_session *s)
{
	return 0;
}

static void dummy(struct acrypto_device *dev)
{
}

static void bad_info(void **state)
{
	static const struct acrypto_driver sync = {
		.name = "bad", .process = dummy_process,
	}, nothing = {
		.name = "bad",
	}, no_reset = {
		.name = "bad", .data_ready = dummy,
	};
	static const struct acrypto_capability bad_op = {
		.operation = ACRYPTO_OP_MAX,
	}, bad_type = {
		.type = ACRYPTO_TYPE_MAX,
	}, bad_mode = {
		.mode = ACRYPTO_MODE_MAX,
	};
	const struct acrypto_device_info good = {
		.name = "dev", .driver = &sync, .caps = caps_null,
		.nr_caps = 2, .cpu = -1,
	};
	struct acrypto_device_info i;

	load();
#define BAD(change) do { \
		i = good; \
		change; \
		assert_int_equal(PTR_ERR(acrypto_device_add(&i)), -EINVAL); \
	} while (0)
	BAD(i.name = NULL);
	BAD(i.name = "");
	BAD(i.name = "with/slash");
	BAD(i.name = "with space");
	BAD(i.name = "with\nline");
	BAD(i.name = "a-name-of-more-than-32-characters-in-all");
	BAD(i.driver = NULL);
	BAD(i.driver = &nothing);
	BAD(i.driver = &no_reset);
	BAD(i.nr_caps = 0);
	BAD(i.caps = &bad_op; i.nr_caps = 1);
	BAD(i.caps = &bad_type; i.nr_caps = 1);
	BAD(i.caps = &bad_mode; i.nr_caps = 1);
	unload();
}

static void names_are_unique(void **state)
{
	struct acrypto_device *dev;
	struct fake *f;

	load();
	f = FAKE("dev", FAKE_ASYNC, 0);
	assert_null(fake_try(&(struct fake_info){ .name = "dev", .cpu = -1 }));
	assert_int_equal(fake_add_error, -EEXIST);
	assert_null(acrypto_device_get("other"));
	dev = acrypto_device_get("dev");
	assert_ptr_equal(dev, f->dev);
	assert_string_equal(acrypto_device_name(dev), "dev");
	assert_ptr_equal(acrypto_device_priv(dev), f);
	/* a reference outlives the removal, and the name is free again */
	fake_gone(f);
	assert_null(acrypto_device_get("dev"));
	fake_free(f);
	f = FAKE("dev", FAKE_ASYNC, 0);
	assert_ptr_not_equal(f->dev, dev);
	acrypto_device_put(dev);
	acrypto_device_put(NULL);
	fake_free(f);
	unload();
}

/* every capability of a device that computes rightly passes, of any kind */
static void self_test_passes(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	unsigned int i, k;

	load();
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct fake *f = FAKE("dev", kinds[k], .caps = caps_all,
				      .nr_caps = nr_caps_all);

		assert_int_equal(f->dev->nr_caps, nr_caps_all);
		for (i = 0; i < nr_caps_all; i++) {
			if (f->dev->caps[i].broken)
				fprintf(stderr, "capability %u\n", i);
			assert_false(f->dev->caps[i].broken);
		}
		fake_free(f);
	}
	unload();
}

/* ... and every one of a device that computes wrongly is refused */
static void self_test_refuses(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	unsigned int i, k;

	load();
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; i < nr_caps_all; i++) {
			struct fake *f;

			shim_log_clear();
			f = fake_try(&(struct fake_info){ .name = "wrong",
					.kind = kinds[k], .cpu = -1, .wrong = 1,
					.caps = &caps_all[i], .nr_caps = 1 });
			if (f)
				fprintf(stderr, "kind %u capability %u passed\n",
					k, i);
			assert_null(f);
			assert_int_equal(fake_add_error, -ENODEV);
			assert_true(shim_log_has("wrong"));	/* it says who */
		}
	}
	unload();
}

/* how many devices with one capability of all are refused, and with what words */
static int refused(int wrong, const char *words)
{
	struct fake *f;
	unsigned int i;
	int nr = 0;

	for (i = 0; i < nr_caps_all; i++) {
		shim_log_clear();
		f = fake_try(&(struct fake_info){ .name = "beside", .cpu = -1,
				.wrong = wrong, .caps = &caps_all[i],
				.nr_caps = 1 });
		if (f) {
			fake_free(f);
			continue;
		}
		assert_int_equal(fake_add_error, -ENODEV);
		nr += shim_log_has(words);
	}
	return nr;
}

/* ... or that writes where it should not, or whose random numbers are none */
static void self_test_sees_beside(void **state)
{
	load();
	assert_int_equal(refused(FAKE_BESIDE, "wrote beside the result"), 6);
	assert_int_equal(refused(FAKE_BESIDE, "wrote beside the data"), 22);
	assert_int_equal(refused(FAKE_IVS, "wrote to the IVs"), 10);
	assert_int_equal(refused(FAKE_SOURCE, "wrong answer"), 22);
	/* in CBC, where a unit has an IV of its own */
	assert_int_equal(refused(FAKE_UNITS, "wrong answer"), 10);
	assert_int_equal(refused(FAKE_SAME, "draws are the same"), 1);
	assert_int_equal(refused(FAKE_WRONG, "draws are constant"), 1);
	unload();
}

static int wrong_for;

static void wrong_for_type(struct fake *f, struct acrypto_session *s)
{
	f->wrong = acrypto_session_transform(s)->type == wrong_for;
}

/* one bad capability takes no work; the others do */
static void bad_capability_gets_nothing(void **state)
{
	static const struct acrypto_capability caps[] = {
		{ .operation = ACRYPTO_OP_HASH, .type = ACRYPTO_TYPE_MD5,
		  .mode = ACRYPTO_MODE_NONE, .rate = 1 },
		{ .operation = ACRYPTO_OP_HASH, .type = ACRYPTO_TYPE_SHA1,
		  .mode = ACRYPTO_MODE_NONE, .rate = 1 },
	};
	struct acrypto_context *md5, *sha1;
	struct fake *f;
	struct work *w;

	load();
	/* what is computed says whether it goes wrong */
	f = FAKE("dev", FAKE_SYNC, .caps = caps, .nr_caps = 2);
	wrong_for = ACRYPTO_TYPE_MD5;
	acrypto_device_break(f->dev);
	f->processing = wrong_for_type;
	assert_int_equal(acrypto_device_repair(f->dev), 0);
	assert_true(f->dev->caps[0].broken);
	assert_false(f->dev->caps[1].broken);

	md5 = cipher_context(ACRYPTO_OP_HASH, ACRYPTO_TYPE_MD5,
			     ACRYPTO_MODE_NONE, NULL, 0);
	sha1 = cipher_context(ACRYPTO_OP_HASH, ACRYPTO_TYPE_SHA1,
			      ACRYPTO_MODE_NONE, NULL, 0);
	assert_false(acrypto_context_ready(md5));
	assert_true(acrypto_context_ready(sha1));
	w = work_new(md5, 64);
	w->data[0].result_len = 16;
	assert_int_equal(unit_submit(&w->s), -ENODEV);
	work_free(w);
	w = work_new(sha1, 64);
	w->data[0].result_len = 20;
	assert_int_equal(work_do(w), 0);
	work_free(w);

	/* repaired once more, it is good for both; contexts learn of it */
	f->processing = NULL;
	f->wrong = 0;
	acrypto_device_break(f->dev);
	assert_int_equal(acrypto_device_repair(f->dev), 0);
	assert_true(acrypto_context_ready(md5));
	w = work_new(md5, 64);
	w->data[0].result_len = 16;
	assert_int_equal(work_do(w), 0);
	work_free(w);

	acrypto_context_destroy(md5);
	acrypto_context_destroy(sha1);
	fake_free(f);
	unload();
}

/* a device that breaks under its self-tests has none of their sessions left */
static void breaks(struct fake *f)
{
	acrypto_device_break(f->dev);
}

static void breaks_in_self_test(void **state)
{
	struct fake *f;

	load();
	f = FAKE("dev", FAKE_ASYNC, 0);
	acrypto_device_break(f->dev);
	f->at_setup = breaks;
	assert_int_equal(acrypto_device_repair(f->dev), -EIO);
	assert_int_equal(acrypto_device_load(f->dev), 0);
	f->at_setup = NULL;
	assert_int_equal(acrypto_device_repair(f->dev), 0);
	fake_free(f);
	unload();
}

/* a device that never answers its self-test is refused, too */
static void hung_self_test(void **state)
{
	struct fake *f;
	struct acrypto_device *dev;
	struct acrypto_device_info i = {
		.name = "hung", .cpu = -1, .timeout = 200,
		.caps = caps_null, .nr_caps = 1,
	};

	load();
	f = FAKE("donor", FAKE_ASYNC, 0);
	f->dead = 1;
	i.driver = &f->driver;
	i.priv = f;
	dev = acrypto_device_add(&i);
	assert_true(IS_ERR(dev));
	assert_int_equal(PTR_ERR(dev), -ENODEV);
	assert_true(list_empty(&f->taken));
	f->dead = 0;
	fake_free(f);
	unload();
}

/*
 * ... also where nobody else watches it; and of what it does not answer one is
 * enough
 */
static int add_thread(void *data)
{
	return PTR_ERR(acrypto_device_add(data));
}

static void silent_self_test(void **state)
{
	static const struct acrypto_capability caps[] = {
		{ .operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_NULL,
		  .mode = ACRYPTO_MODE_NONE, .rate = 1 },
		{ .operation = ACRYPTO_OP_ENCRYPT, .type = ACRYPTO_TYPE_AES_128,
		  .mode = ACRYPTO_MODE_ECB, .rate = 1 },
	};
	struct shim_thread t;
	struct fake *f;
	struct acrypto_device_info i = {
		.name = "silent", .cpu = -1, .caps = caps, .nr_caps = 2,
	};
	int before;

	load();
	f = FAKE("donor", FAKE_ASYNC, 0);
	f->dead = 1;
	before = fake_get(f, readies);
	i.driver = &f->driver;
	i.priv = f;
	shim_thread_start(&t, 1, add_thread, &i);
	WAIT_FOR(shim_thread_blocked(&t));
	shim_advance(11000);
	assert_int_equal(shim_thread_join(&t), -ENODEV);
	assert_int_equal(fake_get(f, readies), before + 1);
	assert_true(list_empty(&f->taken));
	f->dead = 0;
	fake_free(f);
	unload();
}

/* the first of two that are measured is slow */
static int measured;

static void slow_at_first(struct fake *f, struct acrypto_session *s)
{
	if (acrypto_session_data(s)->length >= 4096 && !measured++)
		msleep(200);
}

static void rate_is_measured(void **state)
{
	struct acrypto_capability caps[2];
	struct fake *f;

	load();
	caps[0] = caps[1] = caps_null[0];
	caps[0].rate = 0;
	caps[1].operation = ACRYPTO_OP_DECRYPT;
	caps[1].rate = 4321;
	f = FAKE("dev", FAKE_SYNC, .caps = caps, .nr_caps = 2);
	assert_true(f->dev->caps[0].rate > 0);
	assert_int_equal(f->dev->caps[1].rate, 4321);
	/* 64 KiB */
	acrypto_device_break(f->dev);
	f->dev->caps[0].rate = 0;
	f->processing = slow_at_first;
	assert_int_equal(acrypto_device_repair(f->dev), 0);
	assert_int_equal(measured, 2);
	assert_true(f->dev->caps[0].rate > 64 * 1000 / 200);
	fake_free(f);
	unload();
}

/* a broken device gets nothing until it is repaired and passes its tests */
static void break_and_repair(void **state)
{
	static const int kinds[] = { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
	struct acrypto_context *ctx;
	struct fake *f;
	struct work *w;
	int k, resets;

	load();
	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		shim_log_clear();
		f = FAKE("dev", kinds[k], 0);
		ctx = null_context();
		w = work_new(ctx, 64);
		assert_int_equal(acrypto_device_repair(f->dev), -EINVAL);
		resets = fake_get(f, resets);
		/* twice is once */
		shim_irq_enter();
		acrypto_device_break(f->dev);
		acrypto_device_break(f->dev);
		shim_irq_exit();
		assert_int_equal(unit_submit(&w->s), -ENODEV);
		WAIT_FOR(!acrypto_context_ready(ctx));
		if (kinds[k] != FAKE_SYNC) {
			WAIT_FOR(fake_get(f, resets) == resets + 1);
		}
		assert_true(shim_log_has("dev is broken"));
		/* nor is it broken again when all of that is over */
		acrypto_device_break(f->dev);
		assert_int_equal(acrypto_device_repair(f->dev), 0);
		assert_int_equal(fake_get(f, resets),
				 resets + (kinds[k] != FAKE_SYNC));

		acrypto_device_break(f->dev);
		fake_set(f, wrong, 1);
		assert_int_equal(acrypto_device_repair(f->dev), -EIO);
		assert_int_equal(unit_submit(&w->s), -ENODEV);
		fake_set(f, wrong, 0);
		assert_int_equal(acrypto_device_repair(f->dev), 0);
		assert_true(acrypto_context_ready(ctx));
		assert_int_equal(work_do(w), 0);
		work_free(w);
		acrypto_context_destroy(ctx);
		fake_free(f);
	}
	unload();
}

/* removing a broken device, or one whose breaking is under way */
static void remove_while_breaking(void **state)
{
	struct fake *f;
	int i;

	load();
	for (i = 0; i < 4; i++) {
		f = FAKE("dev", FAKE_ASYNC, 0);
		f->slow_reset_us = 5000;
		acrypto_device_break(f->dev);
		if (i & 1) {
			WAIT_FOR(fake_get(f, resets));
		}
		if (i & 2)
			msleep(10);
		fake_free(f);
	}
	unload();
}

/* the counters that an administrator sees */
static void statistics(void **state)
{
	unsigned long started, completed, finished, inlined, moved, bytes;
	unsigned long s0, c0, f0, i0, b0;
	struct acrypto_context *ctx;
	struct fake *f;
	struct work *w;
	int i, kind;

	load();
	for (kind = FAKE_SYNC; kind <= FAKE_ASYNC; kind++) {
		f = FAKE("dev", kind, 0);
		ctx = null_context();
#define STAT(counter) \
		acrypto_stat_sum(f->dev, ACRYPTO_ ## counter)
#define SUM() \
		(started = STAT(STARTED), completed = STAT(COMPLETED), \
		 finished = STAT(FINISHED), inlined = STAT(INLINED), \
		 moved = STAT(MOVED), bytes = STAT(BYTES))
		SUM();
		s0 = started, c0 = completed, f0 = finished, i0 = inlined, b0 = bytes;
		w = work_new(ctx, 100);
		for (i = 0; i < 10; i++) {
			w->s.flags = i < 4 ? ACRYPTO_SESSION_ASYNC : 0;
			f->error = i < 3 ? -EIO : 0;
			shim_set_cpu(i);
			assert_int_equal(work_do(w), f->error);
			work_again(w);
		}
		SUM();
		assert_int_equal(started - s0, 10);
		assert_int_equal(finished - f0, 10);
		assert_int_equal(completed - c0, 7);
		assert_int_equal(inlined - i0, kind == FAKE_SYNC ? 6 : 0);
		assert_int_equal(bytes - b0, 700);
		assert_int_equal(moved, 0);
		assert_int_equal(acrypto_device_load(f->dev), 0);
		work_free(w);
		acrypto_context_destroy(ctx);
		fake_free(f);
	}
	unload();
}

const struct unit_test unit_tests[] = {
	TEST(load_and_unload),
	TEST(use_and_unload),
	TEST(bad_info),
	TEST(names_are_unique),
	TEST(self_test_passes),
	TEST(self_test_refuses),
	TEST(self_test_sees_beside),
	TEST(bad_capability_gets_nothing),
	TEST(breaks_in_self_test),
	TEST(hung_self_test),
	TEST(silent_self_test),
	TEST(rate_is_measured),
	TEST(break_and_repair),
	TEST(remove_while_breaking),
	TEST(statistics),
	{ NULL, NULL },
};
