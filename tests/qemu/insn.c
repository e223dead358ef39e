// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's TCG that counts executed guest instructions, per
 * virtual CPU, from mark to mark, and can make several virtual CPUs tell the
 * time by them.
 *
 * arguments:
 *	out=FILE	where the counts go
 *	mode=count	totals only (default)
 *	mode=profile	also a count for every block of code
 *	mark=ADDRESS	executing the instruction at ADDRESS is a mark
 *	lockstep=N	no virtual CPU gets ahead of another by more than
 *			about N instructions, and they tell the time: one
 *			takes a nanosecond
 *	pause=N		with lockstep: a PAUSE takes as long as N instructions
 *
 * Lines written, one group per section (what lies between two marks):
 *	section NUMBER cpu CPU instructions N
 *	section NUMBER block ADDRESS size BYTES instructions N	(profile alone)
 *	section NUMBER time T late L				(lockstep alone)
 *
 * T is the time in nanoseconds, which is how long a machine would have needed
 * whose CPUs do everything in one each, whatever the host was doing.  L counts
 * how often a CPU went on though another had not caught up, see
 * wait_for_others().
 *
 * Lockstep.  From the first mark on QEMU's clock, by which the guest's timers
 * go, is that time, too; for this QEMU has to be run with this plugin in
 * LD_PRELOAD.  (A guest's time stamp counter remains the host's.)  A CPU that
 * is halted holds nobody back, and goes on at the time at which it is woken
 * up; but for as long as the host takes to wake its thread the others run on.
 * So a guest that is to be measured idles by polling (idle=poll on a kernel's
 * command line): then no time depends on the host.  When all are halted, time
 * is the host's.
 *
 * A guest sets a mark by calling sethostname(), whose address in the kernel
 * is given as ADDRESS: nothing else does it, and it costs next to nothing.
 *
 * An instruction is counted when its block is entered, so one that faults
 * in the middle of a block is counted with those that then didn't run; it
 * is counted again afterwards.
 *
 * Debian 12 doesn't package qemu-plugin.h.  What this plugin needs of the
 * interface (version 1 of it) is declared here; QEMU compares the version.
 */

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* --- from QEMU's plugin interface, version 1 ------------------------------ */

typedef uint64_t qemu_plugin_id_t;

struct qemu_plugin_tb;
struct qemu_plugin_insn;

/* only passed by address: what it holds doesn't matter here */
struct qemu_info;

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
	QEMU_PLUGIN_CB_R_REGS,
	QEMU_PLUGIN_CB_RW_REGS,
};

typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*udata_cb)(qemu_plugin_id_t id, void *data);
typedef void (*vcpu_cb)(qemu_plugin_id_t id, unsigned int vcpu);
typedef void (*vcpu_udata_cb)(unsigned int vcpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  vcpu_udata_cb cb,
					  enum qemu_plugin_cb_flags flags,
					  void *data);
void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id, vcpu_cb cb);
void qemu_plugin_register_vcpu_resume_cb(qemu_plugin_id_t id, vcpu_cb cb);
void qemu_plugin_register_vcpu_exit_cb(qemu_plugin_id_t id, vcpu_cb cb);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, udata_cb cb,
				    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

/* --- counting ------------------------------------------------------------- */

#define MAX_CPUS 64

/* own cache lines each: every virtual CPU is a thread of its own */
struct cpu_count {
	uint64_t instructions;

	/* lockstep: written by the CPU's own thread */
	uint64_t time;			/* what it has used up */
	uint64_t limit;			/* when it is to look at the others */

	/* by clock_lock */
	uint64_t reached;		/* time, when it last looked */
	bool running;			/* not halted */

	uint64_t padding[11];
};

/* a translated block; blocks live as long as QEMU does, so they are kept */
struct block {
	struct block *next;
	uint64_t address;
	uint32_t bytes;
	uint32_t instructions;
	uint32_t time;
	bool is_mark;
	uint64_t runs;
};

static struct cpu_count counts[MAX_CPUS] __attribute__((aligned(64)));
static struct block *blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool profile;
static uint64_t mark;
static unsigned int section;
static FILE *out;

/* --- lockstep ------------------------------------------------------------- */

/*
 * A CPU looks at the others STEPS times while it executes as many instructions
 * as it may be ahead.
 */
#define STEPS		4
#define PATIENCE	2000000		/* nanoseconds */

static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t clock_moved;
static uint64_t ahead;		/* instructions; 0: no lockstep */
static unsigned int pause_time = 1;

/* by clock_lock; present and idle_since are also read without */
static uint64_t present;	/* the front of all clocks */
static uint64_t idle_since;	/* the host's time; 0: some CPU runs */
static uint64_t late;
static uint64_t mark_time;

/* the host's time less the present one, at the first mark; 0: before it */
static uint64_t offset;

static uint64_t host_time(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct timespec timespec(uint64_t ns)
{
	return (struct timespec){ ns / 1000000000, ns % 1000000000 };
}

/* QEMU's way to the time, if this is in LD_PRELOAD */
EXPORT int clock_gettime(clockid_t id, struct timespec *ts)
{
	uint64_t now;

	if (id != CLOCK_MONOTONIC || !__atomic_load_n(&offset, __ATOMIC_ACQUIRE))
		return syscall(SYS_clock_gettime, id, ts);
	if (__atomic_load_n(&idle_since, __ATOMIC_ACQUIRE)) {
		pthread_mutex_lock(&clock_lock);
		now = present + (idle_since ? host_time() - idle_since : 0);
		pthread_mutex_unlock(&clock_lock);
	} else {
		now = __atomic_load_n(&present, __ATOMIC_ACQUIRE);
	}
	*ts = timespec(now + offset);
	return 0;
}

/* the rest is called with clock_lock held */
static uint64_t slowest(void)
{
	uint64_t min = UINT64_MAX;
	unsigned int cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++)
		if (counts[cpu].running && counts[cpu].reached < min)
			min = counts[cpu].reached;
	return min;
}

static void reach(struct cpu_count *c)
{
	if (idle_since) {
		__atomic_store_n(&present, present + host_time() - idle_since,
				 __ATOMIC_RELEASE);
		__atomic_store_n(&idle_since, 0, __ATOMIC_RELEASE);
	}
	if (!c->running) {
		c->running = true;
		if (c->time < present)
			c->time = present;
	}
	c->reached = c->time;
	if (present < c->time)
		__atomic_store_n(&present, c->time, __ATOMIC_RELEASE);
	c->limit = c->time + ahead / STEPS;
	pthread_cond_broadcast(&clock_moved);
}

/*
 * The slowest CPU may be waiting for this one to leave the block that it
 * executes: QEMU sometimes wants to be alone, to flush its translations for
 * example.  So patience ends, and this CPU may execute one more block; if
 * somebody wants it to stop, it does so instead.
 */
static void wait_for_others(struct cpu_count *c)
{
	struct timespec until;

	if (c->reached <= slowest() + ahead)
		return;
	until = timespec(host_time() + PATIENCE);
	while (c->reached > slowest() + ahead) {
		if (pthread_cond_timedwait(&clock_moved, &clock_lock, &until)) {
			c->limit = 0;
			late++;
			return;
		}
	}
}

static void look_at_clock(struct cpu_count *c)
{
	pthread_mutex_lock(&clock_lock);
	reach(c);
	wait_for_others(c);
	pthread_mutex_unlock(&clock_lock);
}

static void cpu_resumes(qemu_plugin_id_t id, unsigned int cpu)
{
	(void)id;
	pthread_mutex_lock(&clock_lock);
	reach(&counts[cpu % MAX_CPUS]);
	pthread_mutex_unlock(&clock_lock);
}

static void cpu_halts(qemu_plugin_id_t id, unsigned int cpu)
{
	struct cpu_count *c = &counts[cpu % MAX_CPUS];

	(void)id;
	pthread_mutex_lock(&clock_lock);
	reach(c);
	c->running = false;
	c->limit = 0;
	if (slowest() == UINT64_MAX)
		__atomic_store_n(&idle_since, host_time(), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&clock_lock);
}

/* --- counting ------------------------------------------------------------- */

/* called with the lock held, or when no virtual CPU runs any more */
static void write_section(uint64_t now)
{
	struct block *block;
	unsigned int cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!counts[cpu].instructions)
			continue;
		fprintf(out, "section %u cpu %u instructions %" PRIu64 "\n",
			section, cpu, counts[cpu].instructions);
		/* the others may run meanwhile: what they lose is a few blocks */
		counts[cpu].instructions = 0;
	}
	if (ahead) {
		pthread_mutex_lock(&clock_lock);
		fprintf(out, "section %u time %" PRIu64 " late %" PRIu64 "\n",
			section, now - mark_time, late);
		mark_time = now;
		late = 0;
		if (!offset)
			__atomic_store_n(&offset, host_time() - present,
					 __ATOMIC_RELEASE);
		pthread_mutex_unlock(&clock_lock);
	}
	if (profile) {
		for (block = blocks; block; block = block->next) {
			if (!block->runs)
				continue;
			fprintf(out, "section %u block 0x%" PRIx64
				" size %" PRIu32 " instructions %" PRIu64 "\n",
				section, block->address, block->bytes,
				block->runs * block->instructions);
			block->runs = 0;
		}
	}
	fflush(out);
	section++;
}

static void block_runs(unsigned int cpu, void *data)
{
	struct cpu_count *c = &counts[cpu % MAX_CPUS];
	struct block *block = data;

	if (block->is_mark) {
		pthread_mutex_lock(&lock);
		write_section(c->time);
		pthread_mutex_unlock(&lock);
	}
	c->instructions += block->instructions;
	if (profile)
		__atomic_fetch_add(&block->runs, 1, __ATOMIC_RELAXED);
	if (ahead) {
		c->time += block->time;
		if (c->time >= c->limit)
			look_at_clock(c);
	}
}

static bool is_pause(const struct qemu_plugin_insn *insn)
{
	const unsigned char *bytes = qemu_plugin_insn_data(insn);

	return qemu_plugin_insn_size(insn) == 2 && bytes[0] == 0xf3 &&
	       bytes[1] == 0x90;
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
	struct block *block = calloc(1, sizeof(*block));
	size_t i;

	(void)id;
	if (!block) {
		fprintf(stderr, "insn: no memory\n");
		exit(1);
	}
	block->address = qemu_plugin_tb_vaddr(tb);
	block->bytes = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last) -
		       block->address;
	block->instructions = n;
	block->time = n;
	for (i = 0; i < n; i++) {
		if (is_pause(qemu_plugin_tb_get_insn(tb, i)))
			block->time += pause_time - 1;
	}
	block->is_mark = mark && block->address == mark;
	pthread_mutex_lock(&lock);
	block->next = blocks;
	blocks = block;
	pthread_mutex_unlock(&lock);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs,
					     QEMU_PLUGIN_CB_NO_REGS, block);
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	pthread_mutex_lock(&lock);
	write_section(present);
	fclose(out);
	pthread_mutex_unlock(&lock);
}

/* the number that argument NAME=N has, or 0 if it isn't one above 0 */
static uint64_t number(const char *argument)
{
	const char *text = strchr(argument, '=') + 1;
	uint64_t value;
	char *end;

	value = strtoull(text, &end, 0);
	if (!*text || *end || !value)
		fprintf(stderr, "insn: no number above 0: %s\n", argument);
	return *end ? 0 : value;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			       int argc, char **argv)
{
	const char *file = NULL;
	pthread_condattr_t attr;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4)) {
			file = argv[i] + 4;
		} else if (!strcmp(argv[i], "mode=profile")) {
			profile = true;
		} else if (!strncmp(argv[i], "mark=", 5)) {
			mark = number(argv[i]);
			if (!mark)
				return -1;
		} else if (!strncmp(argv[i], "lockstep=", 9)) {
			ahead = number(argv[i]);
			if (!ahead)
				return -1;
		} else if (!strncmp(argv[i], "pause=", 6)) {
			pause_time = number(argv[i]);
			if (!pause_time)
				return -1;
		} else if (strcmp(argv[i], "mode=count")) {
			fprintf(stderr, "insn: unknown argument: %s\n", argv[i]);
			return -1;
		}
	}
	if (!file) {
		fprintf(stderr, "insn: no out=FILE\n");
		return -1;
	}
	out = fopen(file, "w");
	if (!out) {
		perror(file);
		return -1;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&clock_moved, &attr);
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	if (ahead) {
		qemu_plugin_register_vcpu_idle_cb(id, cpu_halts);
		qemu_plugin_register_vcpu_resume_cb(id, cpu_resumes);
		qemu_plugin_register_vcpu_exit_cb(id, cpu_halts);
	}
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
