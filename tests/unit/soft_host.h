/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test asks of the software provider's back end in user space.
 */
#ifndef SOFT_HOST_H
#define SOFT_HOST_H

extern unsigned int soft_host_align;	/* of ciphers to come, less one */
extern int soft_host_missing;	/* a type that this kernel does not have, or -1 */

/* a way for many blocks in ciphers to come: always, or for some data alone */
enum {
	SOFT_HOST_NEVER, SOFT_HOST_ALWAYS, SOFT_HOST_SOMETIMES, SOFT_HOST_BROKEN,
};

extern int soft_host_bulk;
extern int soft_host_inits;	/* ciphers made so far */
extern int soft_host_refuses;	/* no key is good enough */
extern const u8 *soft_host_hashed;	/* where what was hashed last was */

#endif
