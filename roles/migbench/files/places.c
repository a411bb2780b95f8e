// SPDX-License-Identifier: MIT
#include "places.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sysfs.h"
#include "trial.h"

bool places_query(struct trial *trial, const struct region *region, struct placement *placement,
		  int *node_of_page)
{
	if (placement_query(region, placement, node_of_page))
		return true;
	return verdict_set(&trial->verdict, STATUS_FAILED, "cannot query the nodes of pages: %s",
			   strerror(errno));
}

bool balancing_is_on(void)
{
	uint64_t mode;

	return read_number("/proc/sys/kernel/numa_balancing", &mode) && mode != 0;
}

/* Base pages that NUMA balancing has moved since before the call, of all processes. */
static uint64_t balanced(const struct trial *trial)
{
	int64_t pages = vmstat_since(&trial->before, "numa_pages_migrated");

	return pages > 0 ? (uint64_t)pages : 0;
}

void places_query_at_once(struct trial *trial, const struct pass *pass)
{
	struct placement placement = {0};

	for (unsigned i = 0; i < pass->region_count; i++)
		if (!places_query(trial, &pass->regions[i], &placement, pass->lists[i].found))
			return;
	trial->verification.balanced_in_call =
		balanced(trial) * base_page_size() / pass->regions[0].page_size;
	trial->verification.queried = true;
}

static bool is_known(int node)
{
	return node >= 0 || node == PAGE_SPLIT;
}

/* A page that NUMA balancing is about to look at is not present for the queries of some kernels
 * (6.1 among them). Then the later query counts. */
static void compare(struct verification *result, const struct region *region, const int *at_once,
		    const int *later)
{
	int target = region->target_node;

	for (uint64_t page = 0; page < region->pages; page++) {
		int node = is_known(at_once[page]) ? at_once[page] : later[page];

		placement_count(&result->placement, node);
		result->pages++;
		result->pages_on_target += node == target;
		if (at_once[page] == target)
			result->pages_moved_later += is_known(later[page]) && later[page] != target;
		else if (node != target && is_known(at_once[page]))
			result->pages_left++;
		else if (node != target)
			result->pages_hidden++;
	}
}

bool places_query_later(struct trial *trial, const struct pass *pass)
{
	size_t bytes = pass->regions[0].pages * sizeof(int);
	int *later = buffer_alloc(bytes);
	bool known = later && trial->verification.queried;

	if (!later)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "out of memory for the query of the nodes of pages");
	for (unsigned i = 0; known && i < pass->region_count; i++) {
		const struct region *region = &pass->regions[i];
		struct placement placement = {0};

		known = places_query(trial, region, &placement, later);
		if (known)
			compare(&trial->verification, region, pass->lists[i].found, later);
	}
	buffer_free(later, bytes);
	trial->verification.checked = known;
	return known;
}

void places_judge(struct trial *trial)
{
	const struct verification *result = &trial->verification;
	uint64_t moved = result->pages_left + result->pages_hidden + result->pages_moved_later;

	if (result->pages_left > result->balanced_in_call ||
	    (result->pages_hidden > 0 && !balancing_is_on()))
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "%" PRIu64 " of %" PRIu64 " pages are not on the target node",
			     result->pages - result->pages_on_target, result->pages);
	else if (moved > 0 && balanced(trial) > 0)
		verdict_note(&trial->verdict, STATUS_DISTURBED,
			     "NUMA balancing is on and moved %" PRIu64
			     " pages back (numa_pages_migrated); set tuning.numa_balancing: false",
			     moved);
	else if (result->pages_hidden > 0)
		verdict_note(&trial->verdict, STATUS_DISTURBED,
			     "NUMA balancing is on and kept %" PRIu64
			     " pages from being moved or found; set tuning.numa_balancing: false",
			     result->pages_hidden);
	else if (moved > 0)
		verdict_note(&trial->verdict, STATUS_DISTURBED,
			     "%" PRIu64 " of %" PRIu64 " pages left the target node after the call",
			     moved, result->pages);
}
