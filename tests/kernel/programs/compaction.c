// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "checks.h"
#include "kernel.h"
#include "memory.h"
#include "require.h"

#define ONE_OF 4 /* pages that stay */

/*
 * Compaction moves what is left of regions with holes, on request of the administrator, as the
 * policy for it says. Every byte is where it was.
 */
void check_compaction(const struct job *job)
{
	struct region region = region_create(KIND_BASE, job->pages, job->from, job->seed);

	for (size_t page = 0; page < region.pages; page++)
		if (page % ONE_OF)
			MUST(madvise(region_page(&region, page), BASE_PAGE, MADV_DONTNEED) == 0);
	for (unsigned round = 0; round < job->rounds; round++)
		file_write("/proc/sys/vm/compact_memory", "1");
	for (size_t page = 0; page < region.pages; page += ONE_OF)
		pages_check(&region, page, 1, job->seed, 0);
	region_free(&region);
}
