/* SPDX-License-Identifier: MIT */
/* Regions of memory with known contents. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

#include "job.h"

/* Sizes of pages of this kernel. */
#define BASE_PAGE page_sizes.base
#define HUGE_PAGE page_sizes.huge

extern struct page_sizes {
	size_t base, huge;
} page_sizes;

void page_sizes_read(void);

struct region {
	char *start;
	enum kind kind;
	size_t pages, page_size;
	void *mapping;
	size_t mapping_bytes;
};

static inline size_t region_bytes(const struct region *region)
{
	return region->pages * region->page_size;
}

static inline char *region_page(const struct region *region, size_t page)
{
	return region->start + page * region->page_size;
}

/* Maps pages of the kind on a node and fills them. Verifies their node and size. */
struct region region_create(enum kind kind, size_t pages, int node, unsigned seed);
void region_free(struct region *region);

/* Contents depend on the page, the offset in it, and seed. */
void pages_fill(const struct region *region, size_t first, size_t pages, unsigned seed);
void region_fill(const struct region *region, unsigned seed);
/* Checks every byte except the first and last margin bytes of each base page. */
void pages_check(const struct region *region, size_t first, size_t pages, unsigned seed,
		 size_t margin);
void region_check(const struct region *region, unsigned seed);

/* Requires that transparent huge pages are not split. */
void region_check_whole(const struct region *region);

/* Binds allocations of this thread to a node; -1: default policy. */
void bind_to_node(int node);

#endif
