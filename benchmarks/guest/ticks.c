// SPDX-License-Identifier: GPL-2.0
/*
 * ticks: print the processor's time stamp counter
 *
 * Without the instruction clock, QEMU's counter is the host's, so it goes on
 * whatever becomes of the guest's timer interrupts.  A 2.6 guest's own clock
 * loses ticks when it is busy with several CPUs, and makes rates look better
 * than they are.
 */
#include <stdio.h>

int main(void)
{
	unsigned int low, high;

	__asm__ __volatile__("rdtsc" : "=a"(low), "=d"(high));
	return printf("%llu\n", (unsigned long long)high << 32 | low) < 0;
}
