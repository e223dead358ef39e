// SPDX-License-Identifier: GPL-2.0
/*
 * Model of the HIFN 7955 and 7956, PCI cryptographic accelerators, for Debian's
 * unmodified QEMU: -plugin hifn795x.so -device hifn795x[,property=value]...
 *
 * Properties:
 *	chip=7955|7956		which of the two (7955); they differ by PCI id alone
 *	latency-ns=N		time of a command, without its data (5000)
 *	rate=BYTES		source bytes a second (0: no limit)
 *	poll-ns=N		how often an idle chip looks into its rings (25000)
 *	strict=on|off		without the unlock sequence nothing is encrypted (on)
 *	fault=KIND		what breaks, by name (fault_names[] below)
 *	fault-ring=RING		which ring reports it: command, source, result,
 *				destination (destination)
 *	fault-after=N		after N good commands (0)
 *	fault-times=N		so often, each after N good commands; 0: for ever (1)
 *	ending=FILE		when QEMU ends, "running" or "stopped": would the chip
 *				go on reading its rings?
 *
 * All time is the guest's (QEMU_CLOCK_VIRTUAL), so runs are repeatable under
 * -icount.  One command is in work at a time; it is read when it starts, and its
 * results appear when its time is over.  With latency-ns=0 and no rate that is at
 * once, in the register write that starts it.
 *
 * What the guest can read and steer beside the chip, from any kernel, stands in
 * PCI configuration space from 0xa0 on: enum model_register.
 *
 * What a driver does wrong without being told so by a chip (it waits too little,
 * say) is counted as misuse, and told in QEMU's log (-d guest_errors).
 *
 * README says which part of it a driver that is not ours has confirmed.  Here,
 * "not confirmed" stands where nothing has.
 */

#include "device.h"
#include "qemu/bswap.h"
#include "qemu/guest-random.h"
#include "qemu/log.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "crypto/cipher.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "hw/pci/pci.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"

#define TYPE_HIFN795X	"hifn795x"
OBJECT_DECLARE_SIMPLE_TYPE(Hifn, HIFN795X)

/* --- the chip's registers and structures ---------------------------------- */

enum { CMD, SRC, RES, DST, RINGS };

/* BAR 0, processing unit */
#define PUCTRL		0x04
#define	  PUCTRL_RESET		0x01
#define	  PUCTRL_DMA		0x02
#define PUISR		0x08
#define	  PU_BAD_COMMAND	0x8000
#define	  PU_DST_OVERRUN	0x0200
#define PUCNFG		0x0c
#define PUIER		0x10
#define PUSTAT		0x14
#define	  PUSTAT_LEVEL_0	0x3000
#define	  PUSTAT_LEVEL_2	0x1100
#define	  PUSTAT_REVISION	0x20
#define FIFOSTAT	0x18
#define FIFOCNFG	0x1c

/* BAR 1, DMA; ring bases are at 0x0c + 0x10 * ring */
#define RING_BASE	0x0c
#define CSR		0x40
#define	  CSR_STATUS		0x3e3e3c3fu
#define	  CSR_LATCHED		0x3e3e3c3cu
#define	  CSR_PUBDONE		0x02
#define	  CSR_ENGINE		0x01
/* in a ring's byte of CSR */
#define	  RING_ENABLE		0x80u
#define	  RING_DISABLE		0x40u
#define	  RING_ABORT		0x20u
#define	  RING_DONE		0x10u
#define	  RING_LAST		0x08u
#define	  RING_WAIT		0x04u
#define	  RING_OVER		0x02u
#define IER		0x44
#define CNFG		0x48
#define	  CNFG_MASTER		0x01	/* 0: master reset */
#define	  CNFG_DMA		0x02	/* 0: DMA reset */
#define	  CNFG_MODE		0x04
#define	  CNFG_RUN		(CNFG_MASTER | CNFG_DMA | CNFG_MODE)
#define	  CNFG_UNLOCK		0x800
#define	  CNFG_BIG_ENDIAN	0x10000000
#define PLL		0x4c
#define	  PLL_BYPASS		0x02
#define	  PLL_ONE		0x400
#define	  PLL_PUMP		0x10000
#define REVID		0x98
#define SECRET1		0xf4
#define SECRET2		0xfc
#define PUB_RESET	0x204
#define PUB_OP		0x308
#define	  PUB_OPCODE		0x3c0000
#define PUB_STATUS	0x30c
#define PUB_IEN		0x310
#define RNG_CONFIG	0x314
#define RNG_DATA	0x318

/* a descriptor's first word; the second is an address */
#define D_VALID		0x80000000u
#define D_JUMP		0x40000000u
#define D_LAST		0x20000000u
#define D_OVER		0x08000000u
#define D_DESTOVER	0x04000000u
#define D_NO_DONE	0x02000000u
#define D_KEEP_VALID	0x01000000u
#define D_LENGTH	0xffffu

/* base command */
#define BASE_MAC	0x0400
#define BASE_CRYPT	0x0800
#define BASE_DECODE	0x2000
#define BASE_KNOWN	(BASE_MAC | BASE_CRYPT | BASE_DECODE)
#define RESULT_OVERRUN	0x0200

/* crypt command */
#define CRYPT_ALGORITHM	0x0003
enum { ALG_DES, ALG_3DES, ALG_RC4, ALG_AES };
#define CRYPT_MODE	0x0018
#define CRYPT_ECB	0x0000
#define CRYPT_CBC	0x0008
#define CRYPT_CLEAR	0x0040
#define CRYPT_NEW_KEY	0x0800
#define CRYPT_NEW_IV	0x1000

/* MAC command */
#define MAC_MD5		0x0001	/* else SHA-1 */
#define MAC_MODE	0x000c
#define MAC_HMAC	0x0000
#define MAC_HASH	0x0008	/* without a key */
#define MAC_TRUNCATE	0x0010	/* to 12 bytes */
#define MAC_RESULT	0x0020	/* into the result */
#define MAC_APPEND	0x0040	/* to the destination */
#define MAC_IPSEC	0x0200	/* over what is encrypted */
#define MAC_NEW_KEY	0x0800
#define MAC_KEY		64

/* --- the model ------------------------------------------------------------ */

/* most descriptors of one command in one ring, and most jumps among them */
#define MAX_DESCRIPTORS	4096
#define MAX_JUMPS	4
#define MAX_COMMAND	512
/* lengths have 18 bits; the MAC may follow */
#define MAX_DATA	(1 << 18)
/* commands done before the rest of QEMU gets a turn */
#define BURST		256
/* without work for so long, a chip is polled less often: a concession to the host */
#define DROWSY_NS	(10 * SCALE_MS)
#define DROWSY_FACTOR	16
#define RESET_NS	(100 * SCALE_US)
#define RNG_NS		SCALE_US
#define RAM_SIZE	0x8000
/* 32 KiB of 128 bytes each, which is what PUCNFG 0x10342 selects */
#define CONTEXTS	256

enum fault {
	FAULT_NONE,
	FAULT_ABORT,		/* a ring's PCI access was aborted */
	FAULT_MASTER_ABORT,	/* the same, and nobody had answered */
	FAULT_OVERFLOW,		/* the destination overran */
	FAULT_STUCK,		/* nothing more happens until a reset */
	FAULT_LOST_INTERRUPT,	/* done, but not reported */
	FAULT_CORRUPT,		/* a bit of the output is wrong */
	FAULT_BAD_COMMAND,	/* the chip didn't understand it */
	FAULT_DEAD,		/* the chip doesn't answer any more, until disarmed */
	FAULT_REFUSED_MAC,	/* a command for the MAC engine is not understood */
	/* what is no matter of commands; as long as it is armed: */
	FAULT_RNG,		/* random numbers are the same again and again */
	FAULT_POWER,		/* switched off when it may not be master any more */
	/* when it is armed: */
	FAULT_LEFT,		/* as another kernel left it: its rings are enabled */
	FAULTS
};

static const char *const fault_names[FAULTS] = {
	[FAULT_NONE] = "none",
	[FAULT_ABORT] = "abort",
	[FAULT_MASTER_ABORT] = "master-abort",
	[FAULT_OVERFLOW] = "overflow",
	[FAULT_STUCK] = "stuck",
	[FAULT_LOST_INTERRUPT] = "lost-interrupt",
	[FAULT_CORRUPT] = "corrupt",
	[FAULT_BAD_COMMAND] = "bad-command",
	[FAULT_DEAD] = "dead",
	[FAULT_REFUSED_MAC] = "refused-mac",
	[FAULT_RNG] = "rng",
	[FAULT_POWER] = "power",
	[FAULT_LEFT] = "left",
};

static const char *const ring_names[RINGS] = {
	"command", "source", "result", "destination",
};

/*
 * In PCI configuration space, 32 bits each, to be accessed as such; not a part
 * of the chip.  Counters are of 32 bits and wrap.
 */
enum model_register {
	MODEL_ID = 0xa0,	/* "HIFN" */
	MODEL_FAULT = 0xa4,	/* write enum fault | ring << 8: arm; 0: disarm, and */
				/* what is dead comes back, as after power-on */
	MODEL_AFTER = 0xa8,	/* good commands before each time; write before FAULT */
	MODEL_TIMES = 0xac,	/* how often; 0: for ever; write before FAULT */
	MODEL_CLEAR = 0xb0,	/* write: all counters become 0 */
	MODEL_COUNTERS = 0xb4,	/* enum counter, in order */
};

enum counter {
	COMMANDS,	/* b4: started */
	DONE,		/* b8: completed, well or not */
	INTERRUPTS,	/* bc: times that the line was raised */
	DOORBELLS,	/* c0: writes to CSR that enable a ring */
	BYTES,		/* c4: source bytes of completed commands */
	FUSED,		/* c8: commands for both engines */
	MACS,		/* cc: commands for the MAC engine alone */
	FIRED,		/* d0: faults that came about */
	BAD,		/* d4: commands not understood, those of a fault not counted */
	ABORTS,		/* d8: accesses refused: no memory there, or beyond 4 GiB */
	RESETS,		/* dc: DMA resets and resets of the processing unit */
	MISUSES,	/* e0: see the top */
	READS,		/* e4: register reads */
	WRITES,		/* e8: register writes */
	DESCRIPTORS,	/* ec: completed */
	COUNTERS
};

/* read: in how many commands of the ring a key stands, in the guest's memory */
#define MODEL_KEYS	(MODEL_COUNTERS + 4 * COUNTERS)
#define MODEL_END	(MODEL_KEYS + 4)

struct descriptor {
	uint32_t at;
	uint32_t word;
	uint32_t address;
};

struct ring {
	uint32_t base;
	uint32_t next;		/* where the next descriptor is */
	uint32_t after;		/* the same when the command in work is done */
	bool enabled;
	bool waiting;		/* WAIT was reported */
	GArray *chain;		/* descriptors of the command in work */
	size_t room;		/* their bytes */
};

/* what the chip's RAM holds of a session; how it is laid out there isn't known */
struct context {
	uint8_t key[32];
	uint8_t iv[16];
	uint8_t mac_key[MAC_KEY];
};

/* the command in work */
struct job {
	bool running;
	bool bad;
	enum fault fault;
	int64_t end;
	uint16_t masks;
	uint16_t session;
	size_t source;		/* bytes */
	size_t destination;	/* bytes that the command expects */
	size_t output;		/* bytes that there are */
	uint8_t result[64];
	size_t result_size;
};

struct Hifn {
	PCIDevice pci;
	MemoryRegion bar[3];
	QEMUTimer *timer;

	struct ring ring[RINGS];
	struct context context[CONTEXTS];
	struct job job;
	uint8_t *data;
	int64_t last_work;
	bool advancing;
	bool halted;		/* until a reset */
	bool dead;

	uint32_t csr, ier, cnfg, pll;
	uint32_t puctrl, puisr, pucnfg, puier, fifocnfg;
	uint32_t pub_ien, pub_status, pub_op;
	int64_t pu_reset_end, pub_reset_end;
	bool rng_on;
	uint32_t rng_word;
	int64_t rng_ready;
	uint32_t secret;
	int unlock_step;	/* signatures written; negative: not begun or failed */
	bool unlocked;
	bool line;

	uint32_t fault_word, fault_after, fault_times;
	uint32_t fault_countdown, fault_left;
	uint32_t counter[COUNTERS];

	uint32_t chip;
	uint32_t latency_ns, poll_ns;
	uint64_t rate;
	bool strict;
	char *fault_name, *fault_ring, *ending;
};

static void hifn_advance(Hifn *s);

static int64_t hifn_now(void)
{
	return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void G_GNUC_PRINTF(2, 3) hifn_misuse(Hifn *s, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	s->counter[MISUSES]++;
	qemu_log_mask(LOG_GUEST_ERROR, "hifn795x %02x.%x: %s\n",
		      PCI_SLOT(s->pci.devfn), PCI_FUNC(s->pci.devfn), text);
}

/* --- interrupts ----------------------------------------------------------- */

/* CSR as the guest reads it, without the enable bits */
static uint32_t hifn_csr(Hifn *s)
{
	uint32_t csr = s->csr;

	if (s->puisr & s->puier)
		csr |= CSR_ENGINE;
	if (s->pub_status & s->pub_ien & 1)
		csr |= CSR_PUBDONE;
	return csr;
}

static void hifn_update_line(Hifn *s)
{
	bool line = !s->dead && (hifn_csr(s) & s->ier & CSR_STATUS);

	if (line && !s->line)
		s->counter[INTERRUPTS]++;
	s->line = line;
	pci_set_irq(&s->pci, line);
}

static void hifn_report(Hifn *s, int ring, uint32_t bits)
{
	s->csr |= bits << (8 * ring) & CSR_LATCHED;
}

/* --- DMA ------------------------------------------------------------------ */

/* a ring can't go on: its status says so, and all stands still until a reset */
static void hifn_abort(Hifn *s, int ring)
{
	hifn_report(s, ring, RING_ABORT);
	s->ring[ring].enabled = false;
	s->job.running = false;
	s->halted = true;
}

static void hifn_master_abort(Hifn *s, int ring)
{
	pci_word_test_and_set_mask(s->pci.config + PCI_STATUS,
				   PCI_STATUS_REC_MASTER_ABORT);
	hifn_abort(s, ring);
}

/* only memory answers, and addresses have 32 bits: they don't wrap */
static bool hifn_dma(Hifn *s, int ring, uint32_t address, void *data, size_t size,
		     bool write)
{
	const MemTxAttrs memory = { .memory = 1 };

	if ((uint64_t)address + size <= 1ull << 32 &&
	    pci_dma_rw(&s->pci, address, data, size,
		       write ? DMA_DIRECTION_FROM_DEVICE : DMA_DIRECTION_TO_DEVICE,
		       memory) == MEMTX_OK)
		return true;
	s->counter[ABORTS]++;
	hifn_master_abort(s, ring);
	return false;
}

static bool hifn_read_descriptor(Hifn *s, int ring, uint32_t at, struct descriptor *d)
{
	uint32_t words[2];

	if (!hifn_dma(s, ring, at, words, sizeof(words), false))
		return false;
	d->at = at;
	d->word = le32_to_cpu(words[0]);
	d->address = le32_to_cpu(words[1]);
	return true;
}

/* The descriptors of the next command, to the one with LAST.  False: not yet. */
static bool hifn_gather(Hifn *s, int ring)
{
	struct ring *r = &s->ring[ring];
	uint32_t at = r->next;
	struct descriptor d;
	int jumps = 0;

	g_array_set_size(r->chain, 0);
	r->room = 0;
	if (!r->enabled)
		return false;
	for (;;) {
		if (!hifn_read_descriptor(s, ring, at, &d))
			return false;
		if (!(d.word & D_VALID))
			break;
		if (r->chain->len == MAX_DESCRIPTORS ||
		    (d.word & D_JUMP && jumps++ == MAX_JUMPS)) {
			hifn_misuse(s, "%s ring without an end", ring_names[ring]);
			hifn_abort(s, ring);
			return false;
		}
		g_array_append_val(r->chain, d);
		if (d.word & D_JUMP) {
			at = d.address;
			continue;
		}
		r->room += d.word & D_LENGTH;
		at += sizeof(uint32_t) * 2;
		if (d.word & D_LAST) {
			r->after = at;
			return true;
		}
	}
	if (!r->waiting) {
		r->waiting = true;
		hifn_report(s, ring, RING_WAIT);
	}
	return false;
}

/*
 * Between the memory of a ring's chain and @data.  Drivers for these chips keep
 * what it writes aligned to 4 bytes, in address and length; here a chip drops the
 * low bits of such an address, which is not confirmed.
 */
static bool hifn_transfer(Hifn *s, int ring, uint8_t *data, size_t size, bool write)
{
	GArray *chain = s->ring[ring].chain;
	guint i;

	for (i = 0; i < chain->len && size; i++) {
		struct descriptor *d = &g_array_index(chain, struct descriptor, i);
		size_t length = MIN(d->word & D_LENGTH, size);

		if (d->word & D_JUMP)
			continue;
		if (write && (d->address & 3 || (d->word & 3 && !(d->word & D_LAST))))
			hifn_misuse(s, "%s at %08x, %u bytes: not aligned",
				    ring_names[ring], d->address, d->word & D_LENGTH);
		if (!hifn_dma(s, ring, write ? d->address & ~3u : d->address, data,
			      length, write))
			return false;
		data += length;
		size -= length;
	}
	return true;
}

/* Give a ring's chain back to the driver. */
static bool hifn_retire(Hifn *s, int ring, uint32_t flags)
{
	struct ring *r = &s->ring[ring];
	uint32_t status = 0;
	guint i;

	for (i = 0; i < r->chain->len; i++) {
		struct descriptor *d = &g_array_index(r->chain, struct descriptor, i);
		uint32_t word = d->word;

		if (!(word & D_KEEP_VALID))
			word &= ~D_VALID;
		if (!(word & D_JUMP)) {
			if (word & D_LAST)
				word |= flags;
			if (!(word & D_NO_DONE))
				status |= RING_DONE | (word & D_LAST ? RING_LAST : 0);
			s->counter[DESCRIPTORS]++;
		}
		word = cpu_to_le32(word);
		if (!hifn_dma(s, ring, d->at, &word, sizeof(word), true))
			return false;
	}
	r->next = r->after;
	r->waiting = false;
	if (s->job.fault != FAULT_LOST_INTERRUPT)
		hifn_report(s, ring, status | (flags ? RING_OVER : 0));
	return true;
}

/* --- the engines ---------------------------------------------------------- */

static bool hifn_complain(Error *error)
{
	warn_reportf_err(error, "hifn795x: QEMU's crypto library: ");
	return false;
}

static size_t hifn_key_size(uint16_t masks)
{
	switch (masks & CRYPT_ALGORITHM) {
	case ALG_DES:	return 8;
	case ALG_3DES:	return 24;
	case ALG_AES:	return 16 + 8 * (masks >> 9 & 3);
	default:	return 0;
	}
}

static size_t hifn_block_size(uint16_t masks)
{
	return (masks & CRYPT_ALGORITHM) == ALG_AES ? 16 : 8;
}

/* what this model encrypts: no RC4, neither CFB nor OFB, no fourth AES key size */
static bool hifn_crypt_known(uint16_t masks)
{
	size_t key = hifn_key_size(masks);
	uint16_t mode = masks & CRYPT_MODE;

	return key && key <= 32 && (mode == CRYPT_ECB || mode == CRYPT_CBC);
}

static bool hifn_crypt(struct context *context, uint16_t masks, bool decode,
		       uint8_t *data, size_t size)
{
	static const QCryptoCipherAlgorithm algorithms[] = {
		[ALG_DES] = QCRYPTO_CIPHER_ALG_DES,
		[ALG_3DES] = QCRYPTO_CIPHER_ALG_3DES,
	};
	static const QCryptoCipherAlgorithm aes[] = {
		QCRYPTO_CIPHER_ALG_AES_128,
		QCRYPTO_CIPHER_ALG_AES_192,
		QCRYPTO_CIPHER_ALG_AES_256,
	};
	unsigned int algorithm = masks & CRYPT_ALGORITHM;
	bool cbc = (masks & CRYPT_MODE) == CRYPT_CBC;
	size_t block = hifn_block_size(masks), key = hifn_key_size(masks);
	g_autoptr(QCryptoCipher) cipher = NULL;
	uint8_t last[16];
	Error *error = NULL;

	if (size % block)
		return false;
	if (!size)
		return true;
	cipher = qcrypto_cipher_new(algorithm == ALG_AES ? aes[(key - 16) / 8] :
				    algorithms[algorithm],
				    cbc ? QCRYPTO_CIPHER_MODE_CBC :
				    QCRYPTO_CIPHER_MODE_ECB, context->key, key, &error);
	if (!cipher)
		return hifn_complain(error);
	if (cbc && qcrypto_cipher_setiv(cipher, context->iv, block, &error) < 0)
		return hifn_complain(error);
	/* the next command of the session goes on from here unless it has an IV */
	memcpy(last, data + size - block, block);
	if ((decode ? qcrypto_cipher_decrypt(cipher, data, data, size, &error) :
	     qcrypto_cipher_encrypt(cipher, data, data, size, &error)) < 0)
		return hifn_complain(error);
	if (cbc)
		memcpy(context->iv, decode ? last : data + size - block, block);
	return true;
}

/* @digest has room for 20 bytes; the digest's size, 0: failed */
static size_t hifn_mac(struct context *context, uint16_t masks, const uint8_t *data,
		       size_t size, uint8_t *digest)
{
	QCryptoHashAlgorithm algorithm = masks & MAC_MD5 ? QCRYPTO_HASH_ALG_MD5 :
					 QCRYPTO_HASH_ALG_SHA1;
	g_autofree uint8_t *output = NULL;
	size_t length = 0;
	Error *error = NULL;

	if ((masks & MAC_MODE) == MAC_HASH) {
		if (qcrypto_hash_bytes(algorithm, (const char *)data, size, &output,
				       &length, &error) < 0)
			return hifn_complain(error);
	} else {
		g_autoptr(QCryptoHmac) hmac = NULL;

		/* a shorter key filled up with zeros is the same key */
		hmac = qcrypto_hmac_new(algorithm, context->mac_key, MAC_KEY, &error);
		if (!hmac || qcrypto_hmac_bytes(hmac, (const char *)data, size, &output,
						&length, &error) < 0)
			return hifn_complain(error);
	}
	if (masks & MAC_TRUNCATE)
		length = 12;
	memcpy(digest, output, length);
	return length;
}

/* a part of the command that has @size bytes, of which @used are read */
struct reader {
	const uint8_t *data;
	size_t size;
	size_t used;
};

/* the next bytes of a command; NULL: it is too short */
static const uint8_t *hifn_take(struct reader *reader, size_t size)
{
	const uint8_t *data = reader->data + reader->used;

	if (reader->size - reader->used < size)
		return NULL;
	reader->used += size;
	return data;
}

/* one engine's part of a command */
struct part {
	uint16_t masks;
	size_t skip;
	size_t count;
};

static bool hifn_take_part(struct reader *reader, struct part *part, size_t source)
{
	const uint8_t *p = hifn_take(reader, 8);

	if (!p)
		return false;
	part->masks = lduw_le_p(p);
	part->skip = lduw_le_p(p + 2);
	part->count = lduw_le_p(p + 4) | (size_t)(part->masks >> 14) << 16;
	return part->skip + part->count <= source;
}

static bool hifn_take_key(struct reader *reader, uint8_t *to, size_t size)
{
	const uint8_t *p = hifn_take(reader, size);

	if (p)
		memcpy(to, p, size);
	return p;
}

/*
 * Does the command in @data, on the source in s->data.  False: a bad command.
 *
 * Order in a command: base, MAC, crypt, MAC key, cipher key, IV.  Order in a
 * result: base, MAC (flags, reserved, digest), crypt (flags, reserved).  MAC and
 * cipher each work on their own part of the source; what belongs to neither
 * passes through.  With MAC_IPSEC the MAC is over the encrypted side, else over
 * the plain one.
 */
static bool hifn_execute(Hifn *s, const uint8_t *data, size_t size)
{
	struct job *job = &s->job;
	struct context *context = &s->context[job->session % CONTEXTS];
	struct reader reader = { .data = data, .size = size, .used = 8 };
	bool crypt = job->masks & BASE_CRYPT, mac = job->masks & BASE_MAC;
	bool decode = job->masks & BASE_DECODE, mac_first;
	struct part c = {}, m = {};
	uint8_t digest[20];
	size_t length = 0;

	if (job->masks & ~BASE_KNOWN)
		return false;
	if (mac && (!hifn_take_part(&reader, &m, job->source) ||
		    ((m.masks & MAC_MODE) != MAC_HMAC &&
		     (m.masks & MAC_MODE) != MAC_HASH)))
		return false;
	if (crypt && (!hifn_take_part(&reader, &c, job->source) ||
		      !hifn_crypt_known(c.masks)))
		return false;
	if (crypt && c.masks & CRYPT_CLEAR)
		memset(context, 0, sizeof(*context));
	if (mac && m.masks & MAC_NEW_KEY &&
	    !hifn_take_key(&reader, context->mac_key, MAC_KEY))
		return false;
	if (crypt && c.masks & CRYPT_NEW_KEY &&
	    !hifn_take_key(&reader, context->key, hifn_key_size(c.masks)))
		return false;
	if (crypt && c.masks & CRYPT_NEW_IV &&
	    !hifn_take_key(&reader, context->iv, hifn_block_size(c.masks)))
		return false;
	if ((crypt || mac) && s->strict && !s->unlocked) {
		hifn_misuse(s, "a command, but the chip is locked");
		return false;
	}

	s->counter[FUSED] += crypt && mac;
	s->counter[MACS] += mac && !crypt;
	mac_first = !crypt || (m.masks & MAC_IPSEC ? decode : !decode);
	if (mac && mac_first) {
		length = hifn_mac(context, m.masks, s->data + m.skip, m.count, digest);
		if (!length)
			return false;
	}
	if (crypt && !hifn_crypt(context, c.masks, decode, s->data + c.skip, c.count))
		return false;
	if (mac && !mac_first) {
		length = hifn_mac(context, m.masks, s->data + m.skip, m.count, digest);
		if (!length)
			return false;
	}

	if (mac) {
		uint8_t *to = job->result + job->result_size;

		stl_le_p(to, 0);
		job->result_size += 4;
		if (m.masks & MAC_RESULT) {
			memcpy(to + 4, digest, length);
			job->result_size += length;
		}
		if (m.masks & MAC_APPEND) {
			memcpy(s->data + job->output, digest, length);
			job->output += length;
		}
	}
	if (crypt) {
		stl_le_p(job->result + job->result_size, 0);
		job->result_size += 4;
	}
	return true;
}

/* --- faults --------------------------------------------------------------- */

static int hifn_fault_ring(Hifn *s)
{
	return s->fault_word >> 8 & 3;
}

static enum fault hifn_armed(Hifn *s)
{
	return s->fault_word & 0xff;
}

static void hifn_arm(Hifn *s, uint32_t word)
{
	int ring;

	if ((word & 0xff) >= FAULTS || word >> 8 >= RINGS) {
		hifn_misuse(s, "no fault %x", word);
		word = 0;
	}
	s->fault_word = word;
	s->fault_countdown = s->fault_after;
	s->fault_left = s->fault_times;
	if (hifn_armed(s) == FAULT_LEFT) {
		s->counter[FIRED]++;
		s->cnfg = CNFG_RUN;
		s->puctrl = PUCTRL_DMA;
		for (ring = 0; ring < RINGS; ring++)
			s->ring[ring].enabled = true;
	}
}

/* what happens to the command that starts now? */
static enum fault hifn_next_fault(Hifn *s)
{
	enum fault fault = hifn_armed(s);

	if (!fault || fault > FAULT_REFUSED_MAC)
		return FAULT_NONE;
	if (fault == FAULT_REFUSED_MAC && !(s->job.masks & BASE_MAC))
		return FAULT_NONE;
	if (s->fault_countdown) {
		s->fault_countdown--;
		return FAULT_NONE;
	}
	s->counter[FIRED]++;
	s->fault_countdown = s->fault_after;
	/* the ring is needed when the command ends, so the word stays until then */
	if (s->fault_left && --s->fault_left == 0)
		s->fault_word &= ~0xffu;
	return fault;
}

/* --- a command's life ----------------------------------------------------- */

/* may anything happen at all? */
static bool hifn_may_run(Hifn *s)
{
	return !s->dead && !s->halted && (s->cnfg & CNFG_RUN) == CNFG_RUN &&
	       s->puctrl & PUCTRL_DMA && s->ring[CMD].enabled;
}

/* Start the next command, at the time @when.  False: there is none, or it failed. */
static bool hifn_start(Hifn *s, int64_t when)
{
	struct job *job = &s->job;
	uint8_t data[MAX_COMMAND] = {};
	size_t size;
	int ring;

	for (ring = 0; ring < RINGS; ring++)
		if (!hifn_gather(s, ring))
			return false;
	size = MIN(s->ring[CMD].room, sizeof(data));
	if (!hifn_transfer(s, CMD, data, size, false))
		return false;

	memset(job, 0, sizeof(*job));
	job->masks = lduw_le_p(data);
	job->session = lduw_le_p(data + 2) & 0xfff;
	job->source = lduw_le_p(data + 4) | (size_t)(lduw_le_p(data + 2) >> 14) << 16;
	job->destination = lduw_le_p(data + 6) |
			   (size_t)(lduw_le_p(data + 2) >> 12 & 3) << 16;
	job->output = job->source;
	job->result_size = 8;
	job->fault = hifn_next_fault(s);
	s->counter[COMMANDS]++;

	if (size < 8 || s->ring[SRC].room < job->source)
		job->bad = true;
	else if (!hifn_transfer(s, SRC, s->data, job->source, false))
		return false;
	else
		job->bad = !hifn_execute(s, data, size);
	s->counter[BAD] += job->bad;
	memset(data, 0, sizeof(data));

	job->end = when + s->latency_ns;
	if (s->rate)
		job->end += muldiv64(job->source, NANOSECONDS_PER_SECOND, s->rate);
	job->running = true;
	return true;
}

/* The time of the command in work is over.  False: the chip stopped. */
static bool hifn_finish(Hifn *s)
{
	static const int order[] = { SRC, DST, CMD, RES };
	struct job *job = &s->job;
	size_t size = MIN(job->output, job->destination);
	uint32_t flags[RINGS] = {};
	bool over = false;
	int i;

	switch (job->fault) {
	case FAULT_ABORT:
		hifn_abort(s, hifn_fault_ring(s));
		return false;
	case FAULT_MASTER_ABORT:
		hifn_master_abort(s, hifn_fault_ring(s));
		return false;
	case FAULT_STUCK:
		job->running = false;
		s->halted = true;
		return false;
	case FAULT_DEAD:
		job->running = false;
		s->dead = true;
		return false;
	case FAULT_BAD_COMMAND:
	case FAULT_REFUSED_MAC:
		job->bad = true;
		break;
	case FAULT_CORRUPT:
		/* what passes through beside a MAC is no output */
		if (size && job->masks & BASE_CRYPT)
			s->data[size / 2] ^= 0x10;
		else
			job->result[job->result_size - 8] ^= 0x10;
		break;
	case FAULT_OVERFLOW:
		over = true;
		size = size / 2 & ~(size_t)3;
		break;
	default:
		break;
	}

	if (job->bad) {
		/* what a chip writes then isn't known: here nothing but a result */
		s->puisr |= PU_BAD_COMMAND;
		size = 0;
	} else if (s->ring[DST].room < job->destination) {
		over = true;
		size = MIN(size, s->ring[DST].room);
	}
	if (over) {
		s->puisr |= PU_DST_OVERRUN;
		flags[DST] = D_OVER;
		flags[RES] = D_DESTOVER;
	}
	if (!hifn_transfer(s, DST, s->data, size, true))
		return false;

	stw_le_p(job->result, over ? RESULT_OVERRUN : 0);
	stw_le_p(job->result + 2, job->session | job->source >> 16 << 14 |
				  job->destination >> 16 << 12);
	stw_le_p(job->result + 4, job->source);
	stw_le_p(job->result + 6, job->destination);
	if (s->ring[RES].room < job->result_size) {
		job->result_size = s->ring[RES].room;
		flags[RES] |= D_OVER;
	}
	if (!hifn_transfer(s, RES, job->result, job->result_size, true))
		return false;
	for (i = 0; i < RINGS; i++)
		if (!hifn_retire(s, order[i], flags[order[i]]))
			return false;
	s->counter[DONE]++;
	s->counter[BYTES] += job->source;
	job->running = false;
	return true;
}

/* Do what is to be done by now, and see to it that we are called again. */
static void hifn_advance(Hifn *s)
{
	int64_t now = hifn_now(), when = now, next = -1;
	int burst;

	/* memory that the chip writes to may be a register */
	if (s->advancing)
		return;
	s->advancing = true;
	for (burst = 0; hifn_may_run(s); burst++) {
		if (burst == BURST) {
			next = now;
			break;
		}
		if (!s->job.running) {
			if (!hifn_start(s, when)) {
				next = now + (now - s->last_work < DROWSY_NS ? 1 :
					      DROWSY_FACTOR) * (int64_t)s->poll_ns;
				break;
			}
			s->last_work = now;
		}
		if (s->job.end > now) {
			next = s->job.end;
			break;
		}
		when = s->job.end;
		if (!hifn_finish(s))
			break;
	}
	s->advancing = false;
	if (next >= 0 && hifn_may_run(s))
		timer_mod(s->timer, next);
	else
		timer_del(s->timer);
	hifn_update_line(s);
}

static void hifn_timer(void *opaque)
{
	hifn_advance(opaque);
}

/* --- resets --------------------------------------------------------------- */

/* The command in work is forgotten; descriptors stay as they are in memory. */
static void hifn_reset_dma(Hifn *s)
{
	int ring;

	for (ring = 0; ring < RINGS; ring++) {
		s->ring[ring].enabled = false;
		s->ring[ring].waiting = false;
		s->ring[ring].next = s->ring[ring].base;
	}
	s->job.running = false;
	s->halted = false;
	s->csr = 0;
	s->ier = 0;
}

/* A master reset locks the chip: not confirmed, the harder of two possibilities. */
static void hifn_reset_master(Hifn *s)
{
	hifn_reset_dma(s);
	s->unlocked = false;
	s->unlock_step = -2;
	s->puisr = 0;
	s->puier = 0;
	memset(s->context, 0, sizeof(s->context));
}

static void hifn_reset(DeviceState *device)
{
	Hifn *s = HIFN795X(device);

	hifn_reset_master(s);
	s->dead = false;
	s->cnfg = 0;
	s->pll = 0;
	s->puctrl = 0;
	s->pucnfg = 0;
	s->fifocnfg = 0;
	s->pub_ien = 0;
	s->pub_status = 0;
	s->pub_op = 0;
	s->pu_reset_end = 0;
	s->pub_reset_end = 0;
	s->rng_on = false;
	timer_del(s->timer);
	hifn_update_line(s);
}

/* --- registers ------------------------------------------------------------ */

static uint32_t hifn_parity_step(uint32_t word)
{
	return word << 1 | (ctpop32(word & 0x80080125) & 1);
}

static uint32_t hifn_read_secret(Hifn *s)
{
	if (!(s->cnfg & CNFG_UNLOCK))
		return 0;
	qemu_guest_getrandom_nofail(&s->secret, sizeof(s->secret));
	s->unlocked = false;
	s->unlock_step = -1;
	return s->secret;
}

static void hifn_write_secret(Hifn *s, uint32_t value)
{
	int i;

	if (!(s->cnfg & CNFG_UNLOCK) || s->unlock_step < -1) {
		hifn_misuse(s, "unlock: out of turn");
		return;
	}
	if (s->unlock_step == -1) {
		/* a zero comes first */
		s->unlock_step = value ? -2 : 0;
		return;
	}
	for (i = 0; i < 0x101; i++)
		s->secret = hifn_parity_step(s->secret);
	if (value != s->secret) {
		hifn_misuse(s, "unlock: signature %d is wrong", s->unlock_step);
		s->unlock_step = -2;
	} else if (++s->unlock_step == 12) {
		s->unlocked = true;
		s->unlock_step = -2;
	}
}

static void hifn_write_pll(Hifn *s, uint32_t value)
{
	unsigned int multiplier = ((value >> 11 & 0x1f) + 1) * 2;

	s->pll = value;
	if (!(value & PLL_ONE))
		hifn_misuse(s, "PLL %08x: bit 10 has to be set", value);
	if (!(value & PLL_PUMP) != (multiplier <= 8))
		hifn_misuse(s, "PLL %08x: charge pump for a factor of %u", value,
			    multiplier);
}

/*
 * 256 clocks of the PK unit lie between two good words; sooner the last one is
 * read again, and the first of all is not random.
 */
static uint32_t hifn_read_rng(Hifn *s)
{
	if (!s->rng_on) {
		hifn_misuse(s, "RNG: not enabled");
		return 0;
	}
	if (hifn_armed(s) == FAULT_RNG) {
		s->counter[FIRED]++;
		return s->rng_word;
	}
	if (hifn_now() < s->rng_ready) {
		if (s->rng_word)
			hifn_misuse(s, "RNG: read too soon");
		return s->rng_word;
	}
	s->rng_ready = hifn_now() + RNG_NS;
	qemu_guest_getrandom_nofail(&s->rng_word, sizeof(s->rng_word));
	return s->rng_word;
}

static uint64_t hifn_pu_read(void *opaque, hwaddr address, unsigned int size)
{
	Hifn *s = opaque;

	s->counter[READS]++;
	if (s->dead)
		return 0xffffffff;
	switch (address) {
	case PUCTRL:
		return s->puctrl | (hifn_now() < s->pu_reset_end ? PUCTRL_RESET : 0);
	case PUISR:	return s->puisr;
	case PUCNFG:	return s->pucnfg;
	case PUIER:	return s->puier;
	case PUSTAT:
		return PUSTAT_REVISION | (s->unlocked ? PUSTAT_LEVEL_2 : PUSTAT_LEVEL_0);
	case FIFOSTAT:	return 0x7f7f;
	case FIFOCNFG:	return s->fifocnfg;
	default:	return 0;
	}
}

static void hifn_pu_write(void *opaque, hwaddr address, uint64_t value,
			  unsigned int size)
{
	Hifn *s = opaque;

	s->counter[WRITES]++;
	if (s->dead)
		return;
	switch (address) {
	case PUCTRL:
		if (value & PUCTRL_RESET) {
			s->counter[RESETS]++;
			s->puisr = 0;
			s->job.running = false;
			s->pu_reset_end = hifn_now() + RESET_NS;
		}
		s->puctrl = value & ~(uint32_t)PUCTRL_RESET;
		break;
	case PUISR:
		s->puisr &= ~value;
		break;
	case PUCNFG:
		s->pucnfg = value;
		break;
	case PUIER:
		s->puier = value;
		break;
	case FIFOCNFG:
		s->fifocnfg = value;
		break;
	}
	hifn_advance(s);
}

static uint64_t hifn_dma_read(void *opaque, hwaddr address, unsigned int size)
{
	Hifn *s = opaque;
	uint32_t value;
	int ring;

	s->counter[READS]++;
	if (s->dead)
		return 0xffffffff;
	switch (address) {
	case RING_BASE + 0x10 * CMD:
	case RING_BASE + 0x10 * SRC:
	case RING_BASE + 0x10 * RES:
	case RING_BASE + 0x10 * DST:
		return s->ring[address >> 4].base;
	case CSR:
		value = hifn_csr(s);
		for (ring = 0; ring < RINGS; ring++)
			if (s->ring[ring].enabled)
				value |= RING_ENABLE << (8 * ring);
		return value;
	case IER:		return s->ier;
	case CNFG:		return s->cnfg;
	case PLL:		return s->pll;
	case REVID:		return 0x61;
	case SECRET1:		return hifn_read_secret(s);
	case PUB_RESET:		return hifn_now() < s->pub_reset_end;
	case PUB_OP:		return s->pub_op;
	case PUB_STATUS:	return s->pub_status;
	case PUB_IEN:		return s->pub_ien;
	case RNG_CONFIG:	return s->rng_on;
	case RNG_DATA:		return hifn_read_rng(s);
	default:		return 0;
	}
}

static void hifn_write_csr(Hifn *s, uint32_t value)
{
	bool doorbell = false;
	int ring;

	s->csr &= ~(value & CSR_LATCHED);
	for (ring = 0; ring < RINGS; ring++) {
		uint32_t bits = value >> (8 * ring) & (RING_ENABLE | RING_DISABLE);

		if (bits == RING_ENABLE) {
			doorbell = true;
			s->ring[ring].enabled = true;
			s->ring[ring].waiting = false;
		} else if (bits == RING_DISABLE) {
			s->ring[ring].enabled = false;
		}
	}
	s->counter[DOORBELLS] += doorbell;
}

static void hifn_dma_write(void *opaque, hwaddr address, uint64_t value,
			   unsigned int size)
{
	Hifn *s = opaque;
	struct ring *ring;

	s->counter[WRITES]++;
	if (s->dead)
		return;
	switch (address) {
	case RING_BASE + 0x10 * CMD:
	case RING_BASE + 0x10 * SRC:
	case RING_BASE + 0x10 * RES:
	case RING_BASE + 0x10 * DST:
		ring = &s->ring[address >> 4];
		if (ring->enabled)
			hifn_misuse(s, "%s ring moved while enabled",
				    ring_names[address >> 4]);
		ring->base = value;
		ring->next = value;
		break;
	case CSR:
		hifn_write_csr(s, value);
		break;
	case IER:
		s->ier = value;
		break;
	case CNFG:
		if (value & CNFG_BIG_ENDIAN)
			hifn_misuse(s, "big endian: not modelled");
		s->cnfg = value;
		if ((value & (CNFG_MASTER | CNFG_DMA)) != (CNFG_MASTER | CNFG_DMA)) {
			s->counter[RESETS]++;
			if (value & CNFG_MASTER)
				hifn_reset_dma(s);
			else
				hifn_reset_master(s);
		}
		break;
	case PLL:
		hifn_write_pll(s, value);
		break;
	case SECRET2:
		hifn_write_secret(s, value);
		break;
	case PUB_RESET:
		if (value & 1) {
			s->pub_reset_end = hifn_now() + RESET_NS;
			s->pub_status = 0;
			s->rng_on = false;
		}
		break;
	case PUB_OP:
		/*
		 * Where operands and results lie, in which order and unit, is
		 * told by nothing: only "no operation" is done, and is done.
		 */
		s->pub_op = value;
		if (value & PUB_OPCODE)
			hifn_misuse(s, "public key operation %08x: not modelled",
				    s->pub_op);
		else
			s->pub_status |= 1;
		break;
	case PUB_STATUS:
		s->pub_status &= ~value;
		break;
	case PUB_IEN:
		s->pub_ien = value;
		break;
	case RNG_CONFIG:
		if (value & 1 && !s->rng_on) {
			s->rng_word = 0;
			s->rng_ready = hifn_now() + RNG_NS;
		}
		s->rng_on = value & 1;
		break;
	}
	hifn_advance(s);
}

static const MemoryRegionOps hifn_pu_ops = {
	.read = hifn_pu_read,
	.write = hifn_pu_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 4 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

static const MemoryRegionOps hifn_dma_ops = {
	.read = hifn_dma_read,
	.write = hifn_dma_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 4, .max_access_size = 4 },
	.impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* --- the model's own registers -------------------------------------------- */

/* Stands a key in the command at @address? */
static bool hifn_has_key(Hifn *s, uint32_t address, size_t size)
{
	uint8_t data[MAX_COMMAND] = {};
	size_t at = 8, key = 0, i;
	uint16_t masks;

	size = MIN(size, sizeof(data));
	if (pci_dma_read(&s->pci, address, data, size) != MEMTX_OK)
		return false;
	masks = lduw_le_p(data);
	if (masks & BASE_MAC) {
		at += 8;
		key += MAC_KEY;
	}
	if (masks & BASE_CRYPT) {
		key += hifn_key_size(lduw_le_p(data + at));
		at += 8;
	}
	/* without headers everything else has to be gone, too */
	if (!masks)
		key = sizeof(data) - at;
	for (i = at; i < MIN(at + key, sizeof(data)); i++)
		if (data[i])
			return true;
	return false;
}

static uint32_t hifn_count_keys(Hifn *s)
{
	uint32_t base = s->ring[CMD].base, keys = 0, words[2];
	int i;

	for (i = 0; i < MAX_DESCRIPTORS; i++) {
		if (pci_dma_read(&s->pci, base + i * sizeof(words), words,
				 sizeof(words)) != MEMTX_OK)
			break;
		/* the jump, whether it was ever valid or not */
		if (le32_to_cpu(words[0]) & D_JUMP || le32_to_cpu(words[1]) == base)
			break;
		keys += hifn_has_key(s, le32_to_cpu(words[1]),
				     le32_to_cpu(words[0]) & D_LENGTH);
	}
	return keys;
}

static uint32_t hifn_model_read(Hifn *s, uint32_t address)
{
	switch (address) {
	case MODEL_ID:		return 0x4e464948;
	case MODEL_FAULT:	return s->fault_word;
	case MODEL_AFTER:	return s->fault_after;
	case MODEL_TIMES:	return s->fault_times;
	case MODEL_CLEAR:	return 0;
	case MODEL_KEYS:	return hifn_count_keys(s);
	default:		return s->counter[(address - MODEL_COUNTERS) / 4];
	}
}

static void hifn_model_write(Hifn *s, uint32_t address, uint32_t value)
{
	switch (address) {
	case MODEL_FAULT:
		if (!value && s->dead)
			hifn_reset(DEVICE(s));
		hifn_arm(s, value);
		break;
	case MODEL_AFTER:
		s->fault_after = value;
		break;
	case MODEL_TIMES:
		s->fault_times = value;
		break;
	case MODEL_CLEAR:
		memset(s->counter, 0, sizeof(s->counter));
		break;
	}
}

static bool hifn_is_master(Hifn *s)
{
	return pci_get_word(s->pci.config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/* would it look into its rings? */
static bool hifn_is_running(Hifn *s)
{
	return !s->dead && (s->cnfg & CNFG_RUN) == CNFG_RUN && s->ring[CMD].enabled;
}

static bool hifn_is_model(uint32_t address)
{
	return address >= MODEL_ID && address < MODEL_END;
}

static uint32_t hifn_config_read(PCIDevice *pci, uint32_t address, int size)
{
	Hifn *s = HIFN795X(pci);

	if (hifn_is_model(address))
		return hifn_model_read(s, address & ~3u) >> (8 * (address & 3));
	return s->dead ? 0xffffffff : pci_default_read_config(pci, address, size);
}

static void hifn_config_write(PCIDevice *pci, uint32_t address, uint32_t value,
			      int size)
{
	Hifn *s = HIFN795X(pci);
	bool before = hifn_is_master(s);

	if (hifn_is_model(address)) {
		if (size == 4)
			hifn_model_write(s, address, value);
		return;
	}
	if (s->dead)
		return;
	pci_default_write_config(pci, address, value, size);
	if (!before && hifn_is_master(s) && hifn_is_running(s))
		hifn_misuse(s, "bus master while rings of another are enabled");
	if (before && !hifn_is_master(s) && hifn_armed(s) == FAULT_POWER) {
		s->counter[FIRED]++;
		hifn_reset(DEVICE(s));
	}
}

/* --- the device in QEMU --------------------------------------------------- */

static int hifn_name_index(const char *name, const char *const *names, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

/* The boards that tell how they end. */
static GSList *hifn_endings;

static void hifn_end(void)
{
	GSList *l;

	for (l = hifn_endings; l; l = l->next) {
		Hifn *s = l->data;
		const char *text = hifn_is_running(s) && hifn_is_master(s) ?
				   "running\n" : "stopped\n";

		g_file_set_contents(s->ending, text, -1, NULL);
	}
}

static void hifn_realize(PCIDevice *pci, Error **errp)
{
	Hifn *s = HIFN795X(pci);
	int fault = 0, ring = DST, i;

	if (s->chip != 7955 && s->chip != 7956) {
		error_setg(errp, "chip is 7955 or 7956, not %u", s->chip);
		return;
	}
	if (!s->poll_ns) {
		error_setg(errp, "poll-ns can't be 0");
		return;
	}
	if (s->fault_name)
		fault = hifn_name_index(s->fault_name, fault_names, FAULTS);
	if (fault < 0) {
		error_setg(errp, "no fault is called '%s'", s->fault_name);
		return;
	}
	if (s->fault_ring)
		ring = hifn_name_index(s->fault_ring, ring_names, RINGS);
	if (ring < 0) {
		error_setg(errp, "no ring is called '%s'", s->fault_ring);
		return;
	}
	hifn_arm(s, fault | ring << 8);
	if (s->ending) {
		if (!hifn_endings)
			atexit(hifn_end);
		hifn_endings = g_slist_append(hifn_endings, s);
	}

	pci_config_set_device_id(pci->config, s->chip == 7955 ? 0x0020 : 0x001d);
	pci_config_set_interrupt_pin(pci->config, 1);
	memory_region_init_io(&s->bar[0], OBJECT(s), &hifn_pu_ops, s, "hifn795x-pu",
			      0x1000);
	memory_region_init_io(&s->bar[1], OBJECT(s), &hifn_dma_ops, s, "hifn795x-dma",
			      0x2000);
	memory_region_init_ram_nomigrate(&s->bar[2], OBJECT(s), "hifn795x-ram",
					 RAM_SIZE, &error_abort);
	for (i = 0; i < 3; i++)
		pci_register_bar(pci, i, PCI_BASE_ADDRESS_SPACE_MEMORY, &s->bar[i]);
	for (i = 0; i < RINGS; i++)
		s->ring[i].chain = g_array_new(false, false, sizeof(struct descriptor));
	s->data = g_malloc(MAX_DATA + MAX_COMMAND);
	s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, hifn_timer, s);
}

static void hifn_exit(PCIDevice *pci)
{
	Hifn *s = HIFN795X(pci);
	int i;

	hifn_endings = g_slist_remove(hifn_endings, s);
	timer_free(s->timer);
	g_free(s->data);
	for (i = 0; i < RINGS; i++)
		g_array_free(s->ring[i].chain, true);
	memset(s->context, 0, sizeof(s->context));
}

static Property hifn_properties[] = {
	DEFINE_PROP_UINT32("chip", Hifn, chip, 7955),
	DEFINE_PROP_UINT32("latency-ns", Hifn, latency_ns, 5000),
	DEFINE_PROP_SIZE("rate", Hifn, rate, 0),
	DEFINE_PROP_UINT32("poll-ns", Hifn, poll_ns, 25000),
	DEFINE_PROP_BOOL("strict", Hifn, strict, true),
	DEFINE_PROP_STRING("fault", Hifn, fault_name),
	DEFINE_PROP_STRING("fault-ring", Hifn, fault_ring),
	DEFINE_PROP_UINT32("fault-after", Hifn, fault_after, 0),
	DEFINE_PROP_UINT32("fault-times", Hifn, fault_times, 1),
	DEFINE_PROP_STRING("ending", Hifn, ending),
	DEFINE_PROP_END_OF_LIST(),
};

static const VMStateDescription hifn_vmstate = {
	.name = TYPE_HIFN795X,
	.unmigratable = 1,
};

static void hifn_class_init(ObjectClass *class, void *data)
{
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);
	DeviceClass *device = DEVICE_CLASS(class);

	pci->realize = hifn_realize;
	pci->exit = hifn_exit;
	pci->config_read = hifn_config_read;
	pci->config_write = hifn_config_write;
	pci->vendor_id = 0x13a3;
	pci->device_id = 0x0020;
	pci->class_id = PCI_CLASS_PROCESSOR_CO;
	device->desc = "HIFN 7955/7956 cryptographic accelerator";
	device->reset = hifn_reset;
	device->vmsd = &hifn_vmstate;
	device_class_set_props(device, hifn_properties);
	set_bit(DEVICE_CATEGORY_MISC, device->categories);
}

static const TypeInfo hifn_type = {
	.name = TYPE_HIFN795X,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(Hifn),
	.class_init = hifn_class_init,
	.interfaces = (InterfaceInfo[]) {
		{ INTERFACE_CONVENTIONAL_PCI_DEVICE },
		{ },
	},
};

static void hifn_register(void)
{
	type_register_static(&hifn_type);
}

DEVICE_PLUGIN("hifn795x", hifn_register, TYPE_PCI_DEVICE, PCIDevice)
