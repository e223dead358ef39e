// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel of the unit tests over pthreads: see kernel.h and shim.h.
 */
#include <stdlib.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <malloc.h>
#include "shim.h"

#define MAX_MODULES	16
#define MAX_PARAMS	32
#define LOG_SIZE	(256 * 1024)
#define TABLE_SIZE	8

int shim_cpus = 2;
int shim_fence;
int shim_live_kthreads;

/* failures and the log */

static int failures;
static char log_text[LOG_SIZE];
static size_t log_len;
static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static int verbose;

static void log_add(const char *fmt, va_list ap)
{
	size_t start = log_len, room;
	int n;

	if (LOG_SIZE - log_len < 1024)
		start = log_len = 0;
	room = LOG_SIZE - log_len;
	n = vsnprintf(log_text + log_len, room, fmt, ap);
	if (n > 0)
		log_len += min((size_t)n, room - 1);
	if (verbose)
		fprintf(stderr, "    | %s", log_text + start);
}

int printk(const char *fmt, ...)
{
	va_list ap;

	pthread_mutex_lock(&log_mutex);
	va_start(ap, fmt);
	log_add(fmt, ap);
	va_end(ap);
	pthread_mutex_unlock(&log_mutex);
	return 0;
}

int printk_ratelimit(void)
{
	return 1;
}

int shim_log_has(const char *text)
{
	int has;

	pthread_mutex_lock(&log_mutex);
	log_text[log_len] = 0;
	has = strstr(log_text, text) != NULL;
	pthread_mutex_unlock(&log_mutex);
	return has;
}

void shim_log_clear(void)
{
	pthread_mutex_lock(&log_mutex);
	log_len = 0;
	log_text[0] = 0;
	pthread_mutex_unlock(&log_mutex);
}

int shim_failed(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (__atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST) > 20)
		return 0;
	pthread_mutex_lock(&log_mutex);
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	pthread_mutex_unlock(&log_mutex);
	if (getenv("SHIM_ABORT"))
		abort();
	return 0;
}

int shim_failures(void)
{
	return __atomic_load_n(&failures, __ATOMIC_SEQ_CST);
}

int shim_forgive(void)
{
	return __atomic_exchange_n(&failures, 0, __ATOMIC_SEQ_CST);
}

void shim_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: BUG: %s\n", file, line, what);
	abort();
}

void dump_stack(void)
{
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n >= (int)size ? (int)size - 1 : n;
}

unsigned long simple_strtoul(const char *s, char **end, unsigned int base)
{
	return strtoul(s, end, base);
}

long simple_strtol(const char *s, char **end, unsigned int base)
{
	return strtol(s, end, base);
}

/* contexts */

static pthread_mutex_t threads_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct shim_context *threads;
static int next_cpu;
static pthread_key_t context_key;
static __thread struct shim_context *me;

static struct task_struct *task_new(const char *name)
{
	struct task_struct *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	pthread_mutex_init(&t->mutex, NULL);
	pthread_cond_init(&t->cond, NULL);
	snprintf(t->comm, sizeof(t->comm), "%s", name);
	t->cpu = -1;
	return t;
}

static void context_free(void *data)
{
	struct shim_context *c = data, **p;

	pthread_mutex_lock(&threads_mutex);
	for (p = &threads; *p != c; p = &(*p)->next)
		;
	*p = c->next;
	pthread_mutex_unlock(&threads_mutex);
	if (!c->task->fn)	/* a kernel thread's goes with kthread_stop() */
		free(c->task);
	free(c);
	me = NULL;
}

static void __attribute__((constructor(101))) context_start(void)
{
	pthread_key_create(&context_key, context_free);
	verbose = getenv("SHIM_VERBOSE") != NULL;
}

static void context_new(struct task_struct *task)
{
	struct shim_context *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->task = task ? task : task_new("thread");
	pthread_mutex_lock(&threads_mutex);
	c->cpu = next_cpu++ % shim_cpus;
	c->next = threads;
	threads = c;
	pthread_mutex_unlock(&threads_mutex);
	me = c;
	pthread_setspecific(context_key, c);
}

struct shim_context *shim_me(void)
{
	if (!me)
		context_new(NULL);
	return me;
}

u64 shim_idle_cpus, shim_offline_cpus;

void shim_set_cpu(int cpu)
{
	shim_me()->cpu = cpu % shim_cpus;
}

static struct notifier_block *notifiers;
static pthread_mutex_t notifiers_mutex = PTHREAD_MUTEX_INITIALIZER;

int register_hotcpu_notifier(struct notifier_block *nb)
{
	might_sleep();
	pthread_mutex_lock(&notifiers_mutex);
	nb->next = notifiers;
	notifiers = nb;
	pthread_mutex_unlock(&notifiers_mutex);
	return 0;
}

void unregister_hotcpu_notifier(struct notifier_block *nb)
{
	struct notifier_block **p = &notifiers;

	might_sleep();
	pthread_mutex_lock(&notifiers_mutex);
	while (*p && *p != nb)
		p = &(*p)->next;
	BUG_ON(!*p);
	*p = nb->next;
	pthread_mutex_unlock(&notifiers_mutex);
}

void shim_cpu_offline(int cpu)
{
	shim_offline_cpus |= 1ULL << cpu;
}

void shim_cpu_online(int cpu)
{
	struct notifier_block *nb;

	shim_offline_cpus &= ~(1ULL << cpu);
	pthread_mutex_lock(&notifiers_mutex);
	for (nb = notifiers; nb; nb = nb->next)
		nb->notifier_call(nb, CPU_ONLINE, (void *)(long)cpu);
	pthread_mutex_unlock(&notifiers_mutex);
}

void shim_irq_enter(void)
{
	shim_me()->hardirq++;
	shim_me()->irqs_off = 1;
}

static void softirqs(struct shim_context *c);

void shim_irq_exit(void)
{
	if (--shim_me()->hardirq)
		return;
	shim_me()->irqs_off = 0;
	softirqs(shim_me());
}

void shim_bh_enter(void)
{
	shim_me()->softirq++;
}

void shim_bh_exit(void)
{
	shim_me()->softirq--;
	softirqs(shim_me());
}

void shim_local_bh_enable(const char *file, int line)
{
	struct shim_context *c = shim_me();

	if (c->hardirq || c->irqs_off)
		shim_failed(file, line,
			    "local_bh_enable() with interrupts off");
	if (--c->bh < 0)
		shim_failed(file, line, "local_bh_enable() too often");
	softirqs(c);
}

int shim_atomic(void)
{
	struct shim_context *c = shim_me();

	return c->locks || c->preempt || c->bh || c->irqs_off || c->hardirq ||
	       c->softirq;
}

int shim_may_sleep(void)
{
	return !shim_atomic() && !shim_me()->rcu;
}

void shim_might_sleep(const char *file, int line)
{
	struct shim_context *c = shim_me();

	if (!shim_may_sleep())
		shim_failed(file, line,
			    "sleeps with %d locks, preempt %d, bh %d, irqs_off %d, hardirq %d, softirq %d, rcu %d",
			    c->locks, c->preempt, c->bh, c->irqs_off,
			    c->hardirq, c->softirq, c->rcu);
}

int shim_smp_processor_id(const char *file, int line)
{
	struct shim_context *c = shim_me();

	if (!shim_atomic() && c->task->cpu < 0)
		shim_failed(file, line,
			    "smp_processor_id() where the CPU may change");
	return c->cpu;
}

void shim_pause(void)
{
	usleep(200);
}

void cpu_relax(void)
{
	sched_yield();
}

int cond_resched(void)
{
	might_sleep();
	sched_yield();
	return 0;
}

u32 shim_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

void get_random_bytes(void *buf, int nbytes)
{
	if (getrandom(buf, nbytes, 0) != nbytes)
		abort();
}

static int chaos_one_in, chaos_max_us;
static u64 chaos_seed;
static __thread int chaos_immune;

void shim_chaos_immune(int on)
{
	chaos_immune = on;
}

void shim_chaos(int one_in, int max_us, u64 seed)
{
	__atomic_store_n(&chaos_max_us, max_us, __ATOMIC_SEQ_CST);
	__atomic_store_n(&chaos_seed, seed, __ATOMIC_SEQ_CST);
	__atomic_store_n(&chaos_one_in, one_in, __ATOMIC_SEQ_CST);
}

static void chaos(void)
{
	int one_in = __atomic_load_n(&chaos_one_in, __ATOMIC_RELAXED);
	u64 state;

	if (!one_in || chaos_immune)
		return;
	state = __atomic_add_fetch(&chaos_seed, 0x9e3779b97f4a7c15ULL,
				   __ATOMIC_RELAXED);
	if (!(shim_random(&state) % one_in))
		usleep(shim_random(&state) %
		       __atomic_load_n(&chaos_max_us, __ATOMIC_RELAXED));
}

/* locks */

void spin_lock_init(spinlock_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&lock->mutex, &attr);
	lock->in_irq = lock->irqs_on = lock->in_bh = lock->bh_on = 0;
}

static void spin_taken(spinlock_t *lock, const char *file, int line)
{
	struct shim_context *c = shim_me();

	c->locks++;
	if (c->hardirq)
		lock->in_irq = 1;
	else if (!c->irqs_off)
		lock->irqs_on = 1;
	if (lock->in_irq && lock->irqs_on) {
		shim_failed(file, line,
			    "lock is taken in interrupts and with interrupts on");
		lock->irqs_on = 0;
	}
	if (c->softirq && !c->hardirq)
		lock->in_bh = 1;
	else if (!c->bh && !c->irqs_off)
		lock->bh_on = 1;
	if (lock->in_bh && lock->bh_on) {
		shim_failed(file, line,
			    "lock is taken in soft interrupts and with them on");
		lock->bh_on = 0;
	}
}

void shim_spin_lock(spinlock_t *lock, const char *file, int line)
{
	int err;

	if (!shim_me()->locks)
		chaos();
	err = pthread_mutex_lock(&lock->mutex);
	if (err) {
		fprintf(stderr, "%s:%d: spin_lock: %s\n", file, line,
			strerror(err));
		abort();
	}
	spin_taken(lock, file, line);
}

int shim_spin_trylock(spinlock_t *lock)
{
	if (pthread_mutex_trylock(&lock->mutex))
		return 0;
	spin_taken(lock, __FILE__, __LINE__);
	return 1;
}

void shim_spin_unlock(spinlock_t *lock, const char *file, int line)
{
	int err = pthread_mutex_unlock(&lock->mutex);

	if (err) {
		fprintf(stderr, "%s:%d: spin_unlock: %s\n", file, line,
			strerror(err));
		abort();
	}
	if (!--shim_me()->locks)
		chaos();
}

int spin_is_locked(spinlock_t *lock)
{
	if (pthread_mutex_trylock(&lock->mutex))
		return 1;
	pthread_mutex_unlock(&lock->mutex);
	return 0;
}

void mutex_init(struct mutex *m)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m->mutex, &attr);
}

void shim_mutex_lock(struct mutex *m, const char *file, int line)
{
	int err;

	shim_might_sleep(file, line);
	err = pthread_mutex_lock(&m->mutex);
	if (err) {
		fprintf(stderr, "%s:%d: mutex_lock: %s\n", file, line,
			strerror(err));
		abort();
	}
	shim_me()->mutexes++;
}

int mutex_trylock(struct mutex *m)
{
	if (pthread_mutex_trylock(&m->mutex))
		return 0;
	shim_me()->mutexes++;
	return 1;
}

void mutex_unlock(struct mutex *m)
{
	BUG_ON(pthread_mutex_unlock(&m->mutex));
	shim_me()->mutexes--;
}

/* memory */

static long fail_at, fail_all, fail_count, fail_hits;
static long live_allocations, allocations;
static __thread int immune;
static gfp_t gfp_seen;
static const void *watch;
static size_t watch_len;
static int watch_found;

void shim_fail(long n)
{
	__atomic_store_n(&fail_all, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&fail_at, n, __ATOMIC_SEQ_CST);
	__atomic_store_n(&fail_count, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&fail_hits, 0, __ATOMIC_SEQ_CST);
}

void shim_fail_from(long n)
{
	shim_fail(n);
	__atomic_store_n(&fail_all, 1, __ATOMIC_SEQ_CST);
}

int shim_fail_hit(void)
{
	return __atomic_load_n(&fail_hits, __ATOMIC_SEQ_CST) != 0;
}

void shim_fail_immune(int on)
{
	immune = on;
}

static int fails(void)
{
	long at = __atomic_load_n(&fail_at, __ATOMIC_SEQ_CST), n;

	__atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST);
	if (!at || immune)
		return 0;
	n = __atomic_add_fetch(&fail_count, 1, __ATOMIC_SEQ_CST);
	if (n != at && (n < at || !fail_all))
		return 0;
	__atomic_add_fetch(&fail_hits, 1, __ATOMIC_SEQ_CST);
	return 1;
}

long shim_live_allocations(void)
{
	return __atomic_load_n(&live_allocations, __ATOMIC_SEQ_CST);
}

long shim_allocations(void)
{
	return __atomic_load_n(&allocations, __ATOMIC_SEQ_CST);
}

static void *get_memory(size_t size, size_t align)
{
	void *p;

	if (fails())
		return NULL;
	/* a kernel never gives what was there before as zeros */
	if (posix_memalign(&p, align, size ? size : 1))
		abort();
	memset(p, 0xa5, size);
	__atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
	return p;
}

gfp_t shim_gfp_seen(void)
{
	return __atomic_exchange_n(&gfp_seen, 0, __ATOMIC_SEQ_CST);
}

void shim_watch_free(const void *what, size_t len)
{
	__atomic_store_n(&watch_len, len, __ATOMIC_SEQ_CST);
	__atomic_store_n(&watch, what, __ATOMIC_SEQ_CST);
	__atomic_store_n(&watch_found, 0, __ATOMIC_SEQ_CST);
}

int shim_watch_found(void)
{
	return __atomic_load_n(&watch_found, __ATOMIC_SEQ_CST);
}

static void put_memory(void *p)
{
	const void *what = __atomic_load_n(&watch, __ATOMIC_SEQ_CST);

	if (!p)
		return;
	if (what && memmem(p, malloc_usable_size(p), what, watch_len))
		__atomic_add_fetch(&watch_found, 1, __ATOMIC_SEQ_CST);
	__atomic_sub_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
	free(p);
}

void *shim_alloc(size_t size, gfp_t gfp, const char *file, int line)
{
	void *p;

	__atomic_fetch_or(&gfp_seen, gfp, __ATOMIC_SEQ_CST);
	if (gfp & __GFP_WAIT)
		shim_might_sleep(file, line);
	/* as a slab cache does, from a cache line up */
	p = get_memory(size, size < L1_CACHE_BYTES ? 16 : L1_CACHE_BYTES);
	if (p && gfp & __GFP_ZERO)
		memset(p, 0, size);
	return p;
}

void kfree(const void *p)
{
	put_memory((void *)p);
}

char *kstrdup(const char *s, gfp_t gfp)
{
	char *p = kmalloc(strlen(s) + 1, gfp);

	return p ? strcpy(p, s) : NULL;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size,
		size_t align, unsigned long flags,
		void (*ctor)(void *, struct kmem_cache *, unsigned long),
		void (*dtor)(void *, struct kmem_cache *, unsigned long))
{
	struct kmem_cache *c;

	CHECK(!ctor && !dtor);	/* gone later */
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return NULL;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->size = size;
	return c;
}

void kmem_cache_destroy(struct kmem_cache *c)
{
	if (c->live)
		shim_failed(__FILE__, __LINE__, "cache %s: %d objects left",
			    c->name, c->live);
	kfree(c);
}

void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp)
{
	void *p = kmalloc(c->size, gfp);

	if (p)
		__atomic_add_fetch(&c->live, 1, __ATOMIC_SEQ_CST);
	return p;
}

void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp)
{
	return kmem_cache_alloc(c, gfp | __GFP_ZERO);
}

void kmem_cache_free(struct kmem_cache *c, void *p)
{
	__atomic_sub_fetch(&c->live, 1, __ATOMIC_SEQ_CST);
	kfree(p);
}

struct mempool_s {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	int min, nr;
	int out;		/* elements in use */
	mempool_alloc_t *alloc;
	mempool_free_t *free;
	void *data;
	void **elements;
};

mempool_t *mempool_create(int min, mempool_alloc_t *alloc, mempool_free_t *free,
			  void *data)
{
	mempool_t *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	pool->elements = kcalloc(min, sizeof(void *), GFP_KERNEL);
	if (!pool->elements) {
		kfree(pool);
		return NULL;
	}
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->cond, NULL);
	pool->alloc = alloc;
	pool->free = free;
	pool->data = data;
	pool->min = min;
	while (pool->nr < min) {
		void *e = alloc(GFP_KERNEL, data);

		if (!e) {
			mempool_destroy(pool);
			return NULL;
		}
		pool->elements[pool->nr++] = e;
	}
	return pool;
}

void mempool_destroy(mempool_t *pool)
{
	if (pool->out)
		shim_failed(__FILE__, __LINE__, "mempool: %d elements in use",
			    pool->out);
	while (pool->nr)
		pool->free(pool->elements[--pool->nr], pool->data);
	kfree(pool->elements);
	kfree(pool);
}

void *mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	void *e;

	might_sleep_if(gfp & __GFP_WAIT);
	e = pool->alloc(gfp & ~(__GFP_WAIT | __GFP_IO), pool->data);
	pthread_mutex_lock(&pool->mutex);
	while (!e && !pool->nr && gfp & __GFP_WAIT)
		pthread_cond_wait(&pool->cond, &pool->mutex);
	if (!e && pool->nr) {
		e = pool->elements[--pool->nr];
		memset(e, 0x5a, malloc_usable_size(e));
	}
	if (e)
		pool->out++;
	pthread_mutex_unlock(&pool->mutex);
	return e;
}

void mempool_free(void *element, mempool_t *pool)
{
	if (!element)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->out--;
	if (pool->nr < pool->min) {
		pool->elements[pool->nr++] = element;
		element = NULL;
		pthread_cond_signal(&pool->cond);
	}
	pthread_mutex_unlock(&pool->mutex);
	if (element)
		pool->free(element, pool->data);
}

void *mempool_alloc_slab(gfp_t gfp, void *cache)
{
	return kmem_cache_alloc(cache, gfp);
}

void mempool_free_slab(void *element, void *cache)
{
	kmem_cache_free(cache, element);
}

void *mempool_kmalloc(gfp_t gfp, void *size)
{
	return kmalloc((size_t)size, gfp);
}

void mempool_kfree(void *element, void *size)
{
	kfree(element);
}

static void *mempool_kzalloc(gfp_t gfp, void *size)
{
	return kzalloc((size_t)size, gfp);
}

mempool_t *mempool_create_slab_pool(int min, struct kmem_cache *c)
{
	return mempool_create(min, mempool_alloc_slab, mempool_free_slab, c);
}

mempool_t *mempool_create_kmalloc_pool(int min, size_t size)
{
	return mempool_create(min, mempool_kmalloc, mempool_kfree,
			      (void *)size);
}

mempool_t *mempool_create_kzalloc_pool(int min, size_t size)
{
	return mempool_create(min, mempool_kzalloc, mempool_kfree,
			      (void *)size);
}

struct shim_percpu {
	void *cpu[NR_CPUS];
};

void *__alloc_percpu(size_t size)
{
	struct shim_percpu *p;
	int i;

	might_sleep();
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return NULL;
	for (i = 0; i < shim_cpus; i++) {
		p->cpu[i] = get_memory(size, 64);
		if (!p->cpu[i]) {
			free_percpu(p);
			return NULL;
		}
		memset(p->cpu[i], 0, size);
	}
	return p;
}

void free_percpu(void *data)
{
	struct shim_percpu *p = data;
	int i;

	for (i = 0; p && i < NR_CPUS; i++)
		put_memory(p->cpu[i]);
	kfree(p);
}

void *shim_per_cpu(void *data, int cpu)
{
	return ((struct shim_percpu *)data)->cpu[cpu];
}

struct page *shim_alloc_page(gfp_t gfp, const char *file, int line)
{
	struct page *p;

	if (gfp & __GFP_WAIT)
		shim_might_sleep(file, line);
	p = get_memory(PAGE_SIZE, PAGE_SIZE);
	if (p && gfp & __GFP_ZERO)
		memset(p, 0, PAGE_SIZE);
	return p;
}

void __free_page(struct page *p)
{
	put_memory(p);
}

unsigned long __get_free_page(gfp_t gfp)
{
	return (unsigned long)alloc_page(gfp);
}

unsigned long get_zeroed_page(gfp_t gfp)
{
	return (unsigned long)alloc_page(gfp | __GFP_ZERO);
}

void free_page(unsigned long addr)
{
	put_memory((void *)addr);
}

/* time */

static unsigned long advanced_ms;
static pthread_mutex_t timer_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t timer_cond = PTHREAD_COND_INITIALIZER;
static LIST_HEAD(timers);
static struct timer_list *timer_running;
static int timer_started;

unsigned long shim_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

unsigned long shim_jiffies(void)
{
	static unsigned long start;
	unsigned long now = shim_now_ms(), zero = 0;

	__atomic_compare_exchange_n(&start, &zero, now, 0, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	now -= __atomic_load_n(&start, __ATOMIC_SEQ_CST);
	now += __atomic_load_n(&advanced_ms, __ATOMIC_SEQ_CST);
	/* wraps soon: who compares the wrong way shall see it */
	return now * HZ / 1000 - HZ / 4;
}

unsigned long msecs_to_jiffies(unsigned int ms)
{
	return ((unsigned long)ms * HZ + 999) / 1000;
}

unsigned int jiffies_to_msecs(unsigned long j)
{
	return j * 1000 / HZ;
}

unsigned long usecs_to_jiffies(unsigned int us)
{
	return ((unsigned long)us * HZ + 999999) / 1000000;
}

void do_gettimeofday(struct timeval *tv)
{
	gettimeofday(tv, NULL);
}

unsigned long long sched_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void *timer_thread(void *unused)
{
	struct timer_list *t, *due;
	struct timespec ts;

	shim_me();
	pthread_mutex_lock(&timer_mutex);
	for (;;) {
		due = NULL;
		list_for_each_entry(t, &timers, entry)
			if (time_after_eq(jiffies, t->expires) &&
			    (!due || time_before(t->expires, due->expires)))
				due = t;
		if (due) {
			void (*fn)(unsigned long) = due->function;
			unsigned long data = due->data;

			list_del_init(&due->entry);
			due->pending = 0;
			timer_running = due;
			pthread_mutex_unlock(&timer_mutex);
			shim_bh_enter();
			fn(data);
			shim_bh_exit();
			CHECK(shim_may_sleep());
			pthread_mutex_lock(&timer_mutex);
			timer_running = NULL;
			pthread_cond_broadcast(&timer_cond);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_nsec += 4000000;
		if (list_empty(&timers))
			ts.tv_sec += 1;
		if (ts.tv_nsec >= 1000000000) {
			ts.tv_sec++;
			ts.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&timer_cond, &timer_mutex, &ts);
	}
	return NULL;
}

static void thread_start(void *(*fn)(void *), void *data)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &attr, fn, data))
		abort();
	pthread_attr_destroy(&attr);
}

void shim_advance(unsigned int ms)
{
	__atomic_add_fetch(&advanced_ms, ms, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&timer_mutex);
	pthread_cond_broadcast(&timer_cond);
	pthread_mutex_unlock(&timer_mutex);
}

void init_timer(struct timer_list *t)
{
	INIT_LIST_HEAD(&t->entry);
	t->pending = 0;
}

void setup_timer(struct timer_list *t, void (*fn)(unsigned long),
		 unsigned long data)
{
	init_timer(t);
	t->function = fn;
	t->data = data;
}

int mod_timer(struct timer_list *t, unsigned long expires)
{
	int was;

	pthread_mutex_lock(&timer_mutex);
	if (!timer_started++)
		thread_start(timer_thread, NULL);
	was = t->pending;
	if (was)
		list_del_init(&t->entry);
	t->expires = expires;
	t->pending = 1;
	list_add_tail(&t->entry, &timers);
	pthread_cond_broadcast(&timer_cond);
	pthread_mutex_unlock(&timer_mutex);
	return was;
}

void add_timer(struct timer_list *t)
{
	BUG_ON(t->pending);
	mod_timer(t, t->expires);
}

static int timer_del(struct timer_list *t, int sync)
{
	int was;

	pthread_mutex_lock(&timer_mutex);
	while (sync && timer_running == t)
		pthread_cond_wait(&timer_cond, &timer_mutex);
	was = t->pending;
	if (was)
		list_del_init(&t->entry);
	t->pending = 0;
	pthread_mutex_unlock(&timer_mutex);
	return was;
}

int del_timer(struct timer_list *t)
{
	return timer_del(t, 0);
}

int del_timer_sync(struct timer_list *t)
{
	CHECK(!in_irq());
	return timer_del(t, 1);
}

int shim_timers(void)
{
	struct list_head *p;
	int n = 0;

	pthread_mutex_lock(&timer_mutex);
	list_for_each(p, &timers)
		n++;
	pthread_mutex_unlock(&timer_mutex);
	return n;
}

/*
 * Soft interrupts: tasklets, each on the list of the CPU that scheduled it.
 * They run when that CPU leaves an interrupt or turns them on again, ten
 * rounds at most; what is left then, and what was scheduled elsewhere, is for
 * the CPU's thread.
 */

struct softirq_cpu {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct tasklet_struct *list;
	int kicked, started;
	int busy;		/* one thread at a time is this CPU */
};

static struct softirq_cpu softirq_cpus[NR_CPUS] = {
	[0 ... NR_CPUS - 1] = {
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
	},
};
static int softirqs_running;
static long ksoftirqd_runs;

long shim_ksoftirqd_runs(void)
{
	return __atomic_load_n(&ksoftirqd_runs, __ATOMIC_SEQ_CST);
}

static int softirq_pending(int cpu)
{
	return __atomic_load_n(&softirq_cpus[cpu].list, __ATOMIC_SEQ_CST) !=
	       NULL;
}

static void *ksoftirqd(void *data)
{
	struct softirq_cpu *q = data;
	int cpu = q - softirq_cpus;

	shim_me()->cpu = cpu;
	current->cpu = cpu;
	for (;;) {
		pthread_mutex_lock(&q->mutex);
		while (!q->kicked)
			pthread_cond_wait(&q->cond, &q->mutex);
		q->kicked = 0;
		pthread_mutex_unlock(&q->mutex);
		__atomic_add_fetch(&ksoftirqd_runs, 1, __ATOMIC_SEQ_CST);
		softirqs(shim_me());
		sched_yield();
	}
	return NULL;
}

static void softirq_kick(int cpu)
{
	struct softirq_cpu *q = &softirq_cpus[cpu];

	pthread_mutex_lock(&q->mutex);
	if (!q->started++)
		thread_start(ksoftirqd, q);
	q->kicked = 1;
	pthread_cond_signal(&q->cond);
	pthread_mutex_unlock(&q->mutex);
}

static void tasklet_add(struct tasklet_struct *t, int cpu)
{
	struct softirq_cpu *q = &softirq_cpus[cpu];
	struct tasklet_struct **p;

	pthread_mutex_lock(&q->mutex);
	for (p = &q->list; *p; p = &(*p)->next)
		;
	t->next = NULL;
	__atomic_store_n(p, t, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&q->mutex);
}

static void tasklet_run(struct tasklet_struct *t, struct shim_context *c)
{
	int locks = c->locks, mutexes = c->mutexes, rcu = c->rcu;

	if (test_and_set_bit(TASKLET_STATE_RUN, &t->state)) {
		/* at work on another CPU */
		tasklet_add(t, c->cpu);
		usleep(20);
		return;
	}
	if (atomic_read(&t->count)) {
		clear_bit(TASKLET_STATE_RUN, &t->state);
		tasklet_add(t, c->cpu);
		usleep(20);
		return;
	}
	BUG_ON(!test_and_clear_bit(TASKLET_STATE_SCHED, &t->state));
	t->func(t->data);
	if (c->locks != locks || c->mutexes != mutexes || c->rcu != rcu ||
	    c->irqs_off)
		shim_failed(__FILE__, __LINE__, "a tasklet leaves a lock");
	clear_bit(TASKLET_STATE_RUN, &t->state);
}

static void softirqs(struct shim_context *c)
{
	struct tasklet_struct *list, *next;
	int cpu = c->cpu, rounds = 10;

	if (c->softirq || c->bh || c->hardirq || c->irqs_off ||
	    !softirq_pending(cpu))
		return;
	/* who is at it looks once more when it is done */
	if (__atomic_exchange_n(&softirq_cpus[cpu].busy, 1, __ATOMIC_SEQ_CST))
		return;
	__atomic_add_fetch(&softirqs_running, 1, __ATOMIC_SEQ_CST);
	do {
		struct softirq_cpu *q = &softirq_cpus[cpu];

		pthread_mutex_lock(&q->mutex);
		list = q->list;
		__atomic_store_n(&q->list, NULL, __ATOMIC_SEQ_CST);
		pthread_mutex_unlock(&q->mutex);
		c->softirq++;
		for (; list; list = next) {
			next = list->next;
			tasklet_run(list, c);
		}
		c->softirq--;
	} while (softirq_pending(cpu) && --rounds);
	__atomic_store_n(&softirq_cpus[cpu].busy, 0, __ATOMIC_SEQ_CST);
	if (softirq_pending(cpu))
		softirq_kick(cpu);
	__atomic_sub_fetch(&softirqs_running, 1, __ATOMIC_SEQ_CST);
}

void shim_softirqs_done(void)
{
	int cpu, busy;

	do {
		busy = __atomic_load_n(&softirqs_running, __ATOMIC_SEQ_CST);
		for (cpu = 0; cpu < NR_CPUS; cpu++)
			busy |= softirq_pending(cpu);
		if (busy)
			usleep(50);
	} while (busy || __atomic_load_n(&softirqs_running, __ATOMIC_SEQ_CST));
}

void tasklet_init(struct tasklet_struct *t, void (*func)(unsigned long data),
		  unsigned long data)
{
	t->next = NULL;
	t->state = 0;
	atomic_set(&t->count, 0);
	t->func = func;
	t->data = data;
}

void tasklet_schedule(struct tasklet_struct *t)
{
	int cpu = shim_me()->cpu;

	if (test_and_set_bit(TASKLET_STATE_SCHED, &t->state))
		return;
	tasklet_add(t, cpu);
	if (!in_interrupt())
		softirq_kick(cpu);
}

void tasklet_kill(struct tasklet_struct *t)
{
	might_sleep();
	while (test_and_set_bit(TASKLET_STATE_SCHED, &t->state))
		usleep(50);
	while (test_bit(TASKLET_STATE_RUN, &t->state))
		usleep(50);
	clear_bit(TASKLET_STATE_SCHED, &t->state);
}

void tasklet_disable(struct tasklet_struct *t)
{
	atomic_inc(&t->count);
	while (test_bit(TASKLET_STATE_RUN, &t->state))
		usleep(50);
}

void tasklet_enable(struct tasklet_struct *t)
{
	atomic_dec(&t->count);
}

/* tasks */

static void deadline(struct timespec *ts, long left)
{
	clock_gettime(CLOCK_REALTIME, ts);
	ts->tv_sec += left / HZ;
	ts->tv_nsec += left % HZ * (1000000000L / HZ);
	if (ts->tv_nsec >= 1000000000L) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000L;
	}
}

#define BLOCKED		0x100	/* in a task's state: waits in schedule() */

long schedule_timeout(long timeout)
{
	struct task_struct *t = current;
	unsigned long end = jiffies + timeout;
	struct timespec ts;
	long left = timeout;

	might_sleep();
	pthread_mutex_lock(&t->mutex);
	while (__atomic_load_n(&t->state, __ATOMIC_SEQ_CST) != TASK_RUNNING) {
		__atomic_fetch_or(&t->state, BLOCKED, __ATOMIC_SEQ_CST);
		if (timeout == MAX_SCHEDULE_TIMEOUT) {
			pthread_cond_wait(&t->cond, &t->mutex);
			continue;
		}
		left = end - jiffies;
		if (left <= 0)
			break;
		/* time may be advanced: look now and then */
		deadline(&ts, min(left, (long)HZ / 50));
		pthread_cond_timedwait(&t->cond, &t->mutex, &ts);
	}
	__atomic_store_n(&t->state, TASK_RUNNING, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&t->mutex);
	if (timeout == MAX_SCHEDULE_TIMEOUT)
		return timeout;
	left = end - jiffies;
	return left > 0 ? left : 0;
}

void schedule(void)
{
	if (__atomic_load_n(&current->state, __ATOMIC_SEQ_CST) == TASK_RUNNING)
		sched_yield();
	schedule_timeout(MAX_SCHEDULE_TIMEOUT);
}

long schedule_timeout_interruptible(long timeout)
{
	set_current_state(TASK_INTERRUPTIBLE);
	return schedule_timeout(timeout);
}

long schedule_timeout_uninterruptible(long timeout)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	return schedule_timeout(timeout);
}

int wake_up_process(struct task_struct *t)
{
	int slept;

	pthread_mutex_lock(&t->mutex);
	slept = __atomic_exchange_n(&t->state, TASK_RUNNING,
				    __ATOMIC_SEQ_CST) != TASK_RUNNING;
	if (slept)
		pthread_cond_signal(&t->cond);
	pthread_mutex_unlock(&t->mutex);
	return slept;
}

void msleep(unsigned int ms)
{
	might_sleep();
	usleep(ms * 1000);
}

void udelay(unsigned long us)
{
	unsigned long long end = sched_clock() + us * 1000;

	while (sched_clock() < end)
		;
}

static void *kthread(void *data)
{
	struct task_struct *t = data;

	context_new(t);
	schedule();
	if (t->cpu >= 0)
		me->cpu = t->cpu % shim_cpus;
	if (!kthread_should_stop())
		t->result = t->fn(t->data);
	else
		t->result = -EINTR;
	if (!shim_may_sleep())
		shim_failed(__FILE__, __LINE__, "%s ends in atomic context",
			    t->comm);
	return NULL;
}

struct task_struct *kthread_create(int (*fn)(void *data), void *data,
				   const char *fmt, ...)
{
	struct task_struct *t;
	char name[sizeof(t->comm)];
	va_list ap;

	might_sleep();
	if (fails())
		return ERR_PTR(-ENOMEM);
	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	t = task_new(name);
	t->fn = fn;
	t->data = data;
	t->state = TASK_INTERRUPTIBLE;
	__atomic_add_fetch(&shim_live_kthreads, 1, __ATOMIC_SEQ_CST);
	if (pthread_create(&t->thread, NULL, kthread, t))
		abort();
	return t;
}

void kthread_bind(struct task_struct *t, unsigned int cpu)
{
	BUG_ON(cpu >= (unsigned int)shim_cpus);
	t->cpu = cpu;
}

int kthread_stop(struct task_struct *t)
{
	int result;

	might_sleep();
	__atomic_store_n(&t->should_stop, 1, __ATOMIC_SEQ_CST);
	wake_up_process(t);
	pthread_join(t->thread, NULL);
	result = t->result;
	free(t);
	__atomic_sub_fetch(&shim_live_kthreads, 1, __ATOMIC_SEQ_CST);
	return result;
}

int kthread_should_stop(void)
{
	return __atomic_load_n(&current->should_stop, __ATOMIC_SEQ_CST);
}

static void *shim_thread_main(void *data)
{
	struct shim_thread *t = data;

	shim_set_cpu(t->cpu);
	__atomic_store_n(&t->task, current, __ATOMIC_SEQ_CST);
	t->result = t->fn(t->data);
	CHECK(shim_may_sleep());
	__atomic_store_n(&t->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

void shim_thread_start(struct shim_thread *t, int cpu, int (*fn)(void *data),
		       void *data)
{
	t->fn = fn;
	t->data = data;
	t->cpu = cpu;
	t->task = NULL;
	t->done = 0;
	if (pthread_create(&t->thread, NULL, shim_thread_main, t))
		abort();
}

int shim_thread_join(struct shim_thread *t)
{
	pthread_join(t->thread, NULL);
	return t->result;
}

int shim_thread_blocked(struct shim_thread *t)
{
	struct task_struct *task = __atomic_load_n(&t->task, __ATOMIC_SEQ_CST);

	return task && !__atomic_load_n(&t->done, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&task->state, __ATOMIC_SEQ_CST) & BLOCKED;
}

/* wait queues and completions */

#define WAIT_AUTOREMOVE	2

void init_waitqueue_head(wait_queue_head_t *q)
{
	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->task_list);
}

int waitqueue_active(wait_queue_head_t *q)
{
	return !list_empty(&q->task_list);
}

void add_wait_queue(wait_queue_head_t *q, wait_queue_t *w)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	list_add(&w->task_list, &q->task_list);
	spin_unlock_irqrestore(&q->lock, flags);
}

void remove_wait_queue(wait_queue_head_t *q, wait_queue_t *w)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	list_del_init(&w->task_list);
	spin_unlock_irqrestore(&q->lock, flags);
}

static void wait_prepare(wait_queue_head_t *q, wait_queue_t *w, int state,
			 unsigned int wflags)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	w->flags = wflags | WAIT_AUTOREMOVE;
	if (list_empty(&w->task_list)) {
		if (wflags & WQ_FLAG_EXCLUSIVE)
			list_add_tail(&w->task_list, &q->task_list);
		else
			list_add(&w->task_list, &q->task_list);
	}
	set_current_state(state);
	spin_unlock_irqrestore(&q->lock, flags);
}

void prepare_to_wait(wait_queue_head_t *q, wait_queue_t *w, int state)
{
	wait_prepare(q, w, state, 0);
}

void prepare_to_wait_exclusive(wait_queue_head_t *q, wait_queue_t *w, int state)
{
	wait_prepare(q, w, state, WQ_FLAG_EXCLUSIVE);
}

void finish_wait(wait_queue_head_t *q, wait_queue_t *w)
{
	set_current_state(TASK_RUNNING);
	remove_wait_queue(q, w);
}

static void wake_locked(wait_queue_head_t *q, int nr)
{
	wait_queue_t *w, *next;

	list_for_each_entry_safe(w, next, &q->task_list, task_list) {
		unsigned int wflags = w->flags;

		if (!wake_up_process(w->private))
			continue;
		if (wflags & WAIT_AUTOREMOVE)
			list_del_init(&w->task_list);
		if (wflags & WQ_FLAG_EXCLUSIVE && !--nr)
			break;
	}
}

void shim_wake_up(wait_queue_head_t *q, int nr)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	wake_locked(q, nr);
	spin_unlock_irqrestore(&q->lock, flags);
}

void init_completion(struct completion *c)
{
	c->done = 0;
	init_waitqueue_head(&c->wait);
}

static void completion_add(struct completion *c, unsigned int n)
{
	unsigned long flags;

	spin_lock_irqsave(&c->wait.lock, flags);
	c->done += n;
	wake_locked(&c->wait, n == 1 ? 1 : 0);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

void complete(struct completion *c)
{
	completion_add(c, 1);
}

void complete_all(struct completion *c)
{
	completion_add(c, UINT_MAX / 2);
}

unsigned long wait_for_completion_timeout(struct completion *c,
					  unsigned long timeout)
{
	long left = timeout;
	DEFINE_WAIT(w);

	might_sleep();
	w.flags = WQ_FLAG_EXCLUSIVE;
	spin_lock_irq(&c->wait.lock);
	if (!c->done) {
		list_add_tail(&w.task_list, &c->wait.task_list);
		do {
			set_current_state(TASK_UNINTERRUPTIBLE);
			spin_unlock_irq(&c->wait.lock);
			left = schedule_timeout(left);
			spin_lock_irq(&c->wait.lock);
		} while (!c->done && left);
		list_del(&w.task_list);
	}
	if (c->done) {
		c->done--;
		left = left ? left : 1;
	} else {
		left = 0;
	}
	spin_unlock_irq(&c->wait.lock);
	return left;
}

void wait_for_completion(struct completion *c)
{
	wait_for_completion_timeout(c, MAX_SCHEDULE_TIMEOUT);
}

/*
 * RCU: a reader notes the grace period that it began in; a writer begins the
 * next one and waits for the readers of those before.
 */

static unsigned long grace_period = 1;
static pthread_mutex_t rcu_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rcu_cond = PTHREAD_COND_INITIALIZER;
static struct rcu_head *rcu_list, **rcu_tail = &rcu_list;
static int rcu_pending, rcu_started;
static long grace_waits;
static unsigned int rcu_delay;

void shim_rcu_delay_us(unsigned int us)
{
	__atomic_store_n(&rcu_delay, us, __ATOMIC_SEQ_CST);
}

void rcu_read_lock(void)
{
	struct shim_context *c = shim_me();

	if (!c->rcu++)
		__atomic_exchange_n(&c->rcu_seen,
				    __atomic_load_n(&grace_period,
						    __ATOMIC_SEQ_CST),
				    __ATOMIC_SEQ_CST);
	chaos();
}

void rcu_read_unlock(void)
{
	struct shim_context *c = shim_me();

	if (c->rcu <= 0)
		shim_failed(__FILE__, __LINE__, "rcu_read_unlock() too often");
	if (!--c->rcu) {
		__atomic_exchange_n(&c->rcu_seen, 0, __ATOMIC_SEQ_CST);
		chaos();
	}
}

static void grace(void)
{
	struct shim_context *c;
	unsigned long gp;
	int busy;

	if (rcu_delay)
		usleep(__atomic_load_n(&rcu_delay, __ATOMIC_SEQ_CST));
	gp = __atomic_add_fetch(&grace_period, 1, __ATOMIC_SEQ_CST);
	do {
		busy = 0;
		pthread_mutex_lock(&threads_mutex);
		for (c = threads; c; c = c->next) {
			unsigned long seen = __atomic_load_n(&c->rcu_seen,
							     __ATOMIC_SEQ_CST);

			if (seen && seen < gp)
				busy = 1;
		}
		pthread_mutex_unlock(&threads_mutex);
		if (busy)
			usleep(50);
	} while (busy);
}

long shim_grace_waits(void)
{
	return __atomic_load_n(&grace_waits, __ATOMIC_SEQ_CST);
}

void synchronize_rcu(void)
{
	might_sleep();
	__atomic_add_fetch(&grace_waits, 1, __ATOMIC_SEQ_CST);
	grace();
}

static void *rcu_thread(void *unused)
{
	struct rcu_head *list, *next;

	shim_me();
	pthread_mutex_lock(&rcu_mutex);
	for (;;) {
		while (!rcu_list)
			pthread_cond_wait(&rcu_cond, &rcu_mutex);
		list = rcu_list;
		rcu_list = NULL;
		rcu_tail = &rcu_list;
		pthread_mutex_unlock(&rcu_mutex);
		grace();
		for (; list; list = next) {
			next = list->next;
			shim_bh_enter();
			list->func(list);
			shim_bh_exit();
			pthread_mutex_lock(&rcu_mutex);
			rcu_pending--;
			pthread_cond_broadcast(&rcu_cond);
			pthread_mutex_unlock(&rcu_mutex);
		}
		pthread_mutex_lock(&rcu_mutex);
	}
	return NULL;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	pthread_mutex_lock(&rcu_mutex);
	if (!rcu_started++)
		thread_start(rcu_thread, NULL);
	head->func = func;
	head->next = NULL;
	*rcu_tail = head;
	rcu_tail = &head->next;
	rcu_pending++;
	pthread_cond_broadcast(&rcu_cond);
	pthread_mutex_unlock(&rcu_mutex);
}

void shim_rcu_done(void)
{
	pthread_mutex_lock(&rcu_mutex);
	while (rcu_pending)
		pthread_cond_wait(&rcu_cond, &rcu_mutex);
	pthread_mutex_unlock(&rcu_mutex);
}

void rcu_barrier(void)
{
	might_sleep();
	__atomic_add_fetch(&grace_waits, 1, __ATOMIC_SEQ_CST);
	shim_rcu_done();
}

/* work queues: a thread for each CPU, as in 2.6.20 */

struct cpu_queue {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct list_head list;
	unsigned long added, done;
	pthread_t thread;
	int stop, cpu, single;
	struct shim_context *context;
};

struct workqueue_struct {
	int nr;
	struct cpu_queue cpu[NR_CPUS];
};

static long works_done;
static struct workqueue_struct *keventd;
static pthread_mutex_t keventd_mutex = PTHREAD_MUTEX_INITIALIZER;

long shim_works_done(void)
{
	return __atomic_load_n(&works_done, __ATOMIC_SEQ_CST);
}

static void *work_thread(void *data)
{
	struct cpu_queue *q = data;

	shim_me()->cpu = q->cpu;
	if (!q->single)
		current->cpu = q->cpu;
	pthread_mutex_lock(&q->mutex);
	q->context = shim_me();
	for (;;) {
		struct work_struct *w;
		work_func_t fn;

		while (!q->stop && list_empty(&q->list))
			pthread_cond_wait(&q->cond, &q->mutex);
		if (list_empty(&q->list))
			break;
		w = list_entry(q->list.next, struct work_struct, entry);
		fn = w->func;
		list_del_init(&w->entry);
		pthread_mutex_unlock(&q->mutex);
		__atomic_store_n(&w->data.counter, 0, __ATOMIC_SEQ_CST);
		fn(w);
		__atomic_add_fetch(&works_done, 1, __ATOMIC_SEQ_CST);
		if (!shim_may_sleep())
			shim_failed(__FILE__, __LINE__,
				    "a work ends in atomic context");
		pthread_mutex_lock(&q->mutex);
		q->done++;
		pthread_cond_broadcast(&q->cond);
	}
	pthread_mutex_unlock(&q->mutex);
	return NULL;
}

static struct workqueue_struct *workqueue_new(int single)
{
	struct workqueue_struct *wq = calloc(1, sizeof(*wq));
	int i;

	if (!wq)
		abort();
	wq->nr = single ? 1 : shim_cpus;
	for (i = 0; i < wq->nr; i++) {
		struct cpu_queue *q = &wq->cpu[i];

		pthread_mutex_init(&q->mutex, NULL);
		pthread_cond_init(&q->cond, NULL);
		INIT_LIST_HEAD(&q->list);
		q->cpu = i;
		q->single = single;
		if (pthread_create(&q->thread, NULL, work_thread, q))
			abort();
	}
	return wq;
}

struct workqueue_struct *shim_create_workqueue(const char *name, int single)
{
	might_sleep();
	CHECK(strlen(name) <= 10);	/* a BUG up to 2.6.17 or so */
	if (fails())
		return NULL;
	__atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
	return workqueue_new(single);
}

static struct workqueue_struct *events(void)
{
	pthread_mutex_lock(&keventd_mutex);
	if (!keventd)
		keventd = workqueue_new(0);
	pthread_mutex_unlock(&keventd_mutex);
	return keventd;
}

static void work_add(struct workqueue_struct *wq, struct work_struct *w)
{
	struct cpu_queue *q = &wq->cpu[shim_me()->cpu % wq->nr];

	pthread_mutex_lock(&q->mutex);
	list_add_tail(&w->entry, &q->list);
	q->added++;
	pthread_cond_broadcast(&q->cond);
	pthread_mutex_unlock(&q->mutex);
}

static int work_set_pending(struct work_struct *w)
{
	return !__atomic_exchange_n(&w->data.counter, 1, __ATOMIC_SEQ_CST);
}

int queue_work(struct workqueue_struct *wq, struct work_struct *w)
{
	if (!work_set_pending(w))
		return 0;
	work_add(wq, w);
	return 1;
}

void flush_workqueue(struct workqueue_struct *wq)
{
	int i;

	might_sleep();
	for (i = 0; i < wq->nr; i++) {
		struct cpu_queue *q = &wq->cpu[i];
		unsigned long added;

		pthread_mutex_lock(&q->mutex);
		if (q->context == shim_me()) {
			shim_failed(__FILE__, __LINE__,
				    "a work flushes its own queue");
		} else {
			added = q->added;
			while ((long)(added - q->done) > 0)
				pthread_cond_wait(&q->cond, &q->mutex);
		}
		pthread_mutex_unlock(&q->mutex);
	}
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	int i;

	flush_workqueue(wq);
	for (i = 0; i < wq->nr; i++) {
		struct cpu_queue *q = &wq->cpu[i];

		pthread_mutex_lock(&q->mutex);
		q->stop = 1;
		pthread_cond_broadcast(&q->cond);
		pthread_mutex_unlock(&q->mutex);
		pthread_join(q->thread, NULL);
	}
	free(wq);
	__atomic_sub_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
}

static void delayed_work_timer(unsigned long data)
{
	struct delayed_work *w = (struct delayed_work *)data;

	work_add(w->wq, &w->work);
}

int queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *w,
		       unsigned long delay)
{
	if (!delay)
		return queue_work(wq, &w->work);
	if (!work_set_pending(&w->work))
		return 0;
	w->wq = wq;
	w->timer.function = delayed_work_timer;
	w->timer.data = (unsigned long)w;
	w->timer.expires = jiffies + delay;
	add_timer(&w->timer);
	return 1;
}

int schedule_work(struct work_struct *w)
{
	return queue_work(events(), w);
}

int schedule_delayed_work(struct delayed_work *w, unsigned long delay)
{
	return queue_delayed_work(events(), w, delay);
}

void flush_scheduled_work(void)
{
	flush_workqueue(events());
}

int cancel_delayed_work(struct delayed_work *w)
{
	int was = del_timer_sync(&w->timer);

	if (was)
		__atomic_store_n(&w->work.data.counter, 0, __ATOMIC_SEQ_CST);
	return was;
}

/* In 2.6.20 this never ends for work that does not arm itself again. */
void cancel_rearming_delayed_workqueue(struct workqueue_struct *wq,
				       struct delayed_work *w)
{
	int tries = 0;

	while (!cancel_delayed_work(w)) {
		flush_workqueue(wq);
		if (++tries > 200) {
			shim_failed(__FILE__, __LINE__,
				    "cancel of delayed work that does not rearm");
			break;
		}
		if (tries > 10)
			usleep(10000);
	}
}

void cancel_rearming_delayed_work(struct delayed_work *w)
{
	cancel_rearming_delayed_workqueue(events(), w);
}

/* modules */

static struct module *modules[MAX_MODULES];
static struct {
	const char *name;
	void *var;
	int (*fn)(char *arg);
} params[MAX_PARAMS];
static pthread_mutex_t modules_mutex = PTHREAD_MUTEX_INITIALIZER;

void shim_module_known(struct module *m)
{
	int i;

	for (i = 0; modules[i]; i++)
		BUG_ON(modules[i] == m);	/* two module_init in it */
	modules[i] = m;
}

void shim_param_known(const char *name, void *var, size_t size)
{
	int i;

	for (i = 0; params[i].name; i++)
		;
	params[i].name = name;
	params[i].var = var;
}

void shim_setup_known(const char *str, int (*fn)(char *))
{
	int i;

	for (i = 0; params[i].name; i++)
		;
	params[i].name = str;
	params[i].fn = fn;
}

void *shim_param(const char *name)
{
	int i;

	for (i = 0; params[i].name; i++)
		if (!params[i].fn && !strcmp(params[i].name, name))
			return params[i].var;
	return NULL;
}

int shim_setup(const char *str, char *arg)
{
	int i;

	for (i = 0; params[i].name; i++)
		if (params[i].fn && !strcmp(params[i].name, str))
			return params[i].fn(arg);
	return -ENOENT;
}

struct module *shim_module_find(const char *name)
{
	int i;

	for (i = 0; modules[i]; i++)
		if (!strcmp(modules[i]->name, name))
			return modules[i];
	fprintf(stderr, "no module %s\n", name);
	abort();
}

int shim_module_load(const char *name)
{
	struct module *m = shim_module_find(name);
	int err;

	BUG_ON(m->loaded);
	m->going = 0;
	m->refs = 0;
	err = m->init();
	if (!err)
		m->loaded = 1;
	return err;
}

int shim_module_unload(const char *name)
{
	struct module *m = shim_module_find(name);

	pthread_mutex_lock(&modules_mutex);
	if (m->refs) {
		pthread_mutex_unlock(&modules_mutex);
		return -EBUSY;
	}
	m->going = 1;
	pthread_mutex_unlock(&modules_mutex);
	m->exit();
	m->loaded = 0;
	return 0;
}

int try_module_get(struct module *m)
{
	int ok;

	if (!m)
		return 1;
	pthread_mutex_lock(&modules_mutex);
	ok = !m->going;
	m->refs += ok;
	pthread_mutex_unlock(&modules_mutex);
	return ok;
}

void __module_get(struct module *m)
{
	CHECK(try_module_get(m));
}

void module_put(struct module *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&modules_mutex);
	CHECK(m->refs > 0);
	m->refs--;
	pthread_mutex_unlock(&modules_mutex);
}

/*
 * ThreadSanitizer: what is read or written as volatile is meant to be seen by
 * several threads at once, and no race.
 */
#ifdef TSAN
#define VOLATILE(n) \
	void __tsan_volatile_read##n(void *p); \
	void __tsan_volatile_write##n(void *p); \
	void __tsan_volatile_read##n(void *p) { } \
	void __tsan_volatile_write##n(void *p) { }
VOLATILE(1)
VOLATILE(2)
VOLATILE(4)
VOLATILE(8)
VOLATILE(16)
#endif

/* begin and end of a test */

static long live_before;

void shim_begin(int cpus)
{
	BUG_ON(cpus > NR_CPUS);
	if (keventd && keventd->nr != cpus) {
		struct workqueue_struct *wq = keventd;

		keventd = NULL;
		__atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
		destroy_workqueue(wq);
	}
	shim_cpus = cpus;
	shim_offline_cpus = 0;
	memset(shim_me(), 0, offsetof(struct shim_context, next));
	shim_fail(0);
	shim_watch_free(NULL, 0);
	shim_rcu_delay_us(0);
	shim_chaos(0, 1, 0);
	shim_log_clear();
	failures = 0;
	live_before = shim_live_allocations();
}

int shim_end(void)
{
	shim_fail(0);
	shim_chaos(0, 1, 0);
	CHECK(shim_may_sleep());
	CHECK_EQ(shim_mutexes_held(), 0);
	shim_softirqs_done();
	shim_rcu_done();
	if (keventd)
		flush_scheduled_work();
	CHECK_EQ(shim_live_allocations(), live_before);
	CHECK_EQ(shim_live_kthreads, 0);
	CHECK(!notifiers);
	pthread_mutex_lock(&timer_mutex);
	if (!list_empty(&timers))
		shim_failed(__FILE__, __LINE__, "a timer is left");
	pthread_mutex_unlock(&timer_mutex);
	return shim_failures();
}
