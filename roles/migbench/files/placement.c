// SPDX-License-Identifier: MIT
#include "placement.h"

#include <inttypes.h>
#include <string.h>

#define BATCH 512

static int merge(int node, int other)
{
	if (node == other)
		return node;
	return node < 0 && node != PAGE_SPLIT ? node : other < 0 ? other : PAGE_SPLIT;
}

void placement_count(struct placement *placement, int node)
{
	if (node == PAGE_SPLIT) {
		placement->split++;
	} else if (node >= 0 && node < MAX_NODES) {
		placement->on_node[node]++;
	} else {
		if (placement->unknown++ == 0)
			placement->first_error = -node;
	}
}

bool placement_query(const struct region *region, struct placement *placement, int *node_of_page)
{
	const uint64_t per_page = region->page_size / base_page_size();
	const uint64_t total = region->pages * per_page;
	void *addresses[BATCH];
	int status[BATCH], node = 0;

	for (uint64_t done = 0; done < total; done += BATCH) {
		uint64_t count = total - done < BATCH ? total - done : BATCH;

		for (uint64_t i = 0; i < count; i++)
			addresses[i] = region->start + (done + i) * base_page_size();
		if (sys_move_pages(count, addresses, NULL, status, 0) < 0)
			return false;
		for (uint64_t i = 0; i < count; i++) {
			uint64_t index = done + i;

			node = index % per_page == 0 ? status[i] : merge(node, status[i]);
			if ((index + 1) % per_page != 0)
				continue;
			placement_count(placement, node);
			if (node_of_page)
				node_of_page[index / per_page] = node;
		}
	}
	return true;
}

void placement_json(const struct placement *placement, struct json *json)
{
	char name[16];

	json_object(json, "pages_per_node");
	for (int node = 0; node < MAX_NODES; node++) {
		if (placement->on_node[node] == 0)
			continue;
		snprintf(name, sizeof(name), "%d", node);
		json_unsigned(json, name, placement->on_node[node]);
	}
	if (placement->split)
		json_unsigned(json, "split", placement->split);
	if (placement->unknown)
		json_unsigned(json, "unknown", placement->unknown);
	json_end_object(json);
}
