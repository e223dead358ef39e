// SPDX-License-Identifier: GPL-2.0
/*
 * PadLock's instructions from user space, where they may be used as well:
 *
 *	xcrypt check AHEAD HASH	what the model promises, one line a check; AHEAD is
 *				how many blocks behind the last one are fetched,
 *				HASH is "pieces" or, of messages, "whole"
 *	xcrypt busy SECONDS	encrypt all the time, with a key of its own; the
 *				result must always be the same
 *
 * exit: 0 all well, 1 not, 2 wrong usage
 */

#define _GNU_SOURCE

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PAGE	4096
#define BLOCK	16

#ifdef __x86_64__
#define SI REG_RSI
#define DI REG_RDI
#define CX REG_RCX
#else
#define SI REG_ESI
#define DI REG_EDI
#define CX REG_ECX
#endif

enum { ECB, CBC, CFB, OFB, CTR };
#define DECRYPT 0x200

static int failures;

static void check(const char *name, int good)
{
	printf("%sok - %s\n", good ? "" : "not ", name);
	failures += !good;
}

/* --- the instructions ----------------------------------------------------------- */

struct key {
	uint32_t control[4];
	uint8_t key[240];
} __attribute__((aligned(16)));

static void load_eflags(void)
{
	__asm__ __volatile__("pushf\n\tpopf" : : : "memory", "cc");
}

#define XCRYPT(byte) \
	__asm__ __volatile__(".byte 0xf3, 0x0f, 0xa7, " byte \
			     : "+S" (from), "+D" (to), "+c" (blocks), "+a" (iv) \
			     : "d" (k->control), "b" (k->key) : "memory", "cc")

/* returns where the next IV lies */
static uint8_t *xcrypt(int mode, const struct key *k, uint8_t *iv, void *to,
		       const void *from, unsigned long blocks)
{
	switch (mode) {
	case ECB: XCRYPT("0xc8"); break;
	case CBC: XCRYPT("0xd0"); break;
	case CTR: XCRYPT("0xd8"); break;
	case CFB: XCRYPT("0xe0"); break;
	case OFB: XCRYPT("0xe8"); break;
	}
	return iv;
}

/* @done -1: blocks without padding; else bytes that are done */
static void xsha(int sha256, uint32_t *state, const void *from, unsigned long count,
		 long done)
{
	if (sha256)
		__asm__ __volatile__(".byte 0xf3, 0x0f, 0xa6, 0xd0"
				     : "+S" (from), "+D" (state), "+c" (count), "+a" (done)
				     : : "memory", "cc");
	else
		__asm__ __volatile__(".byte 0xf3, 0x0f, 0xa6, 0xc8"
				     : "+S" (from), "+D" (state), "+c" (count), "+a" (done)
				     : : "memory", "cc");
}

static unsigned int xstore(uint8_t *to, unsigned long divisor)
{
	unsigned long status;

	__asm__ __volatile__(".byte 0x0f, 0xa7, 0xc0"
			     : "=a" (status), "+D" (to) : "d" (divisor) : "memory");
	return status & 31;
}

/* --- faults ------------------------------------------------------------------------ */

static volatile int faults;
static volatile unsigned long fault_si, fault_di, fault_cx;
static void *blocked;			/* page to open, else the instruction is left out */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	(void)info;
	faults++;
	fault_si = uc->uc_mcontext.gregs[SI];
	fault_di = uc->uc_mcontext.gregs[DI];
	fault_cx = uc->uc_mcontext.gregs[CX];
	if (blocked) {
		mprotect(blocked, PAGE, PROT_READ | PROT_WRITE);
		blocked = NULL;
		return;
	}
#ifdef __x86_64__
	uc->uc_mcontext.gregs[REG_RIP] += 4;
#else
	uc->uc_mcontext.gregs[REG_EIP] += 4;
#endif
}

static uint8_t *pages(unsigned int n)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

/* --- what is checked ------------------------------------------------------------------ */

/* NIST SP 800-38A: key, data, and what they come to in each mode (F.1.1, F.2.1...) */
static const uint8_t nist_key[16] = {
	0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
	0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c,
};
static const uint8_t nist_plain[32] = {
	0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
	0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
	0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c,
	0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51,
};
static const struct {
	const char *name;
	int ctr;
	uint8_t second[4];	/* how the second block begins */
} nist[] = {
	[ECB] = { "ECB", 0, { 0xf5, 0xd3, 0xd5, 0x85 } },
	[CBC] = { "CBC", 0, { 0x50, 0x86, 0xcb, 0x9b } },
	[CFB] = { "CFB", 0, { 0xc8, 0xa6, 0x45, 0x37 } },
	[OFB] = { "OFB", 0, { 0x77, 0x89, 0x50, 0x8d } },
	[CTR] = { "CTR", 1, { 0x98, 0x06, 0xf6, 0x6b } },
};

static void set_key(struct key *k, const uint8_t *key, uint32_t control)
{
	memset(k, 0, sizeof(*k));
	k->control[0] = 10 | control;
	memcpy(k->key, key, 16);
}

static void check_vectors(void)
{
	uint8_t iv[16] __attribute__((aligned(16)));
	uint8_t in[32 + 256] __attribute__((aligned(16))) = { 0 };
	uint8_t out[32 + 256] __attribute__((aligned(16)));
	struct key k;
	char name[64];
	int mode, i;

	for (mode = ECB; mode <= CTR; mode++) {
		for (i = 0; i < 16; i++)
			iv[i] = nist[mode].ctr ? 0xf0 + i : i;
		memcpy(in, nist_plain, 32);
		set_key(&k, nist_key, 0);
		load_eflags();
		xcrypt(mode, &k, iv, out, in, 2);
		snprintf(name, sizeof(name), "%s is that of SP 800-38A", nist[mode].name);
		check(name, !memcmp(out + 16, nist[mode].second, 4));

		for (i = 0; i < 16; i++)
			iv[i] = nist[mode].ctr ? 0xf0 + i : i;
		set_key(&k, nist_key, DECRYPT);
		load_eflags();
		xcrypt(mode, &k, iv, out, out, 2);
		snprintf(name, sizeof(name), "%s backwards, in place", nist[mode].name);
		check(name, !memcmp(out, nist_plain, 32));
	}
}

static void check_pages(int ahead)
{
	uint8_t *a = pages(3), *b = pages(3), *want = pages(3);
	uint8_t iv[16] __attribute__((aligned(16))) = { 0 };
	unsigned long done;
	struct key k;

	/* what it comes to, in memory that is there */
	set_key(&k, nist_key, 0);
	memset(want, 0, 3 * PAGE);
	load_eflags();
	xcrypt(CBC, &k, iv, want, want, 2 * PAGE / BLOCK);

	load_eflags();
	xcrypt(CBC, &k, iv, b, a, 2 * PAGE / BLOCK);
	check("pages that are not there yet", !memcmp(b, want, 2 * PAGE));

	memset(b, 0, 2 * PAGE);
	mprotect(a + PAGE, PAGE, PROT_NONE);
	blocked = a + PAGE;
	faults = 0;
	load_eflags();
	xcrypt(CBC, &k, iv, b, a, 2 * PAGE / BLOCK);
	check("a fault in the middle: one", faults == 1);
	done = 2 * PAGE / BLOCK - fault_cx;
	check("a fault in the middle: the registers tell how far it is",
	      fault_si == (unsigned long)(a + done * BLOCK) &&
	      fault_di == (unsigned long)(b + done * BLOCK) &&
	      (ahead ? done <= PAGE / BLOCK : done == PAGE / BLOCK));
	check("a fault in the middle: it goes on", !memcmp(b, want, 2 * PAGE));

	memset(b, 0, PAGE);
	mprotect(b, PAGE, PROT_READ);
	faults = 0;
	load_eflags();
	xcrypt(ECB, &k, NULL, b, a, 1);
	check("memory that is read-only stays", faults == 1 && !b[0] && !b[1]);
	mprotect(b, PAGE, PROT_READ | PROT_WRITE);

	faults = 0;
	load_eflags();
	xcrypt(ECB, &k, NULL, b, a + 8, 1);
	xcrypt(ECB, &k, NULL, b + 4, a, 1);
	xcrypt(CBC, &k, iv + 1, b, a, 1);
	check("what is not aligned faults", faults == 3);
}

static void check_ahead(int ahead)
{
	uint8_t *a = pages(2), *b = pages(1);
	struct key k;

	set_key(&k, nist_key, 0);
	mprotect(a + PAGE, PAGE, PROT_NONE);
	faults = 0;
	load_eflags();
	xcrypt(ECB, &k, NULL, b, a + PAGE - BLOCK * (1 + ahead), 1);
	check("as much as is fetched ahead lies before the end of a page", !faults);
	xcrypt(ECB, &k, NULL, b, a + PAGE - BLOCK, 1);
	check(ahead ? "fetching ahead faults behind it" : "nothing is fetched ahead",
	      faults == !!ahead);
}

static void check_eflags(void)
{
	uint8_t in[16 + 256] __attribute__((aligned(16))) = { 0 };
	uint8_t a[16] __attribute__((aligned(16))), b[16] __attribute__((aligned(16)));
	uint8_t out[16] __attribute__((aligned(16)));
	int i, old = 0, new = 0, odd = 0;
	struct key ka, kb;

	set_key(&ka, nist_key, 0);
	set_key(&kb, nist_plain, 0);
	load_eflags();
	xcrypt(ECB, &ka, NULL, a, in, 1);
	load_eflags();
	xcrypt(ECB, &kb, NULL, b, in, 1);
	check("two keys", memcmp(a, b, 16));

	/* an interrupt in between loads EFLAGS, too: most times there is none */
	for (i = 0; i < 1000; i++) {
		load_eflags();
		xcrypt(ECB, &ka, NULL, out, in, 1);
		xcrypt(ECB, &kb, NULL, out, in, 1);
		old += !memcmp(out, a, 16);
		odd += memcmp(out, a, 16) && memcmp(out, b, 16);
		load_eflags();
		xcrypt(ECB, &kb, NULL, out, in, 1);
		new += !memcmp(out, b, 16);
	}
	check("without a load of EFLAGS the old key is used", old > 500 && !odd);
	check("with it the new one", new == 1000);
}

static void check_hashes(int pieces)
{
	static const uint32_t sha1_start[8] = {
		0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	static const uint32_t sha256_start[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	uint32_t state[32] __attribute__((aligned(16)));
	uint32_t other[32] __attribute__((aligned(16)));
	uint8_t *data = pages(3), end[64] = { 0x80 };
	const unsigned int size = 2 * PAGE;
	int i;

	/* FIPS 180-2, A.1 and B.1 */
	memcpy(data, "abc", 3);
	memcpy(state, sha1_start, 32);
	xsha(0, state, data, 3, 0);
	check("SHA-1 of abc", state[0] == 0xa9993e36 && state[4] == 0x9cd0d89d);
	memcpy(state, sha256_start, 32);
	xsha(1, state, data, 3, 0);
	check("SHA-256 of abc", state[0] == 0xba7816bf && state[7] == 0xf20015ad);

	if (!pieces)
		return;
	for (i = 0; i < (int)size; i++)
		data[i] = i * 7;
	end[62] = (uint8_t)(size * 8 >> 8);
	end[63] = (uint8_t)(size * 8);
	end[61] = size * 8 >> 16;
	memcpy(state, sha256_start, 32);
	xsha(1, state, data, size, 0);
	memcpy(other, sha256_start, 32);
	xsha(1, other, data, size / 64, -1);
	xsha(1, other, end, 1, -1);
	check("a message by pieces is the same", !memcmp(state, other, 32));
}

static void check_random(void)
{
	uint8_t a[16] __attribute__((aligned(16))) = { 0 };
	uint8_t b[16] __attribute__((aligned(16))) = { 0 };
	int good = 1, i, n;

	for (i = 0; i < 4; i++) {
		n = xstore(a, i);
		good &= n == 8 >> i || !n;
	}
	check("as many random bytes as there should be", good);
	while (xstore(a, 0) != 8)
		;
	while (xstore(b, 0) != 8)
		;
	check("that differ, and no more", memcmp(a, b, 8) && !a[8] && !b[8]);
}

static int busy(int seconds)
{
	static const uint8_t own[16] = "user space's own";
	uint8_t in[16 + 256] __attribute__((aligned(16))) = { 0 };
	uint8_t out[16] __attribute__((aligned(16))), want[16];
	time_t end = time(NULL) + seconds;
	unsigned long n = 0;
	struct key k;
	int i;

	set_key(&k, own, 0);
	while (time(NULL) < end) {
		for (i = 0; i < 1000; i++, n++) {
			load_eflags();
			xcrypt(ECB, &k, NULL, out, in, 1);
			if (!n)
				memcpy(want, out, 16);
			if (memcmp(want, out, 16))
				return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	if (argc == 3 && !strcmp(argv[1], "busy"))
		return busy(atoi(argv[2]));
	if (argc != 4 || strcmp(argv[1], "check"))
		return 2;
	sigaction(SIGSEGV, &action, NULL);
	check_vectors();
	check_pages(atoi(argv[2]));
	check_ahead(atoi(argv[2]));
	check_eflags();
	check_hashes(!strcmp(argv[3], "pieces"));
	check_random();
	return !!failures;
}
