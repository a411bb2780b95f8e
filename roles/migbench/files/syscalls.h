/* SPDX-License-Identifier: MIT */
/* Raw system calls. libnuma is not available in guests and does not have all flags. */
#ifndef SYSCALLS_H
#define SYSCALLS_H

#include <linux/mempolicy.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define MAX_NODES      1024
#define NODEMASK_WORDS (MAX_NODES / (8 * sizeof(unsigned long)))

struct nodemask {
	unsigned long words[NODEMASK_WORDS];
};

static inline struct nodemask nodemask_of(int node)
{
	const size_t bits = 8 * sizeof(unsigned long);
	struct nodemask mask = {{0}};

	mask.words[(size_t)node / bits] = 1UL << ((size_t)node % bits);
	return mask;
}

/* maxnode is one more than the number of bits that the kernel reads. */
static inline long sys_mbind(void *start, size_t bytes, int mode, const struct nodemask *mask,
			     unsigned flags)
{
	return syscall(SYS_mbind, start, bytes, mode, mask ? mask->words : NULL,
		       mask ? MAX_NODES + 1UL : 0UL, flags);
}

static inline long sys_set_mempolicy(int mode, const struct nodemask *mask)
{
	return syscall(SYS_set_mempolicy, mode, mask ? mask->words : NULL,
		       mask ? MAX_NODES + 1UL : 0UL);
}

static inline long sys_migrate_pages(const struct nodemask *from, const struct nodemask *to)
{
	return syscall(SYS_migrate_pages, 0, MAX_NODES + 1UL, from->words, to->words);
}

/* With nodes NULL, queries the nodes of the pages instead of moving them. */
static inline long sys_move_pages(unsigned long count, void **pages, const int *nodes, int *status,
				  int flags)
{
	return syscall(SYS_move_pages, 0, count, pages, nodes, status, flags);
}

/* The system call number is not fixed: see dialect.h. */
static inline long sys_exchange_pages(long number, unsigned long count, void **from, void **to,
				      int *status, int flags)
{
	return syscall(number, 0, count, from, to, status, flags);
}

#endif
