// SPDX-License-Identifier: GPL-2.0
/*
 * Model of VIA PadLock, the cryptographic instructions of VIA's processors, for
 * Debian's unmodified QEMU (TCG): -plugin via-padlock.so -device via-padlock
 * [,property=value]... and a -cpu whose CPUID shows them (README).
 *
 * To TCG they are undefined.  The device takes the place of the function that
 * delivers exceptions, and where the undefined instruction is one of these, it
 * does its work instead.
 *
 * Properties:
 *	eflags=on|off	the key and the control word of the last XCRYPT stay in
 *			the CPU until EFLAGS is loaded (on)
 *	ahead=N		blocks that are fetched behind the last one (0)
 *	ts=on|off	#NM when CR0.TS is set (on)
 *	pieces=on|off	XSHA does blocks without padding, as the Nano does, and
 *			else takes EAX for the bytes that are done (on)
 *	empty=N		of N XSTOREs, one has no byte ready (0: none)
 *	stats=FILE	what was counted, written when QEMU ends
 *
 * XCRYPT and XSHA work on up to a page, then look whether there is an interrupt;
 * their registers tell how far they are.  They touch memory with the rights of
 * the code that runs, so page faults are the guest's own, at every block.
 *
 * Segments are taken for flat.  Memory that is none (MMIO) as operand is #GP.
 *
 * EFLAGS: POPF, IRET and SYSRET load it; a callback before each of them forgets
 * the key of that CPU.  Taking an interrupt does not, here: it is the less
 * forgiving way, as the manuals do not tell.
 *
 * README says what of it a driver that is not ours has confirmed.
 */

#define NEED_CPU_H
#define CONFIG_TARGET "config-target.h"
#include "device.h"
#include "cpu.h"
#include "crypto/aes.h"
#include "exec/exec-all.h"
#include "hw/core/tcg-cpu-ops.h"
#include "hw/qdev-core.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/guest-random.h"

#define TYPE_PADLOCK	"via-padlock"
OBJECT_DECLARE_SIMPLE_TYPE(Padlock, PADLOCK)

#define MAX_CPUS	64
#define BLOCK		16
#define HASH_BLOCK	64
#define AT_ONCE		256	/* blocks of AES between two looks for interrupts */
#define HASH_AT_ONCE	64	/* blocks of a hash */

/* CPUID C000_0001, EDX: there and enabled */
#define UNIT_RNG	0x000cu
#define UNIT_ACE	0x00c0u
#define UNIT_ACE2	0x0300u
#define UNIT_PHE	0x0c00u

/* the last byte of an instruction */
enum { XCRYPT_ECB = 0xc8, XCRYPT_CBC = 0xd0, XCRYPT_CTR = 0xd8, XCRYPT_CFB = 0xe0,
       XCRYPT_OFB = 0xe8, XSHA1 = 0xc8, XSHA256 = 0xd0, XSTORE = 0xc0 };

/* control word */
#define CW_ROUNDS	0x00f
#define CW_ALGORITHM	0x070	/* 0: AES */
#define CW_EXPANDED	0x080	/* the key is a schedule */
#define CW_INTERMEDIATE	0x100	/* not modelled */
#define CW_DECRYPT	0x200
#define CW_SIZE(cw)	((cw) >> 10 & 3)

/* The key that a CPU has. */
struct loaded_key {
	bool valid;
	uint32_t control;
	uint8_t key[240];		/* as it was in memory */
	AES_KEY encrypt;
	AES_KEY decrypt;
};

struct Padlock {
	DeviceState parent;
	bool eflags;
	bool ts;
	bool pieces;
	uint32_t ahead;
	uint32_t empty;
	char *stats;
	uint32_t stores;		/* XSTOREs, for @empty */
};

/* of each CPU, used by its own thread */
static struct loaded_key loaded[MAX_CPUS];

/* under QEMU's big lock, which whoever delivers an exception holds */
static struct {
	uint64_t xcrypt, blocks, keys, stale, xsha, xstore, not_available, protection;
	uint64_t translated_again;
} counts;

static Padlock *padlock;
static struct TCGCPUOps tcg_ops;
static void (*deliver_exception)(CPUState *cs);

/* QEMU's own, declared in a header that is not meant for devices */
G_NORETURN void raise_exception(CPUX86State *env, int exception);
G_NORETURN void raise_exception_err(CPUX86State *env, int exception, int error);

/* --- registers and memory --------------------------------------------------- */

static target_ulong mask(CPUX86State *env)
{
	return env->hflags & HF_CS64_MASK ? ~(target_ulong)0 : 0xffffffffu;
}

static target_ulong reg(CPUX86State *env, int nr)
{
	return env->regs[nr] & mask(env);
}

static void set_reg(CPUX86State *env, int nr, target_ulong value)
{
	env->regs[nr] = value & mask(env);
}

static G_NORETURN void protection_fault(CPUX86State *env)
{
	counts.protection++;
	raise_exception_err(env, EXCP0D_GPF, 0);
}

/*
 * The host's address of guest memory, which does not cross a page.  Does not
 * return when the guest may not access it: then the guest has a page fault.
 */
static uint8_t *memory(CPUX86State *env, target_ulong addr, int size,
		       MMUAccessType access)
{
	uint8_t *p = probe_access(env, addr & mask(env), size, access,
				  cpu_mmu_index(env, false), 0);

	if (!p)
		protection_fault(env);
	return p;
}

/* The same for data that may cross one. */
static void read_memory(CPUX86State *env, target_ulong addr, void *to, size_t n)
{
	uint8_t *p = to;

	while (n) {
		size_t m = MIN(n, TARGET_PAGE_SIZE - (addr & ~TARGET_PAGE_MASK));

		memcpy(p, memory(env, addr, m, MMU_DATA_LOAD), m);
		addr += m;
		p += m;
		n -= m;
	}
}

static void write_memory(CPUX86State *env, target_ulong addr, const void *from,
			 size_t n)
{
	const uint8_t *p = from;

	while (n) {
		size_t m = MIN(n, TARGET_PAGE_SIZE - (addr & ~TARGET_PAGE_MASK));

		memcpy(memory(env, addr, m, MMU_DATA_STORE), p, m);
		addr += m;
		p += m;
		n -= m;
	}
}

/* --- XCRYPT ------------------------------------------------------------------ */

static unsigned int key_bytes(uint32_t control)
{
	return 16 + 8 * CW_SIZE(control);
}

/* What an expanded or a plain key takes in memory. */
static unsigned int key_in_memory(uint32_t control)
{
	return control & CW_EXPANDED ? BLOCK * ((control & CW_ROUNDS) + 1) :
				       key_bytes(control);
}

/* A schedule in memory, for whichever direction: bytes as in FIPS 197. */
static void take_schedule(AES_KEY *key, const uint8_t *bytes, int rounds)
{
	int i;

	for (i = 0; i < 4 * (rounds + 1); i++)
		key->rd_key[i] = ldl_be_p(bytes + 4 * i);
	key->rounds = rounds;
}

/* Read the key and the control word that the registers name. */
static void load_key(CPUX86State *env, struct loaded_key *k)
{
	int rounds;

	memset(k, 0, sizeof(*k));
	k->control = ldl_le_p(memory(env, reg(env, R_EDX), BLOCK, MMU_DATA_LOAD));
	rounds = k->control & CW_ROUNDS;
	/* the CPU expands keys of 128 bits alone */
	if (k->control & (CW_ALGORITHM | CW_INTERMEDIATE) || CW_SIZE(k->control) == 3 ||
	    rounds != 10 + 2 * (int)CW_SIZE(k->control) ||
	    (CW_SIZE(k->control) && !(k->control & CW_EXPANDED)))
		protection_fault(env);
	read_memory(env, reg(env, R_EBX), k->key, key_in_memory(k->control));
	if (k->control & CW_EXPANDED) {
		take_schedule(&k->encrypt, k->key, rounds);
		take_schedule(&k->decrypt, k->key, rounds);
	} else {
		AES_set_encrypt_key(k->key, 128, &k->encrypt);
		AES_set_decrypt_key(k->key, 128, &k->decrypt);
	}
	k->valid = true;
	counts.keys++;
}

/* Would another key be loaded than the one that the CPU uses? */
static bool is_stale(CPUX86State *env, const struct loaded_key *k)
{
	unsigned int n = key_in_memory(k->control);
	uint8_t now[sizeof(k->key)];

	if (ldl_le_p(memory(env, reg(env, R_EDX), BLOCK, MMU_DATA_LOAD)) != k->control)
		return true;
	read_memory(env, reg(env, R_EBX), now, n);
	return memcmp(now, k->key, n);
}

static void exor(uint8_t *to, const uint8_t *a, const uint8_t *b)
{
	int i;

	for (i = 0; i < BLOCK; i++)
		to[i] = a[i] ^ b[i];
}

/* One block; @iv becomes what the next one goes on from. */
static void xcrypt_block(const struct loaded_key *k, int opcode, uint8_t *iv,
			 uint8_t *to, const uint8_t *from)
{
	bool decrypt = k->control & CW_DECRYPT;
	uint8_t in[BLOCK], out[BLOCK] = { 0 };

	memcpy(in, from, BLOCK);
	switch (opcode) {
	case XCRYPT_ECB:
		if (decrypt)
			AES_decrypt(in, out, &k->decrypt);
		else
			AES_encrypt(in, out, &k->encrypt);
		break;
	case XCRYPT_CBC:
		if (decrypt) {
			AES_decrypt(in, out, &k->decrypt);
			exor(out, out, iv);
			memcpy(iv, in, BLOCK);
		} else {
			exor(out, in, iv);
			AES_encrypt(out, out, &k->encrypt);
			memcpy(iv, out, BLOCK);
		}
		break;
	case XCRYPT_CTR:
		AES_encrypt(iv, out, &k->encrypt);
		exor(out, out, in);
		/* the counter has 16 bits */
		stw_be_p(iv + 14, lduw_be_p(iv + 14) + 1);
		break;
	case XCRYPT_CFB:
		AES_encrypt(iv, out, &k->encrypt);
		exor(out, out, in);
		memcpy(iv, decrypt ? in : out, BLOCK);
		break;
	case XCRYPT_OFB:
		AES_encrypt(iv, iv, &k->encrypt);
		exor(out, in, iv);
		break;
	}
	memcpy(to, out, BLOCK);
}

/* Returns whether it came to its end. */
static bool xcrypt(CPUX86State *env, int opcode)
{
	struct loaded_key *k = &loaded[env_cpu(env)->cpu_index];
	target_ulong left = reg(env, R_ECX), n = MIN(left, AT_ONCE);
	bool chained = opcode != XCRYPT_ECB;
	uint8_t iv[BLOCK];
	target_ulong i;

	counts.xcrypt++;
	if (!left)
		return true;
	if ((reg(env, R_ESI) | reg(env, R_EDI) | reg(env, R_EDX) | reg(env, R_EBX) |
	     (chained ? reg(env, R_EAX) : 0)) & (BLOCK - 1))
		protection_fault(env);
	if (!padlock->eflags || !k->valid) {
		k->valid = false;
		load_key(env, k);
	} else if (is_stale(env, k)) {
		counts.stale++;
	}
	if (chained)
		memcpy(iv, memory(env, reg(env, R_EAX), BLOCK, MMU_DATA_LOAD), BLOCK);
	if (padlock->ahead)
		memory(env, reg(env, R_ESI) + BLOCK * (n + padlock->ahead) - 1, 1,
		       MMU_DATA_LOAD);

	for (i = 0; i < n; i++) {
		const uint8_t *from = memory(env, reg(env, R_ESI), BLOCK, MMU_DATA_LOAD);
		uint8_t *to = memory(env, reg(env, R_EDI), BLOCK, MMU_DATA_STORE);

		if (opcode == XCRYPT_CBC && !(k->control & CW_DECRYPT)) {
			/* the IV of the next is the cipher text where it lies */
			xcrypt_block(k, opcode, iv, to, from);
			set_reg(env, R_EAX, reg(env, R_EDI));
		} else if (chained) {
			uint8_t *place = memory(env, reg(env, R_EAX), BLOCK,
						MMU_DATA_STORE);

			xcrypt_block(k, opcode, iv, to, from);
			memcpy(place, iv, BLOCK);
		} else {
			xcrypt_block(k, opcode, NULL, to, from);
		}
		set_reg(env, R_ESI, reg(env, R_ESI) + BLOCK);
		set_reg(env, R_EDI, reg(env, R_EDI) + BLOCK);
		set_reg(env, R_ECX, reg(env, R_ECX) - 1);
		counts.blocks++;
	}
	return !reg(env, R_ECX);
}

/* --- XSHA -------------------------------------------------------------------- */

static const uint32_t sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* FIPS 180-2, 6.1.2 */
static void sha1_block(uint32_t *state, const uint8_t *block)
{
	static const uint32_t k[] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
	uint32_t w[80], f, t;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = ldl_be_p(block + 4 * i);
	for (; i < 80; i++)
		w[i] = rol32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (i = 0; i < 80; i++) {
		if (i < 20)
			f = (b & c) | (~b & d);
		else if (i >= 40 && i < 60)
			f = (b & c) | (b & d) | (c & d);
		else
			f = b ^ c ^ d;
		t = rol32(a, 5) + f + e + k[i / 20] + w[i];
		e = d;
		d = c;
		c = rol32(b, 30);
		b = a;
		a = t;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* FIPS 180-2, 6.2.2 */
static void sha256_block(uint32_t *state, const uint8_t *block)
{
	uint32_t w[64], v[8], t1, t2, s0, s1;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = ldl_be_p(block + 4 * i);
	for (; i < 64; i++) {
		s0 = ror32(w[i - 15], 7) ^ ror32(w[i - 15], 18) ^ (w[i - 15] >> 3);
		s1 = ror32(w[i - 2], 17) ^ ror32(w[i - 2], 19) ^ (w[i - 2] >> 10);
		w[i] = s1 + w[i - 7] + s0 + w[i - 16];
	}
	memcpy(v, state, sizeof(v));
	for (i = 0; i < 64; i++) {
		s1 = ror32(v[4], 6) ^ ror32(v[4], 11) ^ ror32(v[4], 25);
		t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha256_k[i] + w[i];
		s0 = ror32(v[0], 2) ^ ror32(v[0], 13) ^ ror32(v[0], 22);
		t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		state[i] += v[i];
}

static void hash_block(uint32_t *state, const uint8_t *block, int opcode)
{
	if (opcode == XSHA1)
		sha1_block(state, block);
	else
		sha256_block(state, block);
}

/* The last bytes of a message of @total, padded: FIPS 180-2, 5.1.1 */
static void hash_end(uint32_t *state, const uint8_t *rest, size_t n, uint64_t total,
		     int opcode)
{
	uint8_t end[2 * HASH_BLOCK] = { 0 };
	size_t size = n + 9 <= HASH_BLOCK ? HASH_BLOCK : 2 * HASH_BLOCK;

	memcpy(end, rest, n);
	end[n] = 0x80;
	stq_be_p(end + size - 8, total * 8);
	hash_block(state, end, opcode);
	if (size > HASH_BLOCK)
		hash_block(state, end + HASH_BLOCK, opcode);
}

/* Returns whether it came to its end. */
static bool xsha(CPUX86State *env, int opcode)
{
	size_t bytes = opcode == XSHA1 ? 20 : 32;
	bool pieces = padlock->pieces && reg(env, R_EAX) == mask(env);
	uint8_t block[HASH_BLOCK];
	uint32_t state[8];
	target_ulong n;
	int turn;

	counts.xsha++;
	/* a whole message of no bytes has a digest, as mainline's driver expects */
	if (pieces && !reg(env, R_ECX))
		return true;
	if (reg(env, R_EDI) & (BLOCK - 1))
		protection_fault(env);

	for (turn = 0; turn < HASH_AT_ONCE; turn++) {
		n = HASH_BLOCK;
		if (!pieces)
			n = MIN(n, reg(env, R_ECX) - reg(env, R_EAX));
		read_memory(env, reg(env, R_EDI), state, bytes);
		read_memory(env, reg(env, R_ESI), block, n);
		if (n == HASH_BLOCK)
			hash_block(state, block, opcode);
		else
			hash_end(state, block, n, reg(env, R_ECX), opcode);
		write_memory(env, reg(env, R_EDI), state, bytes);
		set_reg(env, R_ESI, reg(env, R_ESI) + n);
		if (pieces) {
			set_reg(env, R_ECX, reg(env, R_ECX) - 1);
			if (!reg(env, R_ECX))
				return true;
		} else {
			set_reg(env, R_EAX, reg(env, R_EAX) + n);
			if (n < HASH_BLOCK) {
				set_reg(env, R_ECX, 0);
				return true;
			}
		}
	}
	return false;
}

/* --- XSTORE ------------------------------------------------------------------ */

/* By itself: up to 8 bytes, EAX tells how many.  With REP: ECX bytes. */
static bool xstore(CPUX86State *env, bool rep)
{
	unsigned int n = 8 >> (env->regs[R_EDX] & 3);
	uint8_t bytes[8];

	counts.xstore++;
	if (rep)
		n = MIN(sizeof(bytes), reg(env, R_ECX));
	else if (padlock->empty && ++padlock->stores % padlock->empty == 0)
		n = 0;
	if (n) {
		qemu_guest_getrandom_nofail(bytes, sizeof(bytes));
		write_memory(env, reg(env, R_EDI), bytes, n);
		set_reg(env, R_EDI, reg(env, R_EDI) + n);
	}
	if (rep)
		set_reg(env, R_ECX, reg(env, R_ECX) - n);
	set_reg(env, R_EAX, 0x40 | n);		/* enabled */
	return !rep || !reg(env, R_ECX);
}

/* --- which instruction it is -------------------------------------------------- */

/* Returns whether the instruction was one of ours and is done. */
static bool emulate(CPUX86State *env)
{
	uint32_t units = env->features[FEAT_C000_0001_EDX];
	target_ulong pc = env->segs[R_CS].base + env->eip;
	uint8_t code[4];
	bool rep, ended;
	int size, last;

	if (!(env->hflags & (HF_CS64_MASK | HF_CS32_MASK)))
		return false;
	size = 3;
	if (cpu_memory_rw_debug(env_cpu(env), pc, code, size, false))
		return false;
	rep = code[0] == 0xf3;
	if (rep) {
		if (cpu_memory_rw_debug(env_cpu(env), pc + size, code + size, 1, false))
			return false;
		size++;
	}
	if (code[rep] != 0x0f || (code[rep + 1] != 0xa6 && code[rep + 1] != 0xa7))
		return false;
	last = code[rep + 2];

	if (code[rep + 1] == 0xa6) {
		if (!rep || (last != XSHA1 && last != XSHA256) ||
		    (units & UNIT_PHE) != UNIT_PHE)
			return false;
	} else if (last == XSTORE) {
		if ((units & UNIT_RNG) != UNIT_RNG)
			return false;
	} else {
		uint32_t need = UNIT_ACE | (last == XCRYPT_CTR ? UNIT_ACE2 : 0);

		if (!rep || last < XCRYPT_ECB || last > XCRYPT_OFB || last & 7 ||
		    (units & need) != need)
			return false;
	}

	if (padlock->ts && env->cr[0] & CR0_TS_MASK) {
		/* user space has no other way to get at the FPU */
		if ((env->hflags & HF_CPL_MASK) < 3)
			counts.not_available++;
		raise_exception(env, EXCP07_PREX);
	}
	if (code[rep + 1] == 0xa6)
		ended = xsha(env, last);
	else if (last == XSTORE)
		ended = xstore(env, rep);
	else
		ended = xcrypt(env, last);
	/* else it is begun again, after an interrupt perhaps */
	if (ended)
		env->eip = (env->eip + size) & mask(env);
	return true;
}

/*
 * Nothing of PadLock, but whoever delivers exceptions can help it: this QEMU does
 * not see that another CPU writes to code while it translates it, and keeps what
 * was there before.  Linux puts INT3 where it is about to change an instruction, so
 * a CPU may get exceptions without end from one that is gone.
 */
static bool int3_is_gone(CPUState *cs)
{
	CPUX86State *env = &X86_CPU(cs)->env;
	uint8_t code;

	return cs->exception_index == EXCP03_INT3 && env->exception_is_int &&
	       env->exception_next_eip == env->eip + 1 &&
	       !cpu_memory_rw_debug(cs, env->segs[R_CS].base + env->eip, &code, 1,
				    false) &&
	       code != 0xcc;
}

static void padlock_do_interrupt(CPUState *cs)
{
	if (int3_is_gone(cs)) {
		counts.translated_again++;
		tb_flush(cs);
		return;
	}
	if (cs->exception_index != EXCP06_ILLOP || !emulate(&X86_CPU(cs)->env))
		deliver_exception(cs);
}

/* --- loads of EFLAGS ----------------------------------------------------------- */

static void eflags_loaded(unsigned int cpu, void *unused)
{
	loaded[cpu].valid = false;
}

/* REX prefixes are instructions of one byte elsewhere, and end there. */
static bool loads_eflags(const uint8_t *code, size_t size)
{
	static const uint8_t prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e,
					    0x36, 0x3e, 0x64, 0x65 };

	while (size > 1 && (memchr(prefixes, *code, sizeof(prefixes)) ||
			    (*code & 0xf0) == 0x40)) {
		code++;
		size--;
	}
	return *code == 0x9d ||				/* popf */
	       *code == 0xcf ||				/* iret */
	       (*code == 0x0f && size > 1 && code[1] == 0x07);	/* sysret */
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (loads_eflags(qemu_plugin_insn_data(insn),
				 qemu_plugin_insn_size(insn)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, eflags_loaded,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

/* --- the device ----------------------------------------------------------------- */

static void write_stats(qemu_plugin_id_t id, void *unused)
{
	FILE *file;

	if (!padlock || !padlock->stats)
		return;
	file = fopen(padlock->stats, "w");
	if (!file) {
		error_report("via-padlock: %s: %s", padlock->stats, strerror(errno));
		return;
	}
#define SHOW(name) fprintf(file, "%s %" PRIu64 "\n", #name, counts.name)
	SHOW(xcrypt);
	SHOW(blocks);
	SHOW(keys);
	SHOW(stale);
	SHOW(xsha);
	SHOW(xstore);
	SHOW(not_available);
	SHOW(protection);
	SHOW(translated_again);
	fclose(file);
}

static void padlock_realize(DeviceState *dev, Error **errp)
{
	CPUClass *cc;

	if (padlock) {
		error_setg(errp, "one is enough for all CPUs");
		return;
	}
	if (!first_cpu || !object_dynamic_cast(OBJECT(first_cpu), TYPE_X86_CPU)) {
		error_setg(errp, "there is no x86 CPU");
		return;
	}
	cc = CPU_GET_CLASS(first_cpu);
	if (!cc->tcg_ops || !cc->tcg_ops->do_interrupt) {
		error_setg(errp, "works with TCG alone");
		return;
	}
	if (!(X86_CPU(first_cpu)->env.features[FEAT_C000_0001_EDX])) {
		error_setg(errp, "-cpu shows no PadLock");
		return;
	}
	padlock = PADLOCK(dev);
	tcg_ops = *cc->tcg_ops;
	deliver_exception = tcg_ops.do_interrupt;
	tcg_ops.do_interrupt = padlock_do_interrupt;
	cc->tcg_ops = &tcg_ops;
}

static Property padlock_properties[] = {
	DEFINE_PROP_BOOL("eflags", Padlock, eflags, true),
	DEFINE_PROP_UINT32("ahead", Padlock, ahead, 0),
	DEFINE_PROP_BOOL("ts", Padlock, ts, true),
	DEFINE_PROP_BOOL("pieces", Padlock, pieces, true),
	DEFINE_PROP_UINT32("empty", Padlock, empty, 0),
	DEFINE_PROP_STRING("stats", Padlock, stats),
	DEFINE_PROP_END_OF_LIST(),
};

static void padlock_class_init(ObjectClass *class, void *data)
{
	DeviceClass *device = DEVICE_CLASS(class);

	device->realize = padlock_realize;
	device->user_creatable = true;
	device->hotpluggable = false;
	device->desc = "VIA PadLock";
	device_class_set_props(device, padlock_properties);
	set_bit(DEVICE_CATEGORY_MISC, device->categories);
}

static const TypeInfo padlock_type = {
	.name = TYPE_PADLOCK,
	.parent = TYPE_DEVICE,
	.instance_size = sizeof(Padlock),
	.class_init = padlock_class_init,
};

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* as DEVICE_PLUGIN() does, and more: it sees what is translated */
QEMU_PLUGIN_EXPORT int
qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	if (argc) {
		error_report("via-padlock: a plugin without arguments: "
			     "properties go to -device");
		return -1;
	}
	if (info->system_emulation && info->system.max_vcpus > MAX_CPUS) {
		error_report("via-padlock: %d CPUs at most", MAX_CPUS);
		return -1;
	}
	if (!device_fits("via-padlock", "qemu64-x86_64-cpu", sizeof(X86CPU)))
		return -1;
	type_register_static(&padlock_type);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, write_stats, NULL);
	return 0;
}
