/* SPDX-License-Identifier: MIT */
/* Moving a region, and asking where it is. */
#ifndef MOVE_H
#define MOVE_H

#include "job.h"
#include "memory.h"

/* Status of a page that the kernel has not written. */
#define NOT_TOLD (-9999)

struct outcome {
	long result; /* what the call returned; negative: errno */
	int *status; /* one for each page; of mbind: where the page is, asked afterwards */
};

/* Of move_pages, mbind or exchange_pages. */
unsigned flags_of(const struct job *job);

/* Moves the region to a node in the job's mode and way. The status is the caller's to free. */
struct outcome move_region(const struct region *region, int node, const struct job *job);

/* The node of each base page, or a negative errno; the caller frees it. */
int *residence_of(const struct region *region);

/* All base pages are on the node. */
void require_residence(const struct region *region, int node);

/* Moves and requires that all pages moved: result, status, residence, and whole huge pages. */
void move_all_of(const struct region *region, int node, const struct job *job);

/*
 * Moves by mbind and requires that all is there then. For regions whose huge pages may have been
 * split, in part: by move_pages the same huge page would be asked for many times.
 */
void move_range_of(const struct region *region, int node, const struct job *job);

/* Moves, whatever comes of it; requires that result and status are true. Number of pages there. */
size_t move_some_of(const struct region *region, int node, const struct job *job);

#endif
