// SPDX-License-Identifier: MIT
#include "move.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "require.h"

unsigned flags_of(const struct job *job)
{
	unsigned flags = job->all ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE;

	if (job_has_threads(job) && job->way != WAY_SYSCTL)
		flags |= kernel_abi()->mt;
	if (job_has_batches(job))
		flags |= kernel_abi()->concur;
	if (job_has_dma(job))
		flags |= kernel_abi()->dma;
	return flags;
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	MUST(memory);
	return memory;
}

static long ask_pages(size_t count, void **pages, const int *nodes, int *status, unsigned flags)
{
	long result = syscall(SYS_move_pages, 0, count, pages, nodes, status, flags);

	return result < 0 ? -errno : result;
}

static int *ask_residence(const struct region *region, size_t stride)
{
	size_t count = region_bytes(region) / stride;
	void **pages = allocate(count, sizeof(*pages));
	int *status = allocate(count, sizeof(*status));

	for (size_t i = 0; i < count; i++)
		pages[i] = region->start + i * stride;
	REQUIRE(ask_pages(count, pages, NULL, status, 0) == 0, "cannot ask where pages are");
	free(pages);
	return status;
}

int *residence_of(const struct region *region)
{
	return ask_residence(region, BASE_PAGE);
}

static struct outcome by_mbind(const struct region *region, int node, unsigned flags)
{
	unsigned long mask = 1UL << node;
	struct outcome outcome;

	outcome.result = syscall(SYS_mbind, region->start, region_bytes(region), MPOL_BIND, &mask,
				 8 * sizeof(mask), flags | MPOL_MF_STRICT);
	if (outcome.result < 0)
		outcome.result = -errno;
	MUST(syscall(SYS_mbind, region->start, region_bytes(region), MPOL_DEFAULT, NULL, 0, 0) ==
	     0);
	outcome.status = ask_residence(region, region->page_size);
	return outcome;
}

static struct outcome by_move_pages(const struct region *region, int node, unsigned flags)
{
	void **pages = allocate(region->pages, sizeof(*pages));
	int *nodes = allocate(region->pages, sizeof(*nodes));
	struct outcome outcome = {.status = allocate(region->pages, sizeof(int))};

	for (size_t i = 0; i < region->pages; i++) {
		pages[i] = region_page(region, i);
		nodes[i] = node;
		outcome.status[i] = NOT_TOLD;
	}
	outcome.result = ask_pages(region->pages, pages, nodes, outcome.status, flags);
	free(pages);
	free(nodes);
	return outcome;
}

struct outcome move_region(const struct region *region, int node, const struct job *job)
{
	if (job->way == WAY_MBIND)
		return by_mbind(region, node, flags_of(job));
	return by_move_pages(region, node, flags_of(job));
}

void require_residence(const struct region *region, int node)
{
	int *nodes = residence_of(region);

	for (size_t i = 0; i < region_bytes(region) / BASE_PAGE; i++)
		REQUIRE(nodes[i] == node, "base page %zu of %zu is on node %d, not %d", i,
			region_bytes(region) / BASE_PAGE, nodes[i], node);
	free(nodes);
}

void move_all_of(const struct region *region, int node, const struct job *job)
{
	struct outcome outcome = move_region(region, node, job);

	REQUIRE(outcome.result == 0, "moving to node %d returned %ld", node, outcome.result);
	for (size_t i = 0; i < region->pages; i++)
		REQUIRE(outcome.status[i] == node, "status of page %zu is %d, not %d", i,
			outcome.status[i], node);
	free(outcome.status);
	require_residence(region, node);
	region_check_whole(region);
}

void move_range_of(const struct region *region, int node, const struct job *job)
{
	struct job by_range = *job;
	struct outcome outcome;

	by_range.way = WAY_MBIND;
	outcome = move_region(region, node, &by_range);
	REQUIRE(outcome.result == 0, "moving to node %d returned %ld", node, outcome.result);
	free(outcome.status);
	require_residence(region, node);
}

/* Of a plain call that stops early the kernel tells only part. */
static bool tells_all(const struct job *job, long result)
{
	return result == 0 || job->way == WAY_MBIND || job_has_batches(job) || job_has_dma(job) ||
	       (job_has_threads(job) && job->way == WAY_MOVE_PAGES);
}

size_t move_some_of(const struct region *region, int node, const struct job *job)
{
	struct outcome outcome = move_region(region, node, job);
	int *nodes = ask_residence(region, region->page_size);
	size_t there = 0;

	REQUIRE(outcome.result >= 0 || outcome.result == -ENOMEM || outcome.result == -EIO,
		"moving to node %d returned %ld", node, outcome.result);
	for (size_t i = 0; i < region->pages; i++) {
		int status = outcome.status[i];

		there += nodes[i] == node;
		REQUIRE(status != NOT_TOLD || !tells_all(job, outcome.result),
			"status of page %zu, which is on node %d, was left as it was (returned "
			"%ld)",
			i, nodes[i], outcome.result);
		REQUIRE(status == NOT_TOLD || status < 0 || status == nodes[i],
			"status of page %zu is %d, but it is on node %d (returned %ld)", i, status,
			nodes[i], outcome.result);
		REQUIRE(outcome.result != 0 || status < 0 || status == node,
			"returned 0, but page %zu is on node %d", i, nodes[i]);
	}
	free(outcome.status);
	free(nodes);
	return there;
}
