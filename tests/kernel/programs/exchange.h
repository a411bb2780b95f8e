/* SPDX-License-Identifier: MIT */
/* Exchanges of two regions. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <sys/types.h>

#include "job.h"
#include "memory.h"

/*
 * The system call, with the number that the kernel tells; pid 0: of this process. Returns failed
 * pairs or a negative errno.
 */
long exchange_call(pid_t pid, size_t count, void **from, void **to, int *status, unsigned flags);

/* Inject faults into the system call, but not into the checks after it. */
extern bool exchange_with_faults;

/* Exchanges page i of one region with page i of the other. The caller frees the status. */
struct outcome exchange_regions(const struct region *one, const struct region *other,
				const struct job *job);

/* The frame of each base page of a region; the caller frees it. */
unsigned long *frames_of(const struct region *region);

/*
 * Exchanges all pairs. Requires success by result and status, intact huge pages, and that each page
 * has the page frames that the other one had.
 */
void exchange_all_of(const struct region *one, const struct region *other, const struct job *job);

/*
 * Exchanges pairs, some of which may fail. Requires that result and status match the page frames,
 * and that failed pairs keep theirs. Returns the number of exchanged pairs.
 */
size_t exchange_some_of(const struct region *one, const struct region *other,
			const struct job *job);

#endif
