/* SPDX-License-Identifier: MIT */
/* Regions: contiguous pages of one size and kind on one node. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verdict.h"

enum memory_kind { MEMORY_BASE, MEMORY_THP, MEMORY_HUGETLB, MEMORY_SHMEM };

struct region {
	char *start; /* aligned to page_size; NULL: not mapped */
	uint64_t pages, page_size;
	enum memory_kind kind;
	int node;	 /* of the pages before the timed region */
	int target_node; /* of the pages after it */
	void *mapping;	 /* including space for alignment */
	size_t mapping_bytes;
};

uint64_t base_page_size(void);

/* Returns the size in bytes for --page-size. A size below that of a base page is that of a base
 * page: the same experiment runs on machines with larger pages. */
bool page_size_choose(uint64_t requested, uint64_t *page_size, struct verdict *verdict);
const char *memory_kind_name(enum memory_kind kind);

/* "auto" is base or thp, depending on the page size. False if no kernel supports it. */
bool memory_kind_choose(const char *name, uint64_t page_size, enum memory_kind *kind,
			struct verdict *verdict);

static inline uint64_t region_bytes(const struct region *region)
{
	return region->pages * region->page_size;
}

static inline char *region_page(const struct region *region, uint64_t page)
{
	return region->start + page * region->page_size;
}

/* True if pages are larger than a base page. */
bool region_is_huge(const struct region *region);

/* Maps the region and faults in every page on region->node. */
bool region_create(struct region *region, struct verdict *verdict);
void region_free(struct region *region);

/* Zeroed, populated and (within RLIMIT_MEMLOCK) locked memory for buffers that the timed region
 * uses. NULL if out of memory. */
void *buffer_alloc(size_t bytes);
void buffer_free(void *buffer, size_t bytes);

#endif
