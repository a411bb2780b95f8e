/* SPDX-License-Identifier: MIT */
/* CPU time of the kernel's worker threads: the copies of an accelerated kernel run there, those of
 * software DMA channels in threads of their own, which are counted as well. */
#ifndef KWORKERS_H
#define KWORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct kworker_times {
	size_t count, size;
	struct kworker {
		pid_t pid;
		uint64_t cpu_ns;
	} * workers;
};

/* NULL without memory or without /proc. */
struct kworker_times *kworkers_read(void);
void kworkers_free(struct kworker_times *times);

/* Time used by those of after; one that is not in before started from nothing. */
uint64_t kworkers_used_ns(const struct kworker_times *before, const struct kworker_times *after);

#endif
