// SPDX-License-Identifier: MIT
#include "checks.h"
#include "child.h"
#include "counters.h"
#include "exchange.h"
#include "move.h"
#include "require.h"

#define MAX_CHILDREN 8

enum { ONE = 1, OTHER = 2, FIRST_CHILD = 10 };

struct share {
	const struct region *one, *other;
	unsigned seed;
};

/* Verifies the parent's contents, writes to half of one side, and verifies all again. */
static void run_child(void *data)
{
	const struct share *share = data;
	const struct region *one = share->one;
	size_t half = one->pages / 2;

	region_check(one, ONE);
	region_check(share->other, OTHER);
	pages_fill(one, 0, half, share->seed);
	child_wait();
	pages_check(one, 0, half, share->seed, 0);
	pages_check(one, half, one->pages - half, ONE, 0);
	region_check(share->other, OTHER);
}

static void require_refusal(const struct region *one, const struct region *other,
			    const struct job *job)
{
	struct outcome outcome = exchange_regions(one, other, job);

	REQUIRE(outcome.result == (long)one->pages, "returned %ld", outcome.result);
	for (size_t i = 0; i < one->pages; i++)
		REQUIRE(outcome.status[i] == -EACCES, "status of shared pair %zu is %d", i,
			outcome.status[i]);
	free(outcome.status);
	require_node(one, job->from);
	require_node(other, job->to);
}

void check_exchange_sharing(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, ONE);
	struct region other = region_create(job->kind, job->pages, job->to, OTHER);
	struct child child[MAX_CHILDREN];
	struct share share[MAX_CHILDREN];
	struct job for_all = *job;
	struct counters before;

	REQUIRE(job->helpers <= MAX_CHILDREN, "at most %d children", MAX_CHILDREN);
	for_all.all = true;
	for (unsigned i = 0; i < job->helpers; i++) {
		share[i] = (struct share){&one, &other, FIRST_CHILD + i};
		child[i] = child_start(run_child, &share[i]);
	}
	require_refusal(&one, &other, job);
	counters_read(&before);
	exchange_all_of(&one, &other, &for_all);
	counters_print_since(&before);
	for (unsigned i = 0; i < job->helpers; i++)
		child_step(&child[i]);
	region_check(&one, ONE);
	region_check(&other, OTHER);
	/* Half of one side is still shared, the other half is private to the children. Huge pages
	 * that a child wrote to may be split, and then fail. */
	exchange_some_of(&one, &other, &for_all);
	region_check(&one, ONE);
	pages_fill(&one, 0, one.pages, ONE + 2);
	exchange_some_of(&one, &other, &for_all);
	for (unsigned i = 0; i < job->helpers; i++) {
		child_step(&child[i]);
		child_end(&child[i]);
	}
	region_check(&one, ONE + 2);
	region_check(&other, OTHER);
	exchange_some_of(&one, &other, job);
	region_check(&one, ONE + 2);
	region_check(&other, OTHER);
	region_free(&one);
	region_free(&other);
}
