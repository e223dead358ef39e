// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU's TCG that counts executed guest instructions, per
 * virtual CPU, from mark to mark.
 *
 * arguments:
 *	out=FILE	where the counts go
 *	mode=count	totals only (default)
 *	mode=profile	also a count for every block of code
 *	mark=ADDRESS	executing the instruction at ADDRESS is a mark
 *
 * Lines written, one group per section (what lies between two marks):
 *	section NUMBER cpu CPU instructions N
 *	section NUMBER block ADDRESS size BYTES instructions N	(profile alone)
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
typedef void (*vcpu_udata_cb)(unsigned int vcpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  vcpu_udata_cb cb,
					  enum qemu_plugin_cb_flags flags,
					  void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, udata_cb cb,
				    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

/* --- counting ------------------------------------------------------------- */

#define MAX_CPUS 64

/* own cache line each: every virtual CPU is a thread of its own */
struct cpu_count {
	uint64_t instructions;
	uint64_t padding[15];
};

/* a translated block; blocks live as long as QEMU does, so they are kept */
struct block {
	struct block *next;
	uint64_t address;
	uint32_t bytes;
	uint32_t instructions;
	bool is_mark;
	uint64_t runs;
};

static struct cpu_count counts[MAX_CPUS];
static struct block *blocks;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool profile;
static uint64_t mark;
static unsigned int section;
static FILE *out;

/* called with the lock held, or when no virtual CPU runs any more */
static void write_section(void)
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
	struct block *block = data;

	if (block->is_mark) {
		pthread_mutex_lock(&lock);
		write_section();
		pthread_mutex_unlock(&lock);
	}
	counts[cpu % MAX_CPUS].instructions += block->instructions;
	if (profile)
		__atomic_fetch_add(&block->runs, 1, __ATOMIC_RELAXED);
}

static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
	struct block *block = calloc(1, sizeof(*block));

	(void)id;
	if (!block) {
		fprintf(stderr, "insn: no memory\n");
		exit(1);
	}
	block->address = qemu_plugin_tb_vaddr(tb);
	block->bytes = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last) -
		       block->address;
	block->instructions = n;
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
	write_section();
	fclose(out);
	pthread_mutex_unlock(&lock);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			       int argc, char **argv)
{
	const char *file = NULL;
	char *end;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4)) {
			file = argv[i] + 4;
		} else if (!strcmp(argv[i], "mode=profile")) {
			profile = true;
		} else if (!strncmp(argv[i], "mark=", 5)) {
			mark = strtoull(argv[i] + 5, &end, 0);
			if (*end || !mark) {
				fprintf(stderr, "insn: no address: %s\n", argv[i]);
				return -1;
			}
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
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
