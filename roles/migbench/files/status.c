// SPDX-License-Identifier: MIT
#include "status.h"

#include <inttypes.h>

#include "places.h"
#include "trial.h"

/* NUMA balancing hides pages from the queries of some kernels. */
static bool is_hidden(int node)
{
	return node < 0 && node != PAGE_SPLIT && balancing_is_on();
}

/* Entries that differ from the nodes at once after the call. Pages that NUMA balancing has moved
 * back by then are none. */
static uint64_t count_mismatches(const struct page_list *list, uint64_t balanced)
{
	uint64_t mismatches = 0, moved_back = 0;

	for (uint64_t page = 0; page < list->count; page++) {
		if (list->status[page] == list->found[page] || is_hidden(list->found[page]))
			continue;
		if (list->status[page] == list->nodes[page])
			moved_back++;
		else
			mismatches++;
	}
	return moved_back > balanced ? mismatches + moved_back : mismatches;
}

/* Status 0: both pages of the pair were exchanged. Any other status: neither was. The return value
 * is the number of pairs that were not exchanged. */
static void check_pairs(struct trial *trial, const struct pass *pass)
{
	uint64_t pairs = pass->regions[0].pages, failed = 0, mismatches = 0, moved_back = 0;

	for (uint64_t pair = 0; pair < pairs; pair++) {
		int status = pass->lists[1].status[pair];
		bool done = status == 0;

		failed += !done;
		mismatches += status > 0 || (status == STATUS_UNSET && !pass->error);
		for (unsigned i = 0; i < 2; i++) {
			const struct region *region = &pass->regions[i];

			int node = pass->lists[i].found[pair];

			moved_back += !is_hidden(node) &&
				      node != (done ? region->target_node : region->node);
		}
	}
	mismatches += !pass->error && failed != pass->not_moved;
	if (moved_back > trial->verification.balanced_in_call)
		mismatches += moved_back;
	trial->verification.has_status = true;
	trial->verification.status_mismatches += mismatches;
	if (mismatches)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "exchange_pages returned %" PRIu64 " of %" PRIu64
			     " pairs as failed; %" PRIu64 " status values do not match",
			     pass->not_moved, pairs, mismatches);
}

void status_check(struct trial *trial, const struct pass *pass)
{
	struct verification *result = &trial->verification;

	/* The kernel does not write the array of a call that it refuses. */
	for (unsigned i = 0; i < pass->region_count && !pass->error; i++)
		if (pass->lists[i].has_status) {
			result->has_status = true;
			result->status_mismatches +=
				count_mismatches(&pass->lists[i], result->balanced_in_call);
		}
	if (pass->has_pair_status)
		check_pairs(trial, pass);
}
