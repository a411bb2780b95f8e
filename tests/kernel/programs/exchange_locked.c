// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "checks.h"
#include "counters.h"
#include "exchange.h"
#include "kernel.h"
#include "require.h"

#ifndef KPF_MLOCKED
#define KPF_MLOCKED 33
#endif
#ifndef KPF_UNEVICTABLE
#define KPF_UNEVICTABLE 18
#endif

static bool has_flag(const struct region *region, size_t page, unsigned flag)
{
	return page_flags(region_page(region, page)) & 1UL << flag;
}

static void require_locked(const struct region *region, bool locked)
{
	size_t bytes = locked ? region_bytes(region) : 0;

	REQUIRE(smaps_bytes(region->start, "Locked") == bytes, "%zu bytes are locked, not %zu",
		smaps_bytes(region->start, "Locked"), bytes);
	for (size_t i = 0; i < region->pages; i++) {
		/* In mainline, a huge page that was moved is only marked again by reclaim. */
		if (locked && region->kind == KIND_THP)
			continue;
		REQUIRE(has_flag(region, i, KPF_MLOCKED) == locked, "page %zu is %slocked", i,
			locked ? "not " : "");
		REQUIRE(has_flag(region, i, KPF_UNEVICTABLE) == locked, "page %zu is %sevictable",
			i, locked ? "" : "un");
	}
}

void check_exchange_locked(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	struct counters before;

	MUST(mlock(one.start, region_bytes(&one)) == 0);
	counters_read(&before);
	for (unsigned round = 0; round < job->rounds; round++) {
		exchange_all_of(&one, &other, job);
		require_locked(&one, true);
		require_locked(&other, false);
	}
	counters_print_since(&before);
	MUST(munlock(one.start, region_bytes(&one)) == 0);
	exchange_all_of(&one, &other, job);
	require_locked(&one, false);
	require_locked(&other, false);
	region_check(&one, 1);
	region_check(&other, 2);
	region_free(&one);
	region_free(&other);
}
