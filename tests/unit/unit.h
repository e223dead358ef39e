/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all unit tests share: the frame of a test, sessions that count their
 * completions, and simulated devices.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdlib.h>
#include "shim.h"
#include <cmocka.h>
#include <linux/acrypto.h>

/*
 * A test program is a list of tests.  Each runs in a process of its own
 * (tests/unit/run), between loading the core and unloading it.
 */
struct unit_test {
	const char *name;
	void (*fn)(void **state);
};
#define TEST(name)	{ #name, name }
extern const struct unit_test unit_tests[];
extern int unit_cpus;		/* CPUs of the machine; default 2 */
extern int unit_load_core;	/* 0: the tests load it themselves */

/* a random seed: $UNIT_SEED, or another one each time; printed on failure */
extern u64 unit_seed;

/*
 * Sessions
 */
struct work {
	struct acrypto_session s;
	struct acrypto_data data[ACRYPTO_MAX_OPS];
	struct scatterlist src[ACRYPTO_MAX_OPS][4], dst[ACRYPTO_MAX_OPS][4];
	u8 *in, *out;		/* bytes */
	u8 iv[256];
	u8 digest[ACRYPTO_MAX_OPS][256];
	unsigned int len;
	int nr;			/* for the test */
	void (*then)(struct work *w);	/* at the end of the callback */
	/* what the callback saw */
	int calls;
	int error;
	int order;		/* which callback it was, from 1 */
	pthread_t thread;
	int here;		/* ended before its submission returned */
	int could_sleep;
	int cpu;
};
extern int work_order;

/*
 * Submission, as a consumer does it to whom it is all the same where sessions
 * end: what is done inline is called back here, after the core has returned.
 * Returns 0 for sessions that were accepted.  Callbacks that the core calls
 * inside a submission fail the test.
 */
int unit_submit(struct acrypto_session *s);
int unit_submit_list(struct list_head *sessions);
void unit_settle(struct acrypto_session *s, int error);
/* for callbacks of a test's own, direct or deferred, and for wake-ups */
void unit_callback_check(int direct);
/* locks that the submitter in this thread holds itself */
extern __thread int unit_locks;

struct work *work_new(struct acrypto_context *ctx, unsigned int len);
struct work *work_in_place(struct acrypto_context *ctx, unsigned int len);
void work_free(struct work *w);
void work_again(struct work *w);	/* ready to be submitted again */
#define work_calls(w)	__atomic_load_n(&(w)->calls, __ATOMIC_SEQ_CST)
#define work_done(w)	(work_calls(w) > 0)
#define work_total()	__atomic_load_n(&work_order, __ATOMIC_SEQ_CST)
/* waits, then says how it ended; the callback must have come once */
int work_wait(struct work *w);
int work_do(struct work *w);		/* submit and wait */
#define work_same(w)	(!memcmp((w)->in, (w)->out, (w)->len))

/* acrypto_inline_begin() as its callers have it */
static inline struct acrypto_device *
unit_inline_begin(const struct acrypto_context *ctx)
{
	struct acrypto_device *dev;

	rcu_read_lock();
	dev = acrypto_inline_begin(ctx);
	rcu_read_unlock();
	return dev;
}

/* contexts; they end the test when they can't be made */
struct acrypto_context *null_context(void);
struct acrypto_context *cipher_context(int operation, int type, int mode,
				       const u8 *key, int key_len);

/*
 * Simulated devices
 */
struct fake {
	struct acrypto_driver driver;
	struct acrypto_device *dev;
	char name[ACRYPTO_NAME_LEN];

	/* set by the test, at any time */
	volatile int hold;		/* take nothing until fake_serve() */
	volatile int dead;		/* take, but never complete */
	volatile int loses;		/* of those whose priv is &fake_lost, one in
					 * so many is done and not completed
					 */
	volatile int wrong;		/* flip a bit of every result, or beside it */
	volatile int error;		/* complete with this */
	volatile int key_error;		/* what key_setup() returns */
	volatile int slow_us;		/* up to so long for each, a random time */
	volatile int slow_reset_us;
	volatile int reset_hangs;	/* the next reset, until it is cleared */
	volatile int tidy;		/* scribbles on no buffer as it dies */
	volatile int batch;		/* sessions that a thread takes at a time */
	void (*processing)(struct fake *f, struct acrypto_session *s);
	void (*at_ready)(struct fake *f);
	void (*at_reset)(struct fake *f);
	void (*at_setup)(struct fake *f);

	/* counted */
	int readies, setups, frees, resets, done;
	int fused;		/* done with two operations in one pass */
	int keys;		/* live */
	int shares;		/* its driver's keys */

	/* of an asynchronous device */
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct list_head taken;		/* by entries of its own */
	int ring;
	struct acrypto_device *self;	/* as its thread knows it */
	int threaded, stop, working, resetting, quiet;
	pthread_t thread;
	u64 seed;
	spinlock_t lock;		/* held around all calls of the core */
};

enum { FAKE_SYNC, FAKE_ASYNC, FAKE_THREAD };
enum {
	FAKE_WRONG = 1,		/* the last byte */
	FAKE_BESIDE = 2,	/* writes beside a result */
	FAKE_SAME = 4,		/* random bytes are always the same */
	FAKE_IVS = 8,		/* writes to the IVs */
	FAKE_SOURCE = 16,	/* writes to what it reads */
	FAKE_UNITS = 32,	/* takes all units for one */
};

struct fake_info {
	const char *name;
	int kind;
	int cpu;
	unsigned int qlen;
	unsigned int timeout;
	unsigned int flags;	/* of the driver */
	const struct fake *driver_of;	/* shares the driver of this one */
	const struct acrypto_capability *caps;
	unsigned int nr_caps;
	int wrong, key_error;
};

/* capabilities: null only, or all */
extern const struct acrypto_capability caps_null[];
extern const unsigned int nr_caps_null;
extern const struct acrypto_capability caps_all[];
extern const unsigned int nr_caps_all;

/* NULL when the core refused it; its error is in fake_add_error then */
struct fake *fake_try(const struct fake_info *info);
extern int fake_add_error, fake_lost;
struct fake *fake_new(const struct fake_info *info);
#define FAKE(n, k, ...) \
	fake_new(&(struct fake_info){ .name = n, .kind = k, .cpu = -1, \
				      __VA_ARGS__ })
/* removes it from the core, unless it is gone already, and frees it */
void fake_free(struct fake *f);
void fake_gone(struct fake *f);	/* acrypto_device_remove() */

/* for asynchronous devices that hold */
struct acrypto_session *fake_take(struct fake *f);
void fake_finish(struct fake *f, struct acrypto_session *s, int error);
void fake_finish_all(struct fake *f, struct acrypto_session **s, int nr,
		     int error);
/* it is the device's until a reset */
void fake_lose(struct fake *f, struct acrypto_session *s);
void fake_serve(struct fake *f);	/* hold no more: do all there is */
#define fake_get(f, field)	__atomic_load_n(&(f)->field, __ATOMIC_SEQ_CST)
#define fake_set(f, field, v)	\
	__atomic_store_n(&(f)->field, v, __ATOMIC_SEQ_CST)

#endif
