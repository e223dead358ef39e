// SPDX-License-Identifier: GPL-2.0
/*
 * The frame of the unit tests, and their sessions.
 */
#include <unistd.h>
#include <sys/random.h>
#include "unit.h"
#include "internal.h"

#define __weak __attribute__((weak))

int __weak unit_cpus = 2;
int __weak unit_load_core = 1;
u64 unit_seed;
int work_order;

/* the core without sysfs, but in files.c */
int __weak acrypto_sysfs_begin(void) { return 0; }
void __weak acrypto_sysfs_end(void) { }
int __weak acrypto_sysfs_add(struct acrypto_device *dev) { return 0; }
void __weak acrypto_sysfs_remove(struct acrypto_device *dev) { }

static int setup(void **state)
{
	shim_begin(unit_cpus);
	shim_set_cpu(0);
	work_order = 0;
	return unit_load_core ? shim_module_load("acrypto") : 0;
}

static int teardown(void **state)
{
	if (unit_load_core)
		CHECK_EQ(shim_module_unload("acrypto"), 0);
	if (!shim_end())
		return 0;
	fprintf(stderr, "UNIT_SEED=%llu\n", unit_seed);
	return -1;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("UNIT_SEED");
	const struct unit_test *t;
	int failed = 0, found = 0;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (t = unit_tests; t->name; t++)
			puts(t->name);
		return 0;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: %s --list | TEST\n", argv[0]);
		return 2;
	}
	if (seed)
		unit_seed = strtoull(seed, NULL, 0);
	else if (getrandom(&unit_seed, sizeof(unit_seed), 0) < 0)
		return 2;

	for (t = unit_tests; t->name; t++) {
		const struct CMUnitTest test[] = {
			{ t->name, t->fn, setup, teardown, NULL },
		};

		if (strcmp(t->name, argv[1]))
			continue;
		found = 1;
		failed += cmocka_run_group_tests_name(t->name, test, NULL,
						      NULL);
	}
	if (!found) {
		fprintf(stderr, "no test %s\n", argv[1]);
		return 2;
	}
	if (failed)
		fprintf(stderr, "UNIT_SEED=%llu\n", unit_seed);
	return failed ? 1 : 0;
}

/*
 * Sessions
 */

/* of this thread: submissions that it is in, and callbacks made here */
static __thread int submitting, reporting;
__thread int unit_locks;

/* whoever is called back by the core has these promises */
static void check_callback(int direct)
{
	CHECK_EQ(submitting, 0);
	CHECK_EQ(shim_locks_held(), 0);
	CHECK_EQ(shim_mutexes_held(), 0);
	CHECK(!in_irq() && !irqs_disabled());
	if (direct)
		CHECK(shim_me()->softirq);
	else
		CHECK(shim_may_sleep());
}

void unit_callback_check(int direct)
{
	check_callback(direct);
}

static void work_callback(struct acrypto_session *s, int error)
{
	struct work *w = container_of(s, struct work, s);

	if (!reporting)
		check_callback(s->flags & ACRYPTO_SESSION_DIRECT);
	CHECK_EQ(s->error, error);
	w->error = error;
	w->here = reporting;
	w->thread = pthread_self();
	w->could_sleep = shim_may_sleep();
	w->cpu = raw_smp_processor_id();
	w->order = __atomic_add_fetch(&work_order, 1, __ATOMIC_SEQ_CST);
	if (w->then)
		w->then(w);
	/* the last access: who waits may free it */
	if (__atomic_add_fetch(&w->calls, 1, __ATOMIC_SEQ_CST) != 1)
		shim_failed(__FILE__, __LINE__, "a second completion");
}

static void report(struct acrypto_session *s)
{
	struct acrypto_flow *flow = s->flow;
	int outer = submitting;

	CHECK(acrypto_session_is_done(s));
	submitting = 0;
	reporting++;
	s->callback(s, s->error);
	reporting--;
	submitting = outer;
	if (flow)
		acrypto_flow_next(flow);
}

int unit_submit(struct acrypto_session *s)
{
	int err;

	submitting++;
	unit_locks = shim_locks_held();
	err = acrypto_submit(s);
	unit_locks = 0;
	submitting--;
	if (err == -EINPROGRESS)
		return 0;	/* it may be gone by now */
	if (!acrypto_session_is_done(s)) {
		CHECK(err < 0);
		return err;
	}
	CHECK_EQ(s->error, err);
	report(s);
	return 0;
}

int unit_submit_list(struct list_head *sessions)
{
	LIST_HEAD(done);
	int err;

	submitting++;
	unit_locks = shim_locks_held();
	err = acrypto_submit_list(sessions, &done);
	unit_locks = 0;
	submitting--;
	while (!list_empty(&done)) {
		struct acrypto_session *s = list_entry(done.next,
					struct acrypto_session, entry);

		list_del_init(&s->entry);
		report(s);
	}
	CHECK(err <= 0);
	CHECK_EQ(!err, list_empty(sessions));
	return err;
}

void unit_settle(struct acrypto_session *s, int error)
{
	int err;

	submitting++;
	unit_locks = shim_locks_held();
	err = acrypto_session_settle(s, error);
	unit_locks = 0;
	submitting--;
	if (err == -EINPROGRESS)
		return;
	CHECK_EQ(err, error);
	report(s);
}

static void set_data(struct work *w, struct acrypto_data *d, int op, u8 *in,
		     u8 *out)
{
	memset(d, 0, sizeof(*d));
	sg_init_one(&w->src[op][0], in, w->len);
	sg_init_one(&w->dst[op][0], out, w->len);
	d->src = w->src[op];
	d->dst = in == out ? d->src : w->dst[op];
	d->nsrc = d->ndst = 1;
	d->length = w->len;
	d->iv = w->iv;
	d->result = w->digest[op];
}

void work_again(struct work *w)
{
	struct acrypto_session old = w->s;
	struct acrypto_context *ctx = w->s.ctx;
	int i;

	acrypto_session_init(&w->s, ctx);
	w->s.callback = work_callback;
	w->s.priority = old.priority;
	w->s.flags = old.flags;
	w->s.flow = old.flow;
	w->s.bound = old.bound;
	/* the data of every operation work on the same bytes, in turn */
	for (i = 0; i < ACRYPTO_MAX_OPS; i++)
		set_data(w, &w->data[i], i, i ? w->out : w->in, w->out);
	w->s.data = w->data;
	w->here = 0;
	__atomic_store_n(&w->calls, 0, __ATOMIC_SEQ_CST);
}

static struct work *work_alloc(struct acrypto_context *ctx, unsigned int len,
			       int in_place)
{
	struct work *w = calloc(1, sizeof(*w));
	unsigned int i;

	assert_non_null(w);
	w->len = len;
	w->in = malloc(len);
	w->out = in_place ? w->in : malloc(len);
	for (i = 0; i < len; i++)
		w->in[i] = i * 7 + (i >> 8);
	if (!in_place)
		memset(w->out, 0xee, len);
	w->s.ctx = ctx;
	w->s.priority = ACRYPTO_PRIO_DEFAULT;
	work_again(w);
	return w;
}

struct work *work_new(struct acrypto_context *ctx, unsigned int len)
{
	return work_alloc(ctx, len, 0);
}

struct work *work_in_place(struct acrypto_context *ctx, unsigned int len)
{
	return work_alloc(ctx, len, 1);
}

void work_free(struct work *w)
{
	if (w->out != w->in)
		free(w->out);
	free(w->in);
	free(w);
}

int work_wait(struct work *w)
{
	WAIT_FOR(work_done(w));
	CHECK_EQ(work_calls(w), 1);
	return w->error;
}

int work_do(struct work *w)
{
	int err = unit_submit(&w->s);

	return err ? err : work_wait(w);
}

struct acrypto_context *cipher_context(int operation, int type, int mode,
				       const u8 *key, int key_len)
{
	struct acrypto_transform t = {
		.operation = operation,
		.type = type,
		.mode = mode,
		.key_len = key_len,
		.key = key,
	};
	struct acrypto_context *ctx = acrypto_context_create(&t, 1);

	assert_false(IS_ERR(ctx));
	return ctx;
}

struct acrypto_context *null_context(void)
{
	return cipher_context(ACRYPTO_OP_ENCRYPT, ACRYPTO_TYPE_NULL,
			      ACRYPTO_MODE_NONE, NULL, 0);
}
