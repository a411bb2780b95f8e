// SPDX-License-Identifier: MIT
#include "residence.h"

#include <inttypes.h>
#include <string.h>

#define BATCH 512

static int merge(int node, int other)
{
	if (node == other)
		return node;
	return node < 0 && node != PAGE_SPLIT ? node : other < 0 ? other : PAGE_SPLIT;
}

static void count_page(struct residence *residence, int node)
{
	if (node == PAGE_SPLIT) {
		residence->split++;
	} else if (node >= 0 && node < MAX_NODES) {
		residence->on_node[node]++;
	} else {
		if (residence->unknown++ == 0)
			residence->first_error = -node;
	}
}

bool residence_query(const struct region *region, struct residence *residence, int *node_of_page)
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
			count_page(residence, node);
			if (node_of_page)
				node_of_page[index / per_page] = node;
		}
	}
	return true;
}

void residence_add(struct residence *sum, const struct residence *residence)
{
	for (int node = 0; node < MAX_NODES; node++)
		sum->on_node[node] += residence->on_node[node];
	sum->split += residence->split;
	sum->unknown += residence->unknown;
	if (sum->first_error == 0)
		sum->first_error = residence->first_error;
}

void residence_json(const struct residence *residence, struct json *json)
{
	char name[16];

	json_object(json, "residence");
	for (int node = 0; node < MAX_NODES; node++) {
		if (residence->on_node[node] == 0)
			continue;
		snprintf(name, sizeof(name), "%d", node);
		json_unsigned(json, name, residence->on_node[node]);
	}
	if (residence->split)
		json_unsigned(json, "split", residence->split);
	if (residence->unknown)
		json_unsigned(json, "unknown", residence->unknown);
	json_end_object(json);
}
