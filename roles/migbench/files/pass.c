// SPDX-License-Identifier: MIT
#include "pass.h"

#include <errno.h>
#include <string.h>

#include "trial.h"

/* The region must already be mapped: the list has its addresses. */
static bool list_create(struct page_list *list, const struct region *region,
			struct verdict *verdict)
{
	uint64_t count = region->pages;

	list->count = count;
	list->addresses = buffer_alloc(count * sizeof(*list->addresses));
	list->nodes = buffer_alloc(count * sizeof(*list->nodes));
	list->status = buffer_alloc(count * sizeof(*list->status));
	list->found = buffer_alloc(count * sizeof(*list->found));
	if (!list->addresses || !list->nodes || !list->status || !list->found)
		return verdict_set(verdict, STATUS_FAILED, "out of memory for the list of pages");
	for (uint64_t page = 0; page < count; page++) {
		list->addresses[page] = region_page(region, page);
		list->nodes[page] = region->target_node;
		list->status[page] = STATUS_UNSET;
	}
	return true;
}

static void list_free(struct page_list *list)
{
	buffer_free(list->addresses, list->count * sizeof(*list->addresses));
	buffer_free(list->nodes, list->count * sizeof(*list->nodes));
	buffer_free(list->status, list->count * sizeof(*list->status));
	buffer_free(list->found, list->count * sizeof(*list->found));
}

static void place_regions(struct pass *pass, const struct trial *trial, uint64_t pages)
{
	struct region region = {.pages = pages, .page_size = trial->page_size, .kind = trial->kind};
	bool stays = trial->mode->layout == LAYOUT_COPY;

	region.node = trial->source;
	region.target_node = stays ? trial->source : trial->target;
	pass->regions[0] = region;
	region.node = trial->target;
	region.target_node = stays ? trial->target : trial->source;
	pass->regions[1] = region;
	pass->region_count = trial->mode->layout == LAYOUT_MOVE ? 1 : 2;
}

bool pass_create(struct pass *pass, const struct trial *trial, uint64_t pages,
		 struct verdict *verdict)
{
	*pass = (struct pass){0};
	place_regions(pass, trial, pages);
	for (unsigned i = 0; i < pass->region_count; i++)
		if (!region_create(&pass->regions[i], verdict) ||
		    !list_create(&pass->lists[i], &pass->regions[i], verdict))
			return false;
	return true;
}

void pass_free(struct pass *pass)
{
	team_free(&pass->team);
	for (unsigned i = 0; i < pass->region_count; i++) {
		region_free(&pass->regions[i]);
		list_free(&pass->lists[i]);
	}
	*pass = (struct pass){0};
}

uint64_t pass_bytes(const struct pass *pass, const struct trial *trial)
{
	uint64_t bytes = region_bytes(&pass->regions[0]);

	return trial->mode->layout == LAYOUT_SWAP ? 2 * bytes : bytes;
}

void pass_result(struct pass *pass, const char *call, long result, int error)
{
	if (result >= 0) {
		pass->not_moved += (uint64_t)result;
	} else if (pass->error == 0) {
		pass->error = error;
		pass->call = call;
	}
}

void pass_move(struct pass *pass, struct page_list *list, int flags)
{
	long result =
		sys_move_pages(list->count, list->addresses, list->nodes, list->status, flags);

	list->has_status = true;
	pass_result(pass, "move_pages", result, errno);
}
