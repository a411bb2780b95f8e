// SPDX-License-Identifier: MIT
#include "checks.h"
#include "child.h"
#include "counters.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#define MAX_CHILDREN 8

enum { PARENT = 1, FIRST_CHILD = 10 };

struct share {
	const struct region *region;
	unsigned seed;
};

/* Verifies the parent's contents, writes to half of them, and verifies all after more moves. */
static void run_child(void *data)
{
	const struct share *share = data;
	const struct region *region = share->region;
	size_t half = region->pages / 2;

	region_check(region, PARENT);
	pages_fill(region, 0, half, share->seed);
	child_wait();
	pages_check(region, 0, half, share->seed, 0);
	pages_check(region, half, region->pages - half, PARENT, 0);
}

/* Shared pages are not moved without MPOL_MF_MOVE_ALL. */
static void require_refusal(const struct region *region, const struct job *job)
{
	struct outcome outcome = move_region(region, job->to, job);

	for (size_t i = 0; i < region->pages; i++)
		REQUIRE(outcome.status[i] == -EACCES, "status of shared page %zu is %d", i,
			outcome.status[i]);
	free(outcome.status);
	require_node(region, job->from);
}

void check_sharing(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, PARENT);
	struct child child[MAX_CHILDREN];
	struct share share[MAX_CHILDREN];
	struct job for_all = *job;
	struct counters before;

	REQUIRE(job->helpers <= MAX_CHILDREN, "at most %d children", MAX_CHILDREN);
	for_all.all = true;
	for (unsigned i = 0; i < job->helpers; i++) {
		share[i] = (struct share){&region, FIRST_CHILD + i};
		child[i] = child_start(run_child, &share[i]);
	}
	if (job->interface != INTERFACE_MBIND)
		require_refusal(&region, job);
	counters_read(&before);
	move_all_of(&region, job->to, &for_all);
	counters_print_since(&before);
	for (unsigned i = 0; i < job->helpers; i++)
		child_step(&child[i]);
	region_check(&region, PARENT);
	/* Half of the pages are still shared, the other half is private to the children. */
	move_range_of(&region, job->from, &for_all);
	region_check(&region, PARENT);
	pages_fill(&region, 0, region.pages, PARENT + 1);
	for (unsigned i = 0; i < job->helpers; i++) {
		child_step(&child[i]);
		child_end(&child[i]);
	}
	region_check(&region, PARENT + 1);
	move_range_of(&region, job->to, job);
	region_check(&region, PARENT + 1);
	region_free(&region);
}
