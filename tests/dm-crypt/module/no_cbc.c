// SPDX-License-Identifier: GPL-2.0
/*
 * A cbc(aes) that the kernel prefers to its own, and that always fails: it is what
 * dm-crypt's stock way takes, and nobody else.
 */
#include <linux/crypto.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/module.h>
#include <crypto/algapi.h>

static int no_cbc_setkey(struct crypto_tfm *tfm, const u8 *key,
			 unsigned int keylen)
{
	return 0;
}

static int no_cbc_crypt(struct blkcipher_desc *desc, struct scatterlist *dst,
			struct scatterlist *src, unsigned int nbytes)
{
	return -ENOMEM;
}

static struct crypto_alg no_cbc = {
	.cra_name = "cbc(aes)",
	.cra_driver_name = "no-cbc-aes",
	.cra_priority = 10000,
	.cra_flags = CRYPTO_ALG_TYPE_BLKCIPHER,
	.cra_blocksize = 16,
	.cra_type = &crypto_blkcipher_type,
	.cra_module = THIS_MODULE,
	.cra_list = LIST_HEAD_INIT(no_cbc.cra_list),
	.cra_u = {
		.blkcipher = {
			.min_keysize = 16,
			.max_keysize = 32,
			.ivsize = 16,
			.setkey = no_cbc_setkey,
			.encrypt = no_cbc_crypt,
			.decrypt = no_cbc_crypt,
		},
	},
};

static int __init no_cbc_init(void)
{
	return crypto_register_alg(&no_cbc);
}

static void __exit no_cbc_exit(void)
{
	crypto_unregister_alg(&no_cbc);
}

module_init(no_cbc_init);
module_exit(no_cbc_exit);
MODULE_LICENSE("GPL");
