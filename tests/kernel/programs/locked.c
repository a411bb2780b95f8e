// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "checks.h"
#include "counters.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#ifndef KPF_MLOCKED
#define KPF_MLOCKED 33
#endif

static void require_locked(const struct region *region, bool locked)
{
	size_t bytes = locked ? region_bytes(region) : 0;

	REQUIRE(smaps_bytes(region->start, "Locked") == bytes, "%zu bytes are locked, not %zu",
		smaps_bytes(region->start, "Locked"), bytes);
	/* In mainline, a huge page that was moved is only marked again by reclaim. */
	for (size_t i = 0; i < region->pages && region->kind != KIND_THP; i++)
		REQUIRE(!(page_flags(region_page(region, i)) & 1UL << KPF_MLOCKED) == !locked,
			"page %zu is %slocked", i, locked ? "not " : "");
}

void check_locked(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct counters before;

	MUST(mlock(region.start, region_bytes(&region)) == 0);
	counters_read(&before);
	for (unsigned round = 0; round < job->rounds; round++) {
		move_all_of(&region, job->to, job);
		require_locked(&region, true);
		move_all_of(&region, job->from, job);
		require_locked(&region, true);
	}
	counters_print_since(&before);
	region_check(&region, 1);
	MUST(munlock(region.start, region_bytes(&region)) == 0);
	move_all_of(&region, job->to, job);
	require_locked(&region, false);
	region_check(&region, 1);
	region_free(&region);
}
