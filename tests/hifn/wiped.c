// SPDX-License-Identifier: GPL-2.0
/*
 * wiped - is what a module frees all zeroes?
 *
 * Load it with module=NAME before that module.  Of all memory that functions of that
 * module free while this is there, by kfree() or dma_free_coherent(), it says when it
 * goes:
 *
 *	wiped: FREED freed, DIRTY of them with something in it
 *
 * The sizes of what was dirty are in the kernel's log.  What a function of the kernel
 * frees that the module called is not looked at.  x86-64 alone.
 */

#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *module = "";
module_param(module, charp, 0444);
MODULE_PARM_DESC(module, "whose memory is looked at");

static atomic_t freed = ATOMIC_INIT(0), dirty = ATOMIC_INIT(0);

#define CALL		0xe8	/* to an address that follows, of 4 bytes */
#define CALL_SIZE	5

/* Was this function called by one of the module, not by what that had called? */
static bool by_module(const struct kprobe *probe, const struct pt_regs *regs)
{
	unsigned long from = *(unsigned long *)regs->sp;
	char name[KSYM_SYMBOL_LEN], brackets[MODULE_NAME_LEN + 2];
	const u8 *call = (u8 *)from - CALL_SIZE;

	if (from < MODULES_VADDR || from >= MODULES_END)
		return false;
	if (*call != CALL || from + *(s32 *)(call + 1) != (unsigned long)probe->addr)
		return false;
	sprint_symbol(name, from);
	snprintf(brackets, sizeof(brackets), "[%s]", module);
	return strstr(name, brackets);
}

static void look(const void *data, size_t size)
{
	atomic_inc(&freed);
	if (!memchr_inv(data, 0, size))
		return;
	atomic_inc(&dirty);
	pr_info("wiped: %zu bytes were not\n", size);
}

static int at_kfree(struct kprobe *probe, struct pt_regs *regs)
{
	const void *data = (void *)regs->di;

	if (!ZERO_OR_NULL_PTR(data) && by_module(probe, regs))
		look(data, ksize(data));
	return 0;
}

static int at_dma_free(struct kprobe *probe, struct pt_regs *regs)
{
	if (by_module(probe, regs))
		look((void *)regs->dx, regs->si);
	return 0;
}

static struct kprobe probes[] = {
	{ .symbol_name = "kfree", .pre_handler = at_kfree },
	{ .symbol_name = "dma_free_attrs", .pre_handler = at_dma_free },
};

static int __init wiped_init(void)
{
	int err = register_kprobe(&probes[0]);

	if (err)
		return err;
	err = register_kprobe(&probes[1]);
	if (err)
		unregister_kprobe(&probes[0]);
	return err;
}

static void __exit wiped_exit(void)
{
	unregister_kprobe(&probes[0]);
	unregister_kprobe(&probes[1]);
	pr_info("wiped: %d freed, %d of them with something in it\n",
		atomic_read(&freed), atomic_read(&dirty));
}

module_init(wiped_init);
module_exit(wiped_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Is what a module frees all zeroes?");
