/* SPDX-License-Identifier: MIT */
/* Moving regions and querying their nodes. */
#ifndef MOVE_H
#define MOVE_H

#include "job.h"
#include "memory.h"

/* Initial status, never written by the kernel. */
#define STATUS_UNSET (-9999)

struct outcome {
	long result; /* return value; negative: errno */
	int *status; /* of each page; for mbind the node of the page, queried afterwards */
};

/* Flags for move_pages, mbind or exchange_pages. */
unsigned flags_of(const struct job *job);

/* Moves the region to a node with the job's mode and interface. The caller frees the status. */
struct outcome move_region(const struct region *region, int node, const struct job *job);

/* The node of each base page, or a negative errno; the caller frees it. */
int *nodes_of(const struct region *region);

/* How many base pages are on the node; huge pages may be split. */
size_t count_on(const struct region *region, int node);

/* Requires that all base pages are on the node. */
void require_node(const struct region *region, int node);

/* Moves all pages. Requires success by result, status and node, and intact huge pages. */
void move_all_of(const struct region *region, int node, const struct job *job);

/*
 * Moves with mbind and requires that all pages were moved. For regions whose huge pages may be
 * partly split: move_pages would have the same huge page in the list several times.
 */
void move_range_of(const struct region *region, int node, const struct job *job);

/* Moves pages, some of which may fail. Requires that result and status match the nodes. Returns the
 * number of pages on the node. */
size_t move_some_of(const struct region *region, int node, const struct job *job);

#endif
