/* SPDX-License-Identifier: MIT */
/* CPU time of kworkers, where accelerated kernels copy, and of the threads of software DMA
 * channels. */
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

/* NULL if out of memory or without /proc. */
struct kworker_times *kworkers_read(void);
void kworkers_free(struct kworker_times *times);

/* CPU time that the threads in after used since before. */
uint64_t kworkers_used_ns(const struct kworker_times *before, const struct kworker_times *after);

#endif
