// SPDX-License-Identifier: MIT
#include "memory.h"

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "move.h"
#include "require.h"

/* The page cache of a block device has its own migrate_folio method, unlike anonymous memory. */
#define BLOCK_DEVICE "/dev/loop1"
#define WORDS	     (BASE_PAGE / sizeof(uint64_t))

struct page_sizes page_sizes;

void page_sizes_read(void)
{
	page_sizes.base = (size_t)sysconf(_SC_PAGESIZE);
	page_sizes.huge = file_number("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
}

/* Multiplying by an odd number maps each position to a unique value. */
static uint64_t word_of(size_t base_page, size_t word, unsigned seed)
{
	return (((uint64_t)seed << 40) + base_page * WORDS + word + 1) *
	       UINT64_C(0x9e3779b97f4a7c15);
}

void pages_fill(const struct region *region, size_t first, size_t pages, unsigned seed)
{
	size_t per_page = region->page_size / BASE_PAGE, count = WORDS;

	for (size_t page = first * per_page; page < (first + pages) * per_page; page++) {
		uint64_t *words = (uint64_t *)(region->start + page * BASE_PAGE);

		for (size_t i = 0; i < count; i++)
			words[i] = word_of(page, i, seed);
	}
}

void pages_check(const struct region *region, size_t first, size_t pages, unsigned seed,
		 size_t margin)
{
	size_t per_page = region->page_size / BASE_PAGE, skip = margin / sizeof(uint64_t);
	size_t end = WORDS - skip;

	for (size_t page = first * per_page; page < (first + pages) * per_page; page++) {
		const uint64_t *words = (const uint64_t *)(region->start + page * BASE_PAGE);

		for (size_t i = skip; i < end; i++)
			REQUIRE(words[i] == word_of(page, i, seed),
				"contents: word %zu of base page %zu (of %zu) is %#lx, not %#lx", i,
				page, region->pages * per_page, words[i], word_of(page, i, seed));
	}
}

void region_fill(const struct region *region, unsigned seed)
{
	pages_fill(region, 0, region->pages, seed);
}

void region_check(const struct region *region, unsigned seed)
{
	pages_check(region, 0, region->pages, seed, 0);
}

void region_check_whole(const struct region *region)
{
	size_t huge;

	if (region->kind != KIND_THP)
		return;
	huge = smaps_bytes(region->start, "AnonHugePages");
	REQUIRE(huge == region_bytes(region), "%zu of %zu bytes are huge pages", huge,
		region_bytes(region));
}

void bind_to_node(int node)
{
	unsigned long mask = node < 0 ? 0 : 1UL << node;

	MUST(syscall(SYS_set_mempolicy, node < 0 ? MPOL_DEFAULT : MPOL_BIND,
		     node < 0 ? NULL : &mask, node < 0 ? 0 : 8 * sizeof(mask)) == 0);
}

static char *map_at(const struct region *region, char *start)
{
	int flags = MAP_FIXED | MAP_ANONYMOUS, fd = -1;
	char *mapped;

	if (region->kind == KIND_BLOCK) {
		fd = open(BLOCK_DEVICE, O_RDWR | O_CLOEXEC);
		MUST(fd >= 0);
		flags &= ~MAP_ANONYMOUS;
	}
	flags |= region->kind == KIND_SHMEM || fd >= 0 ? MAP_SHARED : MAP_PRIVATE;
	if (region->kind == KIND_HUGETLB)
		flags |= MAP_HUGETLB;
	mapped = mmap(start, region_bytes(region), PROT_READ | PROT_WRITE, flags, fd, 0);
	MUST(mapped != MAP_FAILED);
	if (fd >= 0)
		close(fd);
	return mapped;
}

struct region region_create(enum kind kind, size_t pages, int node, unsigned seed)
{
	bool huge = kind == KIND_THP || kind == KIND_HUGETLB;
	struct region region = {
		.kind = kind, .pages = pages, .page_size = huge ? HUGE_PAGE : BASE_PAGE};
	char *start;

	/* The reserved space around the region keeps adjacent VMAs from merging with it. */
	region.mapping_bytes = region_bytes(&region) + 2 * HUGE_PAGE;
	region.mapping = mmap(NULL, region.mapping_bytes, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(region.mapping != MAP_FAILED);
	start = (char *)(((uintptr_t)region.mapping + HUGE_PAGE) & ~(HUGE_PAGE - 1));
	region.start = map_at(&region, start);
	if (kind == KIND_BASE || kind == KIND_THP)
		MUST(madvise(start, region_bytes(&region),
			     huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0);
	bind_to_node(node);
	region_fill(&region, seed);
	bind_to_node(-1);
	region_check_whole(&region);
	require_node(&region, node);
	return region;
}

void region_free(struct region *region)
{
	MUST(munmap(region->mapping, region->mapping_bytes) == 0);
	region->start = NULL;
}
