/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test sets and asks of the kernel of the unit tests.
 */
#ifndef SHIM_H
#define SHIM_H

#include "kernel.h"

/* before each test; after it: waits for rest, then counts what was broken */
void shim_begin(int cpus);
int shim_end(void);

/* counts and prints a failure when @c does not hold; for any thread */
#define CHECK(c) do { \
	if (!(c)) \
		shim_failed(__FILE__, __LINE__, "CHECK(%s)", #c); \
} while (0)
#define CHECK_EQ(a, b) do { \
	long long _a = (a), _b = (b); \
	if (_a != _b) \
		shim_failed(__FILE__, __LINE__, "%s is %lld, not %lld", #a, \
			    _a, _b); \
} while (0)
int shim_failures(void);
/* failures are expected: count them no more; returns those so far */
int shim_forgive(void);

/* wait for @c to come true, 20 s at most; a failure otherwise */
void shim_pause(void);
unsigned long shim_now_ms(void);
#define WAIT_FOR(c) do { \
	unsigned long _end = shim_now_ms() + 20000; \
	while (!(c)) { \
		if (shim_now_ms() > _end) { \
			shim_failed(__FILE__, __LINE__, \
				    "waited in vain for %s", #c); \
			break; \
		} \
		shim_pause(); \
	} \
} while (0)

/* contexts of this thread */
void shim_set_cpu(int cpu);
/* a CPU goes, or comes and whoever wants to know is told; all are there at first */
void shim_cpu_offline(int cpu);
void shim_cpu_online(int cpu);
void shim_irq_enter(void);
void shim_irq_exit(void);
void shim_bh_enter(void);
void shim_bh_exit(void);
#define shim_locks_held()	(shim_me()->locks)
#define shim_mutexes_held()	(shim_me()->mutexes)
/* waits until no soft interrupt is pending or at work anywhere */
void shim_softirqs_done(void);
/* such as ran in a thread of their own, since shim_begin() */
long shim_ksoftirqd_runs(void);
int shim_may_sleep(void);

/* threads, as processes of the kernel */
struct shim_thread {
	pthread_t thread;
	struct task_struct *task;
	int (*fn)(void *data);
	void *data;
	int cpu;
	int result;
	int done;
};
void shim_thread_start(struct shim_thread *t, int cpu, int (*fn)(void *data),
		       void *data);
int shim_thread_join(struct shim_thread *t);
/* sleeps in schedule() */
int shim_thread_blocked(struct shim_thread *t);
extern int shim_live_kthreads;

/* time goes on by @ms at once */
void shim_advance(unsigned int ms);

/*
 * Memory: the @n-th allocation from now fails (1: the next), or that one and
 * all that follow; 0: none.  An allocation of a thread that is immune does
 * not count.
 */
void shim_fail(long n);
void shim_fail_from(long n);
int shim_fail_hit(void);
void shim_fail_immune(int immune);
long shim_live_allocations(void);
long shim_allocations(void);	/* so far, those that failed included */
/* the flags of all allocations since it was asked last, one upon another */
gfp_t shim_gfp_seen(void);
/* the last bytes of every block that was freed are remembered: was @what
 * in it? */
void shim_watch_free(const void *what, size_t len);
int shim_watch_found(void);

/* modules: load runs module_init, unload refuses (-EBUSY) when in use */
struct module *shim_module_find(const char *name);
int shim_module_load(const char *name);
int shim_module_unload(const char *name);
void *shim_param(const char *name);
int shim_setup(const char *str, char *arg);

/* what was printed since shim_begin() */
int shim_log_has(const char *text);
void shim_log_clear(void);

/*
 * Chance: now and then, one time in @one_in, a thread stands still for @max_us
 * at most before it takes a spinlock, after it has let go of it, or around an RCU read
 * lock: so that others come in between.  0: never.
 */
void shim_chaos(int one_in, int max_us, u64 seed);
void shim_chaos_immune(int immune);	/* this thread is never held up */

/* a reader of an RCU that takes its time: delays every grace period */
void shim_rcu_delay_us(unsigned int us);
/* waits until all that was handed to call_rcu() is done */
void shim_rcu_done(void);
/* how often somebody has waited for a grace period so far */
long shim_grace_waits(void);

/* works that have returned so far, of all queues */
long shim_works_done(void);

/* timers that run */
int shim_timers(void);

/* random numbers that a seed repeats, for one thread */
u32 shim_random(u64 *state);

#endif
