/* SPDX-License-Identifier: MIT */
/* Two regions that change places. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "job.h"
#include "memory.h"

/* The system call, by the number that the kernel tells: pairs that failed, or a negative errno. */
long exchange_call(size_t count, void **from, void **to, int *status, unsigned flags);

/* Faults are injected into the call itself, not into what looks after it. */
extern bool exchange_is_struck;

/* Page i of one region with page i of the other, in the job's mode. The status is the caller's. */
struct outcome exchange_regions(const struct region *one, const struct region *other,
				const struct job *job);

/* The frame of each base page of a region; the caller frees it. */
unsigned long *frames_of(const struct region *region);

/*
 * Exchanges, and requires that all pairs did: result, status, residence, whole huge pages, and
 * that each page has the very frames that the other one had.
 */
void exchange_all_of(const struct region *one, const struct region *other, const struct job *job);

/*
 * Exchanges, whatever comes of it; requires that result and status are true and that pairs that
 * failed have the frames that they had. Number of pairs that changed places.
 */
size_t exchange_some_of(const struct region *one, const struct region *other,
			const struct job *job);

#endif
