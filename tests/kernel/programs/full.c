// SPDX-License-Identifier: MIT
#include "checks.h"
#include "counters.h"
#include "hog.h"
#include "memory.h"
#include "move.h"
#include "require.h"

void check_full(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	size_t pages = region_bytes(&region) / BASE_PAGE, moved;
	struct hog hog = hog_node(job->to, (size_t)job->free_kib << 10);
	struct counters before;

	counters_read(&before);
	move_some_of(&region, job->to, job);
	moved = count_on(&region, job->to);
	printf("moved=%zu pages=%zu", moved, pages);
	counters_print_since(&before);
	REQUIRE(moved > 0, "nothing moved");
	REQUIRE(moved < pages, "all pages moved: the node was not full");
	REQUIRE(moved + count_on(&region, job->from) == pages, "pages are on other nodes");
	region_check(&region, 1);
	hog_free(&hog);
	move_range_of(&region, job->to, job);
	region_check(&region, 1);
	move_range_of(&region, job->from, job);
	region_check(&region, 1);
	region_free(&region);
}
