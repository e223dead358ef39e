// SPDX-License-Identifier: GPL-2.0
/*
 * The files of sysfs: each tells what its name says.
 */
#include "unit.h"

struct class {
	int unused;
};

struct class_device {
	char class_id[ACRYPTO_NAME_LEN];
	const struct class_device_attribute *file[16];
	unsigned int nr;
};

struct class_device_attribute {
	const char *name;
	ssize_t (*show)(struct class_device *d, char *buf);
	ssize_t (*store)(struct class_device *d, const char *buf, size_t count);
};

#define __ATTR(n, m, s, w)	{ .name = #n, .show = s, .store = w }

static struct class *class_create(void *owner, const char *name)
{
	return calloc(1, sizeof(struct class));
}

static void class_destroy(struct class *class)
{
	free(class);
}

static struct class_device *class_device_create(struct class *class,
						void *parent, int devt,
						void *device, const char *fmt,
						const char *name)
{
	struct class_device *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	snprintf(d->class_id, sizeof(d->class_id), fmt, name);
	return d;
}

static int class_device_create_file(struct class_device *d,
				    const struct class_device_attribute *file)
{
	assert_true(d->nr < ARRAY_SIZE(d->file));
	d->file[d->nr++] = file;
	return 0;
}

static void class_device_unregister(struct class_device *d)
{
	free(d);
}

/* the core's own, as it is */
#include "sysfs.c"

static char page[4096];

static const struct class_device_attribute *file(struct class_device *d,
						 const char *name)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		if (!strcmp(d->file[i]->name, name))
			return d->file[i];
	fail_msg("no file %s", name);
	return NULL;
}

/* what it says, without its end of line */
static const char *says(struct class_device *d, const char *name)
{
	ssize_t len = file(d, name)->show(d, page);

	assert_true(len > 0 && page[len - 1] == '\n');
	page[len - 1] = 0;
	return page;
}

static ssize_t told(struct class_device *d, const char *name, const char *what)
{
	return file(d, name)->store(d, what, strlen(what));
}

#define SAYS(d, name, what)	assert_string_equal(says(d, name), what)
#define COUNTS(name, n)	\
	assert_int_equal(strtoul(says(d, name), NULL, 10), n)

/* each counter has another value */
static void counters(void **state)
{
	static const enum acrypto_counter all[] = {
		ACRYPTO_STARTED, ACRYPTO_COMPLETED, ACRYPTO_FINISHED,
		ACRYPTO_INLINED, ACRYPTO_MOVED, ACRYPTO_BYTES,
	};
	struct class_device *d;
	struct fake *f;
	unsigned int i;

	f = FAKE("dev", FAKE_ASYNC, 0);
	d = f->dev->sysdev;
	assert_int_equal(ARRAY_SIZE(all), ACRYPTO_COUNTERS);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		acrypto_stat_add(f->dev, all[i], 100 * (i + 1) -
				 acrypto_stat_sum(f->dev, all[i]));
	COUNTS("sstarted", 100);
	COUNTS("scompleted", 200);
	COUNTS("sfinished", 300);
	COUNTS("sinlined", 400);
	COUNTS("smoved", 500);
	COUNTS("bytes", 600);
	atomic_set(&f->dev->kmem_failed, 7);
	COUNTS("kmem_failed", 7);
	fake_free(f);
}

static void a_device(void **state)
{
	struct acrypto_context *ctx;
	struct class_device *d;
	struct work *w;
	struct fake *f;

	f = FAKE("dev", FAKE_ASYNC, 0);
	d = f->dev->sysdev;
	SAYS(d, "name", "dev");
	SAYS(d, "driver", "fake");
	SAYS(d, "state", "live");
	SAYS(d, "broken", "0");
	SAYS(d, "capabilities", "encrypt null - 1000\ndecrypt null - 1000");
	ctx = null_context();
	w = work_new(ctx, 64);
	f->hold = 1;
	COUNTS("sessions", 0);
	assert_int_equal(unit_submit(&w->s), 0);
	COUNTS("sessions", 1);
	fake_serve(f);
	assert_int_equal(work_wait(w), 0);
	work_free(w);
	acrypto_context_destroy(ctx);

	assert_int_equal(told(d, "broken", "2\n"), -EINVAL);
	assert_int_equal(told(d, "broken", "0\n"), -EINVAL);
	assert_int_equal(told(d, "broken", "1\n"), 2);
	SAYS(d, "state", "broken");
	SAYS(d, "broken", "1");
	assert_int_equal(told(d, "broken", "0"), 1);
	SAYS(d, "state", "live");
	SAYS(acrypto_sessions, "devices", "dev");
	fake_free(f);
	SAYS(acrypto_sessions, "devices", "");
}

static void balancers(void **state)
{
	SAYS(acrypto_sessions, "lbs", "([simple_lb])");
	assert_int_equal(shim_module_load("lb_rr"), 0);
	SAYS(acrypto_sessions, "lbs", "([simple_lb]) round_robin");
	assert_int_equal(told(acrypto_sessions, "lbs", "nobody\n"), -ENOENT);
	assert_int_equal(told(acrypto_sessions, "lbs", "round_robin\n"), 12);
	SAYS(acrypto_sessions, "lbs", "(simple_lb) [round_robin]");
	assert_int_equal(shim_module_unload("lb_rr"), 0);
	SAYS(acrypto_sessions, "lbs", "([simple_lb])");
}

const struct unit_test unit_tests[] = {
	TEST(counters),
	TEST(a_device),
	TEST(balancers),
	{ NULL, NULL },
};
