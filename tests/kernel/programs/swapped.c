// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "checks.h"
#include "counters.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#define KPF_SWAPCACHE 13

static size_t count_in_swap_cache(const struct region *region)
{
	size_t count = 0;

	for (size_t page = 0; page < region_bytes(region) / BASE_PAGE; page++)
		count += (page_flags(region->start + page * BASE_PAGE) >> KPF_SWAPCACHE) & 1;
	return count;
}

/* Reads one byte of every second base page: these are swapped in and stay in the swap cache. */
static void read_half(const struct region *region)
{
	for (size_t page = 0; page < region_bytes(region) / BASE_PAGE; page += 2)
		(void)*(volatile char *)(region->start + page * BASE_PAGE);
}

void check_swapped(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct counters before;
	size_t out, cached, moved;

	MUST(madvise(region.start, region_bytes(&region), MADV_PAGEOUT) == 0);
	out = smaps_bytes(region.start, "Swap");
	REQUIRE(out > 0, "nothing was swapped out");
	bind_to_node(job->from);
	read_half(&region);
	bind_to_node(-1);
	cached = count_in_swap_cache(&region);
	REQUIRE(cached > 0, "nothing is in the swap cache");
	counters_read(&before);
	/* As base pages: swapping has split huge pages at least partly. */
	region.pages = region_bytes(&region) / BASE_PAGE;
	region.page_size = BASE_PAGE;
	region.kind = KIND_BASE;
	moved = move_some_of(&region, job->to, job);
	printf("out=%zu cached=%zu moved=%zu", out, cached, moved);
	counters_print_since(&before);
	REQUIRE(moved >= cached, "%zu pages are in the swap cache, %zu have moved", cached, moved);
	region_check(&region, 1);
	region_fill(&region, 2);
	move_range_of(&region, job->to, job);
	region_check(&region, 2);
	region_free(&region);
}
