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

	if (job_has_threads(job) && job->interface != INTERFACE_POLICY)
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

static long call_move_pages(size_t count, void **pages, const int *nodes, int *status,
			    unsigned flags)
{
	long result = syscall(SYS_move_pages, 0, count, pages, nodes, status, flags);

	return result < 0 ? -errno : result;
}

static int *query_nodes(const struct region *region, size_t stride)
{
	size_t count = region_bytes(region) / stride;
	void **pages = allocate(count, sizeof(*pages));
	int *status = allocate(count, sizeof(*status));

	for (size_t i = 0; i < count; i++)
		pages[i] = region->start + i * stride;
	REQUIRE(call_move_pages(count, pages, NULL, status, 0) == 0,
		"cannot query the nodes of pages");
	free(pages);
	return status;
}

int *nodes_of(const struct region *region)
{
	return query_nodes(region, BASE_PAGE);
}

size_t count_on(const struct region *region, int node)
{
	int *nodes = nodes_of(region);
	size_t count = 0;

	for (size_t i = 0; i < region_bytes(region) / BASE_PAGE; i++)
		count += nodes[i] == node;
	free(nodes);
	return count;
}

static struct outcome move_by_mbind(const struct region *region, int node, unsigned flags)
{
	unsigned long mask = 1UL << node;
	struct outcome outcome;

	outcome.result = syscall(SYS_mbind, region->start, region_bytes(region), MPOL_BIND, &mask,
				 8 * sizeof(mask), flags | MPOL_MF_STRICT);
	if (outcome.result < 0)
		outcome.result = -errno;
	MUST(syscall(SYS_mbind, region->start, region_bytes(region), MPOL_DEFAULT, NULL, 0, 0) ==
	     0);
	outcome.status = query_nodes(region, region->page_size);
	return outcome;
}

static struct outcome move_by_move_pages(const struct region *region, int node, unsigned flags)
{
	void **pages = allocate(region->pages, sizeof(*pages));
	int *nodes = allocate(region->pages, sizeof(*nodes));
	struct outcome outcome = {.status = allocate(region->pages, sizeof(int))};

	for (size_t i = 0; i < region->pages; i++) {
		pages[i] = region_page(region, i);
		nodes[i] = node;
		outcome.status[i] = STATUS_UNSET;
	}
	outcome.result = call_move_pages(region->pages, pages, nodes, outcome.status, flags);
	free(pages);
	free(nodes);
	return outcome;
}

struct outcome move_region(const struct region *region, int node, const struct job *job)
{
	if (job->interface == INTERFACE_MBIND)
		return move_by_mbind(region, node, flags_of(job));
	return move_by_move_pages(region, node, flags_of(job));
}

void require_node(const struct region *region, int node)
{
	int *nodes = nodes_of(region);

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
	require_node(region, node);
	region_check_whole(region);
}

void move_range_of(const struct region *region, int node, const struct job *job)
{
	struct job by_range = *job;
	struct outcome outcome;

	by_range.interface = INTERFACE_MBIND;
	outcome = move_region(region, node, &by_range);
	REQUIRE(outcome.result == 0, "moving to node %d returned %ld", node, outcome.result);
	free(outcome.status);
	require_node(region, node);
}

/* A plain move_pages call that stops early does not write the whole status array. */
static bool has_full_status(const struct job *job, long result)
{
	return result == 0 || job->interface == INTERFACE_MBIND || job_has_batches(job) ||
	       job_has_dma(job) || (job_has_threads(job) && job->interface == INTERFACE_MOVE_PAGES);
}

size_t move_some_of(const struct region *region, int node, const struct job *job)
{
	struct outcome outcome = move_region(region, node, job);
	int *nodes = query_nodes(region, region->page_size);
	size_t there = 0;

	REQUIRE(outcome.result >= 0 || outcome.result == -ENOMEM || outcome.result == -EIO,
		"moving to node %d returned %ld", node, outcome.result);
	for (size_t i = 0; i < region->pages; i++) {
		int status = outcome.status[i];

		there += nodes[i] == node;
		REQUIRE(status != STATUS_UNSET || !has_full_status(job, outcome.result),
			"status of page %zu, which is on node %d, was not written (returned %ld)",
			i, nodes[i], outcome.result);
		REQUIRE(status == STATUS_UNSET || status < 0 || status == nodes[i],
			"status of page %zu is %d, but it is on node %d (returned %ld)", i, status,
			nodes[i], outcome.result);
		REQUIRE(outcome.result != 0 || status < 0 || status == node,
			"returned 0, but page %zu is on node %d", i, nodes[i]);
	}
	free(outcome.status);
	free(nodes);
	return there;
}
