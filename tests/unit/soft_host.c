// SPDX-License-Identifier: GPL-2.0
/*
 * The software provider's back end of the unit tests: OpenSSL's ciphers and
 * hashes behind soft_backend.h.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/des.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include "unit.h"
#include <linux/acrypto.h>
#include "soft_backend.h"
#include "soft_host.h"

unsigned int soft_host_align;
int soft_host_missing = -1;
int soft_host_bulk;
int soft_host_inits;
int soft_host_refuses;

/* not NULL while the back end may be used */
static void *host_started;

/* how many algorithms are in use */
static int host_refs;

static int host_ref(void)
{
	assert_non_null(host_started);
	__atomic_add_fetch(&host_refs, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void host_unref(void)
{
	assert_non_null(host_started);
	CHECK(__atomic_sub_fetch(&host_refs, 1, __ATOMIC_SEQ_CST) >= 0);
}

int soft_backend_start(void)
{
	assert_null(host_started);
	host_started = kmalloc(1, GFP_KERNEL);
	return host_started ? 0 : -ENOMEM;
}

void soft_backend_stop(void)
{
	assert_non_null(host_started);
	CHECK_EQ(host_refs, 0);
	kfree(host_started);
	host_started = NULL;
}

struct host_cipher {
	AES_KEY aes;
	DES_key_schedule des[3];
	int encrypt;
	unsigned int align;
	u8 key[32];		/* for who looks whether all of it is wiped */
};

static void host_check(struct host_cipher *h, const u8 *dst, const u8 *src)
{
	CHECK_EQ(((unsigned long)dst | (unsigned long)src) & h->align, 0);
}

static void host_aes(struct crypto_tfm *arg, u8 *dst, const u8 *src)
{
	struct host_cipher *h = (struct host_cipher *)arg;

	host_check(h, dst, src);
	if (h->encrypt)
		AES_encrypt(src, dst, &h->aes);
	else
		AES_decrypt(src, dst, &h->aes);
}

static void host_des(struct crypto_tfm *arg, u8 *dst, const u8 *src)
{
	struct host_cipher *h = (struct host_cipher *)arg;

	host_check(h, dst, src);
	DES_ecb_encrypt((const_DES_cblock *)src, (DES_cblock *)dst, &h->des[0],
			h->encrypt);
}

static void host_3des(struct crypto_tfm *arg, u8 *dst, const u8 *src)
{
	struct host_cipher *h = (struct host_cipher *)arg;

	host_check(h, dst, src);
	DES_ecb3_encrypt((const_DES_cblock *)src, (DES_cblock *)dst,
			 &h->des[0], &h->des[1], &h->des[2], h->encrypt);
}

/* many blocks at once, sometimes or always */
static int host_bulk(const struct soft_cipher *c, u8 *chain, u8 *dst,
		     const u8 *src, unsigned int n)
{
	struct host_cipher *h = c->priv;
	unsigned int block = c->crypt == host_aes ? 16 : 8, i;
	u8 next[16];

	CHECK_EQ(n % block, 0);
	CHECK(n >= block);
	host_check(h, dst, src);
	if (soft_host_bulk == SOFT_HOST_SOMETIMES && src[0] & 1)
		return -EAGAIN;
	if (soft_host_bulk == SOFT_HOST_BROKEN)
		return -EIO;
	for (; n; n -= block, src += block, dst += block) {
		u8 tmp[16] __aligned(16);

		memcpy(next, src, block);
		memcpy(tmp, src, block);
		for (i = 0; c->mode == ACRYPTO_MODE_CBC && h->encrypt &&
		     i < block; i++)
			tmp[i] ^= chain[i];
		c->crypt(c->arg, tmp, tmp);
		if (c->mode == ACRYPTO_MODE_CBC && !h->encrypt) {
			for (i = 0; i < block; i++)
				tmp[i] ^= chain[i];
			memcpy(chain, next, block);
		} else if (c->mode == ACRYPTO_MODE_CBC) {
			memcpy(chain, tmp, block);
		}
		memcpy(dst, tmp, block);
	}
	return 0;
}

int soft_cipher_find(struct soft_cipher *c, unsigned int type)
{
	assert_non_null(host_started);
	if ((int)type == soft_host_missing)
		return -ENOENT;
	c->size = sizeof(struct host_cipher);
	return host_ref();
}

int soft_cipher_init(struct soft_cipher *c, unsigned int type, int encrypt,
		     const u8 *key, unsigned int key_len, void *mem)
{
	struct host_cipher *h = mem;
	unsigned int i;

	assert_non_null(host_started);
	__atomic_add_fetch(&soft_host_inits, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < sizeof(*h); i++)
		CHECK(!((u8 *)mem)[i]);
	memcpy(h->key, key, key_len);
	if (soft_host_refuses)
		return -EINVAL;
	h->encrypt = encrypt;
	h->align = soft_host_align;
	c->arg = (struct crypto_tfm *)h;
	c->priv = h;
	c->align = soft_host_align;
	if (soft_host_bulk)
		c->bulk = host_bulk;
	switch (type) {
	case ACRYPTO_TYPE_AES_128:
	case ACRYPTO_TYPE_AES_192:
	case ACRYPTO_TYPE_AES_256:
		c->crypt = host_aes;
		if (encrypt)
			AES_set_encrypt_key(key, key_len * 8, &h->aes);
		else
			AES_set_decrypt_key(key, key_len * 8, &h->aes);
		return 0;
	case ACRYPTO_TYPE_DES:
	case ACRYPTO_TYPE_3DES:
		c->crypt = type == ACRYPTO_TYPE_DES ? host_des : host_3des;
		for (i = 0; i < key_len / 8; i++)
			DES_set_key_unchecked((const_DES_cblock *)(key + 8 * i),
					      &h->des[i]);
		return 0;
	}
	return -EINVAL;
}

void soft_cipher_exit(struct soft_cipher *c)
{
	host_unref();
}

struct host_hash {
	unsigned int type;
	union {
		MD5_CTX md5;
		SHA_CTX sha1;
		SHA256_CTX sha256;
	};
};

static struct host_hash *host_hash(struct soft_hash_state *st)
{
	_Static_assert(sizeof(struct host_hash) <= sizeof(st->mem), "too large");
	return (struct host_hash *)st->mem;
}

int soft_hash_init(struct soft_hash *h, unsigned int type)
{
	assert_non_null(host_started);
	if ((int)type == soft_host_missing)
		return -ENOENT;
	h->block = 64;
	h->digest = type == ACRYPTO_TYPE_MD5 ? 16 :
		    type == ACRYPTO_TYPE_SHA1 ? 20 : 32;
	h->size = sizeof(struct host_hash);
	h->priv = (void *)(unsigned long)type;
	return host_ref();
}

void soft_hash_exit(struct soft_hash *h)
{
	host_unref();
}

void soft_hash_start(const struct soft_hash *h, struct soft_hash_state *st)
{
	struct host_hash *hh = host_hash(st);

	hh->type = (unsigned long)h->priv;
	switch (hh->type) {
	case ACRYPTO_TYPE_MD5:
		MD5_Init(&hh->md5);
		break;
	case ACRYPTO_TYPE_SHA1:
		SHA1_Init(&hh->sha1);
		break;
	default:
		SHA256_Init(&hh->sha256);
	}
}

void soft_hash_copy(const struct soft_hash *h, struct soft_hash_state *to,
		    const struct soft_hash_state *from)
{
	memcpy(to->mem, from->mem, h->size);
}

const u8 *soft_host_hashed;

void soft_hash_update(struct soft_hash_state *st, const u8 *p, unsigned int n)
{
	struct host_hash *hh = host_hash(st);

	__atomic_store_n(&soft_host_hashed, p, __ATOMIC_RELAXED);

	switch (hh->type) {
	case ACRYPTO_TYPE_MD5:
		MD5_Update(&hh->md5, p, n);
		break;
	case ACRYPTO_TYPE_SHA1:
		SHA1_Update(&hh->sha1, p, n);
		break;
	default:
		SHA256_Update(&hh->sha256, p, n);
	}
}

void soft_hash_final(struct soft_hash_state *st, u8 *out)
{
	struct host_hash *hh = host_hash(st);

	CHECK_EQ((unsigned long)out & 7, 0);
	switch (hh->type) {
	case ACRYPTO_TYPE_MD5:
		MD5_Final(out, &hh->md5);
		break;
	case ACRYPTO_TYPE_SHA1:
		SHA1_Final(out, &hh->sha1);
		break;
	default:
		SHA256_Final(out, &hh->sha256);
	}
}
