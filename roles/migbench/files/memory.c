// SPDX-License-Identifier: MIT
#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "options.h"
#include "size.h"
#include "syscalls.h"
#include "sysfs.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

#define THP_SIZE "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"

static const char *const KIND_NAMES[] = {
	[MEMORY_BASE] = "base",
	[MEMORY_THP] = "thp",
	[MEMORY_HUGETLB] = "hugetlb",
	[MEMORY_SHMEM] = "shmem",
};

uint64_t base_page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

bool page_size_choose(uint64_t requested, uint64_t *page_size, struct verdict *verdict)
{
	bool is_power = (requested & (requested - 1)) == 0;

	*page_size = requested;
	if (requested == PAGE_SIZE_HUGE) {
		if (!read_number(THP_SIZE, page_size))
			return verdict_set(verdict, STATUS_UNSUPPORTED,
					   "this kernel has no transparent huge pages");
	} else if (requested < base_page_size() && is_power) {
		*page_size = base_page_size();
	}
	return true;
}

const char *memory_kind_name(enum memory_kind kind)
{
	return KIND_NAMES[kind];
}

bool memory_kind_choose(const char *name, uint64_t page_size, enum memory_kind *kind,
			struct verdict *verdict)
{
	bool is_base = page_size == base_page_size();
	char text[SIZE_TEXT];

	size_format(page_size, text);
	if (page_size < base_page_size() || (page_size & (page_size - 1)) != 0)
		return verdict_set(verdict, STATUS_UNSUPPORTED, "%s is not a valid page size",
				   text);
	*kind = is_base ? MEMORY_BASE : MEMORY_THP;
	for (size_t i = 0; i < sizeof(KIND_NAMES) / sizeof(KIND_NAMES[0]); i++)
		if (strcmp(name, KIND_NAMES[i]) == 0)
			*kind = (enum memory_kind)i;
	if (*kind == MEMORY_BASE && !is_base)
		return verdict_set(verdict, STATUS_UNSUPPORTED,
				   "%s is not the base page size of this machine", text);
	if ((*kind == MEMORY_THP || *kind == MEMORY_HUGETLB) && is_base)
		return verdict_set(verdict, STATUS_UNSUPPORTED, "%s memory has no %s pages",
				   KIND_NAMES[*kind], text);
	return true;
}

bool region_is_huge(const struct region *region)
{
	return region->page_size > base_page_size();
}

static int mapping_flags(const struct region *region)
{
	switch (region->kind) {
	case MEMORY_HUGETLB:
		return MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		       (__builtin_ctzll(region->page_size) << MAP_HUGE_SHIFT);
	case MEMORY_SHMEM:
		return MAP_SHARED | MAP_ANONYMOUS;
	default:
		return MAP_PRIVATE | MAP_ANONYMOUS;
	}
}

static bool map_aligned(struct region *region, struct verdict *verdict)
{
	size_t bytes = region_bytes(region), align = region->page_size;
	uintptr_t start;

	/* The reserved space around the region keeps adjacent VMAs from merging with it. */
	region->mapping_bytes = bytes + 2 * align;
	region->mapping = mmap(NULL, region->mapping_bytes, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region->mapping == MAP_FAILED) {
		region->mapping = NULL;
		return verdict_set(verdict, STATUS_FAILED, "cannot reserve %zu bytes: %s",
				   region->mapping_bytes, strerror(errno));
	}
	start = ((uintptr_t)region->mapping + 2 * align - 1) & ~(uintptr_t)(align - 1);
	region->start = mmap((void *)start, bytes, PROT_READ | PROT_WRITE,
			     MAP_FIXED | mapping_flags(region), -1, 0);
	if (region->start == MAP_FAILED) {
		region->start = NULL;
		return verdict_set(verdict, STATUS_DISTURBED,
				   "cannot map %zu bytes of %s memory: %s", bytes,
				   memory_kind_name(region->kind), strerror(errno));
	}
	return true;
}

/* Errors are ignored: the size of every page is checked later. */
static void advise(const struct region *region)
{
	if (region->kind != MEMORY_HUGETLB)
		madvise(region->start, region_bytes(region),
			region_is_huge(region) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

static bool populate(const struct region *region, struct verdict *verdict)
{
	size_t bytes = region_bytes(region), step = base_page_size();

	if (madvise(region->start, bytes, MADV_POPULATE_WRITE) == 0)
		return true;
	if (errno != EINVAL)
		return verdict_set(verdict, STATUS_DISTURBED,
				   "node %d: cannot fault in %zu bytes: %s", region->node, bytes,
				   strerror(errno));
	for (size_t offset = 0; offset < bytes; offset += step)
		*(volatile char *)(region->start + offset) = 0;
	return true;
}

/* A kernel without NUMA support has one node and no mbind. */
static bool bind(const struct region *region, int mode, const struct nodemask *mask,
		 struct verdict *verdict)
{
	if (sys_mbind(region->start, region_bytes(region), mode, mask, 0) == 0 || errno == ENOSYS)
		return true;
	return verdict_set(verdict, STATUS_FAILED, "cannot bind memory to node %d: %s",
			   region->node, strerror(errno));
}

bool region_create(struct region *region, struct verdict *verdict)
{
	struct nodemask mask = nodemask_of(region->node);

	if (!map_aligned(region, verdict))
		return false;
	advise(region);
	/* Migrations are timed with the default policy, so the binding is removed again. */
	return bind(region, MPOL_BIND, &mask, verdict) && populate(region, verdict) &&
	       bind(region, MPOL_DEFAULT, NULL, verdict);
}

void region_free(struct region *region)
{
	if (region->mapping)
		munmap(region->mapping, region->mapping_bytes);
	region->mapping = NULL;
	region->start = NULL;
}

void *buffer_alloc(size_t bytes)
{
	void *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (buffer == MAP_FAILED)
		return NULL;
	mlock(buffer, bytes);
	return buffer;
}

void buffer_free(void *buffer, size_t bytes)
{
	if (buffer)
		munmap(buffer, bytes);
}
