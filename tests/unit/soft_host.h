/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test asks of the software provider's back end in user space.
 */
#ifndef SOFT_HOST_H
#define SOFT_HOST_H

extern unsigned int soft_host_align;	/* of ciphers to come, less one */
extern int soft_host_missing;	/* a type that this kernel does not have, or -1 */

#endif
