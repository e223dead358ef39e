/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel of the unit tests: as much of 2.6.20 as the core uses, in user
 * space.  Every <linux/...> and <asm/...> header that the core names is this
 * file.
 *
 * It is strict where the kernel is: sleeping is refused where the kernel may
 * not sleep, a lock that is taken in an interrupt must always be taken with
 * interrupts off, freed memory is really freed, a grace period ends no sooner
 * than its readers.  What is broken is counted (shim_failed()) and fails the
 * test that runs.  Contexts (CPU, hard interrupt) belong to a thread and are
 * set by the test: see shim.h.
 */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <ctype.h>

/* version.h, config.h */

#define KERNEL_VERSION(a, b, c)	(((a) << 16) + ((b) << 8) + (c))
#define LINUX_VERSION_CODE	KERNEL_VERSION(2, 6, 20)
#define CONFIG_SMP		1
#define CONFIG_X86		1
#define CONFIG_X86_64		1
#define CONFIG_HZ		250
#define HZ			CONFIG_HZ
#define NR_CPUS			64
#define BITS_PER_LONG		64

/* types.h, compiler.h, kernel.h */

typedef uint8_t u8, __u8;
typedef uint16_t u16, __u16, __le16, __be16;
typedef uint32_t u32, __u32, __le32, __be32;
typedef unsigned long long u64, __u64, __le64, __be64;
typedef int8_t s8, __s8;
typedef int16_t s16, __s16;
typedef int32_t s32, __s32;
typedef long long s64, __s64;
typedef unsigned int gfp_t;
typedef u64 dma_addr_t;
typedef _Bool bool;
#define true	1
#define false	0

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define barrier()	__asm__ __volatile__("" : : : "memory")
#define __user
#define __kernel
#define __iomem
#define __rcu
#define __force
#define __bitwise
#define __must_check
#define __read_mostly
#define __deprecated
#define __acquires(x)
#define __releases(x)
#define __init
#define __exit
#define __initdata
#define __exitdata
#define __devinit
#define __devexit
#define __cpuinit
#define noinline	__attribute__((noinline))
#define __maybe_unused	__attribute__((unused))
#define fastcall
#define FASTCALL(x)	x
#define asmlinkage
#define ____cacheline_aligned		__attribute__((aligned(64)))
#define ____cacheline_aligned_in_smp	__attribute__((aligned(64)))
#define __cacheline_aligned_in_smp	__attribute__((aligned(64)))
#define L1_CACHE_BYTES	64
#define SMP_CACHE_BYTES	64

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a)	(((x) + (a) - 1) & ~((typeof(x))(a) - 1))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define BUILD_BUG_ON(c)	((void)sizeof(char[1 - 2 * !!(c)]))

#define min(x, y) ({ typeof(x) _x = (x); typeof(y) _y = (y); \
		     (void)(&_x == &_y); _x < _y ? _x : _y; })
#define max(x, y) ({ typeof(x) _x = (x); typeof(y) _y = (y); \
		     (void)(&_x == &_y); _x > _y ? _x : _y; })
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)
#define min_t(t, x, y) ({ t _x = (x); t _y = (y); _x < _y ? _x : _y; })
#define max_t(t, x, y) ({ t _x = (x); t _y = (y); _x > _y ? _x : _y; })
#define roundup(x, y)	((((x) + ((y) - 1)) / (y)) * (y))

int shim_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void shim_bug(const char *file, int line, const char *what)
	__attribute__((noreturn));
#define WARN_ON(c) ({ int _w = !!(c); \
	if (_w) \
		shim_failed(__FILE__, __LINE__, "WARN_ON(%s)", #c); \
	unlikely(_w); })
#define WARN_ON_ONCE(c)	WARN_ON(c)
#define BUG_ON(c) do { if (c) shim_bug(__FILE__, __LINE__, #c); } while (0)
#define BUG()	shim_bug(__FILE__, __LINE__, "BUG")
void dump_stack(void);

#define KERN_EMERG	"<0>"
#define KERN_ALERT	"<1>"
#define KERN_CRIT	"<2>"
#define KERN_ERR	"<3>"
#define KERN_WARNING	"<4>"
#define KERN_NOTICE	"<5>"
#define KERN_INFO	"<6>"
#define KERN_DEBUG	"<7>"
int printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int printk_ratelimit(void);
unsigned long simple_strtoul(const char *s, char **end, unsigned int base);
long simple_strtol(const char *s, char **end, unsigned int base);
int scnprintf(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define MAX_ERRNO	4095
#define IS_ERR_VALUE(x)	((x) >= (unsigned long)-MAX_ERRNO)
static inline void *ERR_PTR(long error) { return (void *)error; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline int IS_ERR(const void *p)
{
	return IS_ERR_VALUE((unsigned long)p);
}

/* module.h, moduleparam.h, init.h */

struct module {
	const char *name;
	int refs;
	int going;
	int (*init)(void);
	void (*exit)(void);
	int loaded;
};

#define SHIM_CAT2(a, b)	a ## b
#define SHIM_CAT(a, b)	SHIM_CAT2(a, b)
#define SHIM_STR2(a)	#a
#define SHIM_STR(a)	SHIM_STR2(a)
#ifdef SHIM_MODULE
#define SHIM_THIS	SHIM_CAT(shim_module_, SHIM_MODULE)
struct module SHIM_THIS __attribute__((weak)) = {
	.name = SHIM_STR(SHIM_MODULE),
};
#define THIS_MODULE	(&SHIM_THIS)
#define KBUILD_MODNAME	SHIM_STR(SHIM_MODULE)
#define module_init(fn) \
	static void __attribute__((constructor)) shim_init_##fn(void) \
	{ SHIM_THIS.init = fn; shim_module_known(&SHIM_THIS); }
#define module_exit(fn) \
	static void __attribute__((constructor)) shim_exit_##fn(void) \
	{ SHIM_THIS.exit = fn; }
#define module_param_named(pname, var, type, perm) \
	static void __attribute__((constructor)) shim_param_##pname(void) \
	{ shim_param_known(#pname, &(var), sizeof(var)); }
#define module_param(name, type, perm) \
	module_param_named(name, name, type, perm)
#define module_param_call(pname, set, get, var, perm) \
	static void __attribute__((constructor)) shim_param_##pname(void) \
	{ (void)(set); (void)(get); \
	  shim_param_known(#pname, var, sizeof(*(var))); }
#define subsys_initcall(fn)	module_init(fn)
#define fs_initcall(fn)		module_init(fn)
#define device_initcall(fn)	module_init(fn)
#define late_initcall(fn)	module_init(fn)
#endif
#define __setup(str, fn) \
	static void __attribute__((constructor)) shim_setup_##fn(void) \
	{ shim_setup_known(str, fn); }
#define EXPORT_SYMBOL(x)	extern int shim_exported
#define EXPORT_SYMBOL_GPL(x)	extern int shim_exported
#define MODULE_LICENSE(x)	extern int shim_exported
#define MODULE_AUTHOR(x)	extern int shim_exported
#define MODULE_DESCRIPTION(x)	extern int shim_exported
#define MODULE_VERSION(x)	extern int shim_exported
#define MODULE_ALIAS(x)		extern int shim_exported
#define MODULE_PARM_DESC(n, x)	extern int shim_exported
void shim_module_known(struct module *m);
void shim_param_known(const char *name, void *var, size_t size);
void shim_setup_known(const char *str, int (*fn)(char *));
int try_module_get(struct module *m);
void module_put(struct module *m);
void __module_get(struct module *m);
#define module_name(m)	((m) ? (m)->name : "kernel")
#define request_module(...)	(-ENOSYS)

/* atomic.h, system.h: relaxed reads and writes, full barriers else */

typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t, local_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }
#define LOCAL_INIT(i)		{ (i) }

#define shim_read(v)	__atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define shim_set(v, i)	__atomic_store_n(&(v)->counter, i, __ATOMIC_RELAXED)
#define shim_add(i, v)	__atomic_add_fetch(&(v)->counter, i, __ATOMIC_SEQ_CST)
#define shim_sub(i, v)	__atomic_sub_fetch(&(v)->counter, i, __ATOMIC_SEQ_CST)

#define atomic_read(v)		shim_read(v)
#define atomic_set(v, i)	shim_set(v, i)
#define atomic_add(i, v)	((void)shim_add(i, v))
#define atomic_sub(i, v)	((void)shim_sub(i, v))
#define atomic_inc(v)		((void)shim_add(1, v))
#define atomic_dec(v)		((void)shim_sub(1, v))
#define atomic_add_return(i, v)	shim_add(i, v)
#define atomic_sub_return(i, v)	shim_sub(i, v)
#define atomic_inc_return(v)	shim_add(1, v)
#define atomic_dec_return(v)	shim_sub(1, v)
#define atomic_dec_and_test(v)	(shim_sub(1, v) == 0)
#define atomic_inc_and_test(v)	(shim_add(1, v) == 0)
#define atomic_sub_and_test(i, v)	(shim_sub(i, v) == 0)
#define atomic_add_negative(i, v)	(shim_add(i, v) < 0)
#define atomic_xchg(v, n)	xchg(&(v)->counter, n)
#define atomic_cmpxchg(v, o, n)	cmpxchg(&(v)->counter, o, n)
static inline int atomic_add_unless(atomic_t *v, int a, int u)
{
	int c = atomic_read(v);

	while (c != u && !__atomic_compare_exchange_n(&v->counter, &c, c + a, 0,
				__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	return c != u;
}
#define atomic_inc_not_zero(v)	atomic_add_unless(v, 1, 0)

#define atomic_long_read(v)	shim_read(v)
#define atomic_long_set(v, i)	shim_set(v, i)
#define atomic_long_add(i, v)	((void)shim_add(i, v))
#define atomic_long_sub(i, v)	((void)shim_sub(i, v))
#define atomic_long_inc(v)	((void)shim_add(1, v))
#define atomic_long_dec(v)	((void)shim_sub(1, v))

/* of one CPU; a thread that shares it comes as an interrupt would */
#define local_read(v)	shim_read(v)
#define local_set(v, i)	shim_set(v, i)
#define local_add(i, v)	((void)__atomic_add_fetch(&(v)->counter, i, \
						  __ATOMIC_RELAXED))
#define local_sub(i, v)	local_add(-(i), v)
#define local_inc(v)	local_add(1, v)
#define local_dec(v)	local_add(-1, v)
#define __local_inc(v)	local_inc(v)
#define __local_add(i, v)	local_add(i, v)

#define xchg(p, n)	__atomic_exchange_n(p, n, __ATOMIC_SEQ_CST)
#define cmpxchg(p, o, n) ({ \
	typeof(*(p)) _o = (o); \
	__atomic_compare_exchange_n(p, &_o, n, 0, __ATOMIC_SEQ_CST, \
				    __ATOMIC_SEQ_CST); \
	_o; })

/*
 * ThreadSanitizer knows no fences: a read-modify-write of one word that all
 * share orders as much.
 */
extern int shim_fence;
#define smp_mb()	((void)__atomic_fetch_add(&shim_fence, 0, \
						  __ATOMIC_SEQ_CST))
#define smp_wmb()	smp_mb()
#define smp_rmb()	smp_mb()
#define smp_read_barrier_depends()	barrier()
#define mb()		smp_mb()
#define wmb()		smp_mb()
#define rmb()		smp_mb()
#define smp_mb__before_atomic_dec()	barrier()
#define smp_mb__after_atomic_dec()	barrier()
#define smp_mb__before_atomic_inc()	barrier()
#define smp_mb__after_atomic_inc()	barrier()
#define smp_mb__before_clear_bit()	barrier()
#define smp_mb__after_clear_bit()	barrier()
#define set_mb(var, value)	((void)xchg(&(var), value))
void cpu_relax(void);
#define read_cr0()	0UL
#define clts()		do { } while (0)
#define stts()		do { } while (0)

/* bitops.h */

#define BITS_TO_LONGS(b)	DIV_ROUND_UP(b, BITS_PER_LONG)
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]
#define BIT_WORD(nr, p)	((unsigned long *)(p) + (nr) / BITS_PER_LONG)
#define BIT_MASK(nr)	(1UL << ((nr) % BITS_PER_LONG))
#define set_bit(nr, p) \
	((void)__atomic_fetch_or(BIT_WORD(nr, p), BIT_MASK(nr), \
				 __ATOMIC_SEQ_CST))
#define clear_bit(nr, p) \
	((void)__atomic_fetch_and(BIT_WORD(nr, p), ~BIT_MASK(nr), \
				  __ATOMIC_SEQ_CST))
#define test_and_set_bit(nr, p) \
	(!!(__atomic_fetch_or(BIT_WORD(nr, p), BIT_MASK(nr), \
			      __ATOMIC_SEQ_CST) & BIT_MASK(nr)))
#define test_and_clear_bit(nr, p) \
	(!!(__atomic_fetch_and(BIT_WORD(nr, p), ~BIT_MASK(nr), \
			       __ATOMIC_SEQ_CST) & BIT_MASK(nr)))
#define test_bit(nr, p) \
	(!!(__atomic_load_n(BIT_WORD(nr, p), __ATOMIC_RELAXED) & BIT_MASK(nr)))
#define __set_bit(nr, p)	((void)(*BIT_WORD(nr, p) |= BIT_MASK(nr)))
#define __clear_bit(nr, p)	((void)(*BIT_WORD(nr, p) &= ~BIT_MASK(nr)))
static inline unsigned long __ffs(unsigned long w) { return __builtin_ctzl(w); }
static inline int fls(int x) { return x ? 32 - __builtin_clz(x) : 0; }
static inline int ffs_(int x) { return __builtin_ffs(x); }
static inline unsigned int hweight32(unsigned int w)
{
	return __builtin_popcount(w);
}

/* byteorder.h */

#define cpu_to_le32(x)	((u32)(x))
#define le32_to_cpu(x)	((u32)(x))
#define cpu_to_le64(x)	((u64)(x))
#define le64_to_cpu(x)	((u64)(x))
#define cpu_to_be32(x)	__builtin_bswap32(x)
#define be32_to_cpu(x)	__builtin_bswap32(x)
#define cpu_to_be64(x)	__builtin_bswap64(x)
#define be64_to_cpu(x)	__builtin_bswap64(x)

/* unaligned.h */

#define get_unaligned(p) ({ \
	typeof(*(p)) _v; \
	memcpy(&_v, p, sizeof(_v)); \
	_v; })
#define put_unaligned(v, p) do { \
	typeof(*(p)) _v = (v); \
	memcpy(p, &_v, sizeof(_v)); \
	} while (0)

/* list.h */

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)	struct list_head name = LIST_HEAD_INIT(name)
#define LIST_POISON1	((struct list_head *)0x00100100)
#define LIST_POISON2	((struct list_head *)0x00200200)

static inline void INIT_LIST_HEAD(struct list_head *h)
{
	h->next = h->prev = h;
}

static inline void shim_list_link(struct list_head *new, struct list_head *prev,
				  struct list_head *next)
{
	BUG_ON(prev->next != next);
	BUG_ON(next->prev != prev);
	new->next = next;
	new->prev = prev;
	next->prev = new;
	/* a reader under RCU that finds it finds it whole */
	__atomic_store_n(&prev->next, new, __ATOMIC_RELEASE);
}

static inline void __list_del(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	__atomic_store_n(&prev->next, next, __ATOMIC_RELEASE);
}

static inline void shim_list_unlink(struct list_head *e)
{
	BUG_ON(e->prev->next != e);
	BUG_ON(e->next->prev != e);
	__list_del(e->prev, e->next);
}

static inline void list_add(struct list_head *new, struct list_head *head)
{
	shim_list_link(new, head, head->next);
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	shim_list_link(new, head->prev, head);
}

static inline void list_del(struct list_head *e)
{
	shim_list_unlink(e);
	e->next = LIST_POISON1;
	e->prev = LIST_POISON2;
}

static inline void list_del_init(struct list_head *e)
{
	shim_list_unlink(e);
	INIT_LIST_HEAD(e);
}

static inline void list_del_rcu(struct list_head *e)
{
	shim_list_unlink(e);
	e->prev = LIST_POISON2;
}

#define list_add_rcu(new, head)		list_add(new, head)
#define list_add_tail_rcu(new, head)	list_add_tail(new, head)

static inline void list_move(struct list_head *e, struct list_head *head)
{
	shim_list_unlink(e);
	list_add(e, head);
}

static inline void list_move_tail(struct list_head *e, struct list_head *head)
{
	shim_list_unlink(e);
	list_add_tail(e, head);
}

static inline int list_empty(const struct list_head *head)
{
	return __atomic_load_n(&head->next, __ATOMIC_RELAXED) == head;
}

static inline int list_empty_careful(const struct list_head *head)
{
	return head->next == head && head->prev == head;
}

static inline void shim_list_join(struct list_head *list,
				  struct list_head *prev,
				  struct list_head *next)
{
	list->next->prev = prev;
	list->prev->next = next;
	next->prev = list->prev;
	prev->next = list->next;
}

static inline void list_splice(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		shim_list_join(list, head, head->next);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_replace(struct list_head *old, struct list_head *new)
{
	new->next = old->next;
	new->prev = old->prev;
	new->next->prev = new;
	new->prev->next = new;
}

static inline void list_replace_init(struct list_head *old,
				     struct list_head *new)
{
	list_replace(old, new);
	INIT_LIST_HEAD(old);
}

#define list_entry(p, type, member)	container_of(p, type, member)
#define prefetch(x)	((void)(x))
#define list_for_each(p, head) \
	for (p = (head)->next; p != (head); p = p->next)
#define list_for_each_safe(p, n, head) \
	for (p = (head)->next, n = p->next; p != (head); p = n, n = p->next)
/* the head is no entry: nothing of it is looked at as if it were one */
#define shim_list_of(p, m) \
	((struct list_head *)((char *)(p) + offsetof(typeof(*(p)), m)))
#define list_for_each_entry(p, head, m) \
	for (p = list_entry((head)->next, typeof(*p), m); \
	     shim_list_of(p, m) != (head); \
	     p = list_entry(p->m.next, typeof(*p), m))
#define list_for_each_entry_reverse(p, head, m) \
	for (p = list_entry((head)->prev, typeof(*p), m); \
	     shim_list_of(p, m) != (head); \
	     p = list_entry(p->m.prev, typeof(*p), m))
#define list_for_each_entry_safe(p, n, head, m) \
	for (p = list_entry((head)->next, typeof(*p), m), \
	     n = list_entry(shim_list_of(p, m)->next, typeof(*p), m); \
	     shim_list_of(p, m) != (head); \
	     p = n, n = list_entry(shim_list_of(n, m)->next, typeof(*n), m))
#define list_for_each_entry_rcu(p, head, m) \
	for (p = list_entry(rcu_dereference((head)->next), typeof(*p), m); \
	     shim_list_of(p, m) != (head); \
	     p = list_entry(rcu_dereference(p->m.next), typeof(*p), m))

/* the context of a thread: preempt.h, hardirq.h, smp.h, irqflags.h */

struct shim_context {
	int cpu;
	int locks;		/* spinlocks held */
	int preempt;		/* preempt_disable(), kmap_atomic() */
	int bh;			/* local_bh_disable() */
	int irqs_off;
	int hardirq;
	int softirq;		/* in a soft interrupt */
	int mutexes;		/* held */
	int rcu;		/* depth of rcu_read_lock() */
	unsigned long rcu_seen;	/* grace period it began in, or 0 */
	struct shim_context *next;
	struct task_struct *task;
};
struct shim_context *shim_me(void);

#define in_irq()		(shim_me()->hardirq)
/* also where soft interrupts are merely off */
#define in_softirq()		(shim_me()->softirq || shim_me()->bh)
#define in_interrupt()		(in_irq() || in_softirq())
int shim_atomic(void);
#define in_atomic()		shim_atomic()
#define irqs_disabled()		(shim_me()->irqs_off)
#define irqs_disabled_flags(f)	(!!(f))
#define local_irq_save(f)	\
	((f) = shim_me()->irqs_off, (void)(shim_me()->irqs_off = 1))
#define local_irq_restore(f)	((void)(shim_me()->irqs_off = !!(f)))
#define local_irq_disable()	((void)(shim_me()->irqs_off = 1))
#define local_irq_enable()	((void)(shim_me()->irqs_off = 0))
#define local_bh_disable()	((void)shim_me()->bh++)
/* runs what waits for this CPU */
void shim_local_bh_enable(const char *file, int line);
#define local_bh_enable()	shim_local_bh_enable(__FILE__, __LINE__)
#define preempt_disable()	((void)shim_me()->preempt++)
#define preempt_enable()	((void)shim_me()->preempt--)
int shim_smp_processor_id(const char *file, int line);
#define smp_processor_id()	shim_smp_processor_id(__FILE__, __LINE__)
#define raw_smp_processor_id()	(shim_me()->cpu)
#define idle_cpu(cpu)		(shim_idle_cpus >> (cpu) & 1)
#define get_cpu()		(preempt_disable(), shim_me()->cpu)
#define put_cpu()		preempt_enable()
extern int shim_cpus;
/* a bit for each */
extern u64 shim_idle_cpus, shim_offline_cpus;
#define num_online_cpus() \
	((unsigned int)(shim_cpus - __builtin_popcountll(shim_offline_cpus)))
#define num_possible_cpus()	((unsigned int)shim_cpus)
#define cpu_online(c)		(cpu_possible(c) && !(shim_offline_cpus >> (c) & 1))
#define cpu_possible(c)		((c) < shim_cpus)
#define for_each_online_cpu(c) \
	for ((c) = 0; (c) < shim_cpus; (c)++) if (cpu_online(c))
#define for_each_possible_cpu(c) for ((c) = 0; (c) < shim_cpus; (c)++)

#define CPU_ONLINE		2
#define NOTIFY_OK		1
struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long event, void *v);
	struct notifier_block *next;
};
int register_hotcpu_notifier(struct notifier_block *nb);
void unregister_hotcpu_notifier(struct notifier_block *nb);

void shim_might_sleep(const char *file, int line);
#define might_sleep()		shim_might_sleep(__FILE__, __LINE__)
#define might_sleep_if(c)	do { if (c) might_sleep(); } while (0)

/* percpu.h */

void *__alloc_percpu(size_t size);
void free_percpu(void *p);
void *shim_per_cpu(void *p, int cpu);
#define alloc_percpu(type)	((type *)__alloc_percpu(sizeof(type)))
#define per_cpu_ptr(p, cpu)	((typeof(p))shim_per_cpu(p, cpu))
#define DEFINE_PER_CPU(type, name)	typeof(type) shim_per_cpu_##name[NR_CPUS]
#define DECLARE_PER_CPU(type, name) \
	extern typeof(type) shim_per_cpu_##name[NR_CPUS]
#define per_cpu(name, cpu)	(shim_per_cpu_##name[cpu])
#define __get_cpu_var(name)	per_cpu(name, smp_processor_id())
#define __raw_get_cpu_var(name)	per_cpu(name, raw_smp_processor_id())
#define get_cpu_var(name)	per_cpu(name, get_cpu())
#define put_cpu_var(name)	put_cpu()

/* spinlock.h, mutex.h */

typedef struct spinlock {
	pthread_mutex_t mutex;
	int in_irq;		/* was taken in an interrupt */
	int irqs_on;		/* was taken with interrupts on */
	int in_bh;		/* was taken in a soft interrupt */
	int bh_on;		/* was taken with those on */
} spinlock_t;

#define SPIN_LOCK_UNLOCKED \
	((spinlock_t){ PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP, 0, 0, 0, 0 })
#define __SPIN_LOCK_UNLOCKED(x) \
	{ PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP, 0, 0, 0, 0 }
#define DEFINE_SPINLOCK(x)	spinlock_t x = __SPIN_LOCK_UNLOCKED(x)
void spin_lock_init(spinlock_t *lock);
void shim_spin_lock(spinlock_t *lock, const char *file, int line);
void shim_spin_unlock(spinlock_t *lock, const char *file, int line);
int shim_spin_trylock(spinlock_t *lock);
#define spin_lock(l)	shim_spin_lock(l, __FILE__, __LINE__)
#define spin_unlock(l)	shim_spin_unlock(l, __FILE__, __LINE__)
#define spin_trylock(l)	shim_spin_trylock(l)
#define spin_lock_bh(l)	(local_bh_disable(), spin_lock(l))
#define spin_unlock_bh(l)	(spin_unlock(l), local_bh_enable())
#define spin_lock_irq(l)	(local_irq_disable(), spin_lock(l))
#define spin_unlock_irq(l)	(spin_unlock(l), local_irq_enable())
#define spin_lock_irqsave(l, f)	\
	do { local_irq_save(f); spin_lock(l); } while (0)
#define spin_unlock_irqrestore(l, f) \
	do { spin_unlock(l); local_irq_restore(f); } while (0)
int spin_is_locked(spinlock_t *lock);
#define assert_spin_locked(l)	BUG_ON(!spin_is_locked(l))

struct mutex {
	pthread_mutex_t mutex;
};
#define __MUTEX_INITIALIZER(x)	{ PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP }
#define DEFINE_MUTEX(x)	struct mutex x = __MUTEX_INITIALIZER(x)
void mutex_init(struct mutex *m);
void shim_mutex_lock(struct mutex *m, const char *file, int line);
#define mutex_lock(m)	shim_mutex_lock(m, __FILE__, __LINE__)
#define mutex_lock_interruptible(m)	(mutex_lock(m), 0)
int mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* gfp.h, slab.h, mempool.h */

#define __GFP_WAIT	0x10u
#define __GFP_HIGH	0x20u
#define __GFP_IO	0x40u
#define __GFP_FS	0x80u
#define __GFP_NOWARN	0x200u
#define __GFP_NORETRY	0x1000u
#define __GFP_NOMEMALLOC 0x10000u
#define __GFP_ZERO	0x8000u
#define GFP_ATOMIC	__GFP_HIGH
#define GFP_NOWAIT	(GFP_ATOMIC & ~__GFP_HIGH)
#define GFP_NOIO	__GFP_WAIT
#define GFP_NOFS	(__GFP_WAIT | __GFP_IO)
#define GFP_KERNEL	(__GFP_WAIT | __GFP_IO | __GFP_FS)

void *shim_alloc(size_t size, gfp_t gfp, const char *file, int line);
#define kmalloc(s, g)	shim_alloc(s, g, __FILE__, __LINE__)
#define kzalloc(s, g)	shim_alloc(s, (g) | __GFP_ZERO, __FILE__, __LINE__)
#define kcalloc(n, s, g) \
	((size_t)(n) > SIZE_MAX / (s) ? NULL : kzalloc((size_t)(n) * (s), g))
void kfree(const void *p);
char *kstrdup(const char *s, gfp_t gfp);

struct kmem_cache {
	char name[40];
	size_t size;
	int live;
};
#define SLAB_HWCACHE_ALIGN	0x2000UL
#define SLAB_PANIC		0x40000UL
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
		size_t align, unsigned long flags,
		void (*ctor)(void *, struct kmem_cache *, unsigned long),
		void (*dtor)(void *, struct kmem_cache *, unsigned long));
void kmem_cache_destroy(struct kmem_cache *c);
void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void *kmem_cache_zalloc(struct kmem_cache *c, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *c, void *p);

typedef void *(mempool_alloc_t)(gfp_t gfp, void *data);
typedef void (mempool_free_t)(void *element, void *data);
typedef struct mempool_s mempool_t;
mempool_t *mempool_create(int min, mempool_alloc_t *alloc, mempool_free_t *free,
			  void *data);
mempool_t *mempool_create_slab_pool(int min, struct kmem_cache *c);
mempool_t *mempool_create_kmalloc_pool(int min, size_t size);
mempool_t *mempool_create_kzalloc_pool(int min, size_t size);
int mempool_resize(mempool_t *pool, int min, gfp_t gfp);
void mempool_destroy(mempool_t *pool);
void *mempool_alloc(mempool_t *pool, gfp_t gfp);
void mempool_free(void *element, mempool_t *pool);
void *mempool_alloc_slab(gfp_t gfp, void *cache);
void mempool_free_slab(void *element, void *cache);
void *mempool_kmalloc(gfp_t gfp, void *size);
void mempool_kfree(void *element, void *size);

/* mm.h, highmem.h, scatterlist.h: a struct page lies where its memory does */

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_CACHE_SIZE	PAGE_SIZE
struct page {
	u8 bytes[4096];
};
#define virt_to_page(a)	((struct page *)((unsigned long)(a) & PAGE_MASK))
#define page_address(p)	((void *)(p))
#define page_to_pfn(p)	((unsigned long)(p) >> PAGE_SHIFT)
#define offset_in_page(a)	((unsigned long)(a) & ~PAGE_MASK)
struct page *shim_alloc_page(gfp_t gfp, const char *file, int line);
#define alloc_page(gfp)	shim_alloc_page(gfp, __FILE__, __LINE__)
void __free_page(struct page *p);
void get_page(struct page *p);
unsigned long __get_free_page(gfp_t gfp);
unsigned long get_zeroed_page(gfp_t gfp);
void free_page(unsigned long addr);

enum km_type { KM_USER0, KM_USER1, KM_SOFTIRQ0, KM_SOFTIRQ1, KM_IRQ0, KM_IRQ1 };
#define kmap_atomic(p, type) \
	(preempt_disable(), (void)(type), page_address(p))
#define kunmap_atomic(a, type)	((void)(a), (void)(type), preempt_enable())
#define kmap(p)		page_address(p)
#define kunmap(p)	((void)(p))
#define flush_dcache_page(p)	((void)(p))
#define PageSlab(p)	((void)(p), 0)

struct scatterlist {
	struct page *page;
	unsigned int offset;
	unsigned int length;
	dma_addr_t dma_address;
	unsigned int dma_length;
};
static inline void sg_set_buf(struct scatterlist *sg, const void *buf,
			      unsigned int len)
{
	sg->page = virt_to_page(buf);
	sg->offset = offset_in_page(buf);
	sg->length = len;
}
static inline void sg_init_one(struct scatterlist *sg, const void *buf,
			       unsigned int len)
{
	memset(sg, 0, sizeof(*sg));
	sg_set_buf(sg, buf, len);
}

/* sched.h, wait.h, completion.h, kthread.h, freezer.h */

#define TASK_RUNNING		0
#define TASK_INTERRUPTIBLE	1
#define TASK_UNINTERRUPTIBLE	2
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX
#define PF_NOFREEZE		0x8000
#define PF_MEMALLOC		0x800

struct task_struct {
	int state;
	unsigned long flags;
	char comm[16];
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	/* of a kernel thread */
	int (*fn)(void *data);
	void *data;
	int should_stop;
	int result;
	int cpu;
	pthread_t thread;
};
#define current		(shim_me()->task)
#define set_current_state(s)	\
	__atomic_store_n(&current->state, s, __ATOMIC_SEQ_CST)
#define __set_current_state(s)	set_current_state(s)
#define set_task_state(t, s)	\
	__atomic_store_n(&(t)->state, s, __ATOMIC_SEQ_CST)
void schedule(void);
long schedule_timeout(long timeout);
long schedule_timeout_interruptible(long timeout);
long schedule_timeout_uninterruptible(long timeout);
int wake_up_process(struct task_struct *t);
#define yield()		cond_resched()
int cond_resched(void);
#define need_resched()	0
#define signal_pending(t)	((void)(t), 0)
#define try_to_freeze()	0
#define set_user_nice(t, n)	((void)(t), (void)(n))
#define daemonize(...)	do { } while (0)
void msleep(unsigned int ms);
void udelay(unsigned long us);

struct task_struct *kthread_create(int (*fn)(void *data), void *data,
				   const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define kthread_run(fn, data, ...) ({ \
	struct task_struct *_t = kthread_create(fn, data, __VA_ARGS__); \
	if (!IS_ERR(_t)) \
		wake_up_process(_t); \
	_t; })
void kthread_bind(struct task_struct *t, unsigned int cpu);
int kthread_stop(struct task_struct *t);
int kthread_should_stop(void);

typedef struct shim_wait wait_queue_t;
struct shim_wait {
	unsigned int flags;
#define WQ_FLAG_EXCLUSIVE	1
	struct task_struct *private;
	struct list_head task_list;
};
typedef struct {
	spinlock_t lock;
	struct list_head task_list;
} wait_queue_head_t;

#define __WAIT_QUEUE_HEAD_INITIALIZER(n) \
	{ __SPIN_LOCK_UNLOCKED(n.lock), LIST_HEAD_INIT((n).task_list) }
#define DECLARE_WAIT_QUEUE_HEAD(n) \
	wait_queue_head_t n = __WAIT_QUEUE_HEAD_INITIALIZER(n)
#define DECLARE_WAIT_QUEUE_HEAD_ONSTACK(n)	DECLARE_WAIT_QUEUE_HEAD(n)
#define DEFINE_WAIT(n) \
	wait_queue_t n = { 0, current, LIST_HEAD_INIT((n).task_list) }
#define DECLARE_WAITQUEUE(n, t) \
	wait_queue_t n = { 0, t, LIST_HEAD_INIT((n).task_list) }
void init_waitqueue_head(wait_queue_head_t *q);
int waitqueue_active(wait_queue_head_t *q);
void add_wait_queue(wait_queue_head_t *q, wait_queue_t *w);
void remove_wait_queue(wait_queue_head_t *q, wait_queue_t *w);
void prepare_to_wait(wait_queue_head_t *q, wait_queue_t *w, int state);
void prepare_to_wait_exclusive(wait_queue_head_t *q, wait_queue_t *w,
			       int state);
void finish_wait(wait_queue_head_t *q, wait_queue_t *w);
void shim_wake_up(wait_queue_head_t *q, int nr);
#define wake_up(q)			shim_wake_up(q, 1)
#define wake_up_all(q)			shim_wake_up(q, 0)
#define wake_up_interruptible(q)	shim_wake_up(q, 1)
#define wake_up_interruptible_all(q)	shim_wake_up(q, 0)
#define wait_event_timeout(q, c, timeout) ({ \
	long _left = (timeout); \
	might_sleep(); \
	if (!(c)) { \
		DEFINE_WAIT(_w); \
		for (;;) { \
			prepare_to_wait(&(q), &_w, TASK_UNINTERRUPTIBLE); \
			if (c) \
				break; \
			_left = schedule_timeout(_left); \
			if (!_left) \
				break; \
		} \
		finish_wait(&(q), &_w); \
	} \
	_left; })
#define wait_event(q, c) \
	((void)wait_event_timeout(q, c, MAX_SCHEDULE_TIMEOUT))
#define wait_event_interruptible(q, c)	(wait_event(q, c), 0)
#define wait_event_interruptible_timeout(q, c, t)	wait_event_timeout(q, c, t)

struct completion {
	unsigned int done;
	wait_queue_head_t wait;
};
#define COMPLETION_INITIALIZER(c) \
	{ 0, __WAIT_QUEUE_HEAD_INITIALIZER((c).wait) }
#define DECLARE_COMPLETION(c)	struct completion c = COMPLETION_INITIALIZER(c)
#define DECLARE_COMPLETION_ONSTACK(c)	DECLARE_COMPLETION(c)
#define INIT_COMPLETION(x)	((x).done = 0)
void init_completion(struct completion *c);
void complete(struct completion *c);
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
unsigned long wait_for_completion_timeout(struct completion *c,
					  unsigned long timeout);

/* rcupdate.h */

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};
void rcu_read_lock(void);
void rcu_read_unlock(void);
#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_ACQUIRE)
#define rcu_assign_pointer(p, v)	\
	__atomic_store_n(&(p), v, __ATOMIC_RELEASE)
void synchronize_rcu(void);
#define synchronize_sched()	synchronize_rcu()
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void rcu_barrier(void);

/* jiffies.h, timer.h, time.h */

#define NSEC_PER_SEC	1000000000L
#define NSEC_PER_MSEC	1000000L
#define NSEC_PER_USEC	1000L
#define USEC_PER_SEC	1000000L
#define do_div(n, base) ({ u32 _rem = (n) % (u32)(base); \
			   (n) /= (u32)(base); _rem; })
unsigned long shim_jiffies(void);
#define jiffies		shim_jiffies()
#define get_jiffies_64()	((u64)shim_jiffies())
#define INITIAL_JIFFIES	((unsigned long)(unsigned int)(-300 * HZ))
#define time_after(a, b)	((long)(b) - (long)(a) < 0)
#define time_before(a, b)	time_after(b, a)
#define time_after_eq(a, b)	((long)(a) - (long)(b) >= 0)
#define time_before_eq(a, b)	time_after_eq(b, a)
unsigned long msecs_to_jiffies(unsigned int ms);
unsigned int jiffies_to_msecs(unsigned long j);
unsigned long usecs_to_jiffies(unsigned int us);
struct timeval;
void do_gettimeofday(struct timeval *tv);
unsigned long long sched_clock(void);

struct timer_list {
	struct list_head entry;
	unsigned long expires;
	void (*function)(unsigned long data);
	unsigned long data;
	int pending;
};
void init_timer(struct timer_list *t);
void setup_timer(struct timer_list *t, void (*fn)(unsigned long),
		 unsigned long data);
void add_timer(struct timer_list *t);
int mod_timer(struct timer_list *t, unsigned long expires);
int del_timer(struct timer_list *t);
int del_timer_sync(struct timer_list *t);
#define timer_pending(t)	((t)->pending)

/* interrupt.h */

struct tasklet_struct {
	struct tasklet_struct *next;
	unsigned long state;
	atomic_t count;
	void (*func)(unsigned long data);
	unsigned long data;
};
enum { TASKLET_STATE_SCHED, TASKLET_STATE_RUN };
#define DECLARE_TASKLET(n, f, d) \
	struct tasklet_struct n = { NULL, 0, ATOMIC_INIT(0), f, d }
void tasklet_init(struct tasklet_struct *t, void (*func)(unsigned long data),
		  unsigned long data);
void tasklet_schedule(struct tasklet_struct *t);
#define tasklet_hi_schedule(t)	tasklet_schedule(t)
void tasklet_kill(struct tasklet_struct *t);
void tasklet_disable(struct tasklet_struct *t);
void tasklet_enable(struct tasklet_struct *t);

/* workqueue.h, in the form of 2.6.20 */

struct workqueue_struct;
struct work_struct;
typedef void (*work_func_t)(struct work_struct *work);
struct work_struct {
	atomic_long_t data;	/* 1: pending */
	struct list_head entry;
	work_func_t func;
};
struct delayed_work {
	struct work_struct work;
	struct timer_list timer;
	struct workqueue_struct *wq;
};
#define PREPARE_WORK(w, f)	((void)((w)->func = (f)))
#define INIT_WORK(w, f) do { \
	(w)->data = (atomic_long_t)ATOMIC_LONG_INIT(0); \
	INIT_LIST_HEAD(&(w)->entry); \
	PREPARE_WORK(w, f); \
	} while (0)
#define INIT_DELAYED_WORK(w, f) \
	do { INIT_WORK(&(w)->work, f); init_timer(&(w)->timer); } while (0)
#define DECLARE_WORK(n, f) \
	struct work_struct n = { { 0 }, LIST_HEAD_INIT((n).entry), f }
#define DECLARE_DELAYED_WORK(n, f) struct delayed_work n = { \
	.work = { { 0 }, LIST_HEAD_INIT((n).work.entry), f }, \
	.timer = { .entry = LIST_HEAD_INIT((n).timer.entry) } }
#define work_pending(w)	(atomic_long_read(&(w)->data) & 1)
#define delayed_work_pending(w)	work_pending(&(w)->work)
struct workqueue_struct *shim_create_workqueue(const char *name, int single);
#define create_workqueue(n)		shim_create_workqueue(n, 0)
#define create_singlethread_workqueue(n) shim_create_workqueue(n, 1)
void destroy_workqueue(struct workqueue_struct *wq);
void flush_workqueue(struct workqueue_struct *wq);
int queue_work(struct workqueue_struct *wq, struct work_struct *w);
int queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *w,
		       unsigned long delay);
int schedule_work(struct work_struct *w);
int schedule_delayed_work(struct delayed_work *w, unsigned long delay);
void flush_scheduled_work(void);
int cancel_delayed_work(struct delayed_work *w);
void cancel_rearming_delayed_work(struct delayed_work *w);
void cancel_rearming_delayed_workqueue(struct workqueue_struct *wq,
				       struct delayed_work *w);

/* kref.h, random.h */

struct kref {
	atomic_t refcount;
};
static inline void kref_init(struct kref *k) { atomic_set(&k->refcount, 1); }
static inline void kref_get(struct kref *k)
{
	WARN_ON(!atomic_read(&k->refcount));
	atomic_inc(&k->refcount);
}
static inline int kref_put(struct kref *k, void (*release)(struct kref *k))
{
	WARN_ON(release == NULL);
	if (!atomic_dec_and_test(&k->refcount))
		return 0;
	release(k);
	return 1;
}
void get_random_bytes(void *buf, int nbytes);

#endif
