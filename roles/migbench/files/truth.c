// SPDX-License-Identifier: MIT
#include "truth.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "pattern.h"
#include "size.h"
#include "trial.h"

static bool query(struct trial *trial, const struct region *region, struct residence *residence,
		  int *node_of_page)
{
	if (residence_query(region, residence, node_of_page))
		return true;
	return verdict_set(&trial->verdict, STATUS_FAILED,
			   "the kernel does not tell where pages are: %s", strerror(errno));
}

static bool is_in_place(struct trial *trial, const struct region *region)
{
	struct residence residence = {0};
	uint64_t there;

	if (!query(trial, region, &residence, NULL))
		return false;
	there = residence.on_node[region->node];
	if (there == region->pages)
		return true;
	return verdict_set(&trial->verdict, STATUS_DISTURBED,
			   "before the clock: %" PRIu64 " of %" PRIu64 " pages are on node %d",
			   there, region->pages, region->node);
}

static bool is_of_size(struct trial *trial, const struct region *region)
{
	struct folios folios;
	char size[SIZE_TEXT];

	folios_count(region, &folios);
	trial->truth.folios_before.whole += folios.whole;
	trial->truth.folios_before.how = folios.how;
	if (folios.whole == region->pages)
		return true;
	/* A base page is one unless it is shown to be part of something larger. */
	if (strcmp(folios.how, "none") == 0 && !region_is_huge(region))
		return true;
	size_format(region->page_size, size);
	if (strcmp(folios.how, "none") == 0)
		return verdict_set(&trial->verdict, STATUS_DISTURBED,
				   "cannot prove pages of %s: /proc/kpageflags is not readable",
				   size);
	return verdict_set(
		&trial->verdict, STATUS_DISTURBED,
		"before the clock: %" PRIu64 " of %" PRIu64 " pages are %s pages of %s (by %s)",
		folios.whole, region->pages, memory_kind_name(region->kind), size, folios.how);
}

/* The region whose contents region number i must show afterwards. */
static const struct region *contents_of(const struct trial *trial, const struct pass *pass,
					unsigned i)
{
	return &pass->regions[trial->mode->layout == LAYOUT_COPY ? 0 : i];
}

bool truth_before(struct trial *trial, const struct pass *pass)
{
	for (unsigned i = 0; i < pass->region_count; i++) {
		const struct region *region = &pass->regions[i];

		if (!is_in_place(trial, region) || !is_of_size(trial, region))
			return false;
		if (contents_of(trial, pass, i) == region)
			pattern_fill(region->start, region_bytes(region), region->start);
	}
	return true;
}

static void check_contents(struct trial *trial, const struct pass *pass, const char *when)
{
	struct truth *truth = &trial->truth;

	for (unsigned i = 0; i < pass->region_count; i++) {
		const struct region *region = &pass->regions[i];
		size_t first_wrong = 0, wrong;

		wrong = pattern_wrong_bytes(region->start, region_bytes(region),
					    contents_of(trial, pass, i)->start, &first_wrong);
		truth->bytes_checked += region_bytes(region);
		truth->bytes_wrong += wrong;
		if (wrong)
			verdict_note(&trial->verdict, STATUS_FAILED,
				     "%s: %zu bytes are wrong, the first at %zu of page %" PRIu64,
				     when, wrong, first_wrong % (size_t)region->page_size,
				     first_wrong / region->page_size);
	}
}

static uint64_t count_lies(const struct page_list *list, const int *node_of_page)
{
	uint64_t lies = 0;

	for (uint64_t page = 0; list->reported && page < list->count; page++)
		lies += list->status[page] != node_of_page[page];
	return lies;
}

static bool check_region(struct trial *trial, const struct region *region,
			 const struct page_list *list, int *node_of_page)
{
	struct truth *truth = &trial->truth;
	struct residence residence = {0};
	struct folios folios;

	if (!query(trial, region, &residence, node_of_page))
		return false;
	folios_count(region, &folios);
	truth->pages += region->pages;
	truth->pages_on_target += residence.on_node[region->goal];
	truth->has_status |= list->reported;
	truth->status_lies += count_lies(list, node_of_page);
	truth->folios_after.whole += folios.whole;
	truth->folios_after.how = folios.how;
	residence_add(&truth->residence, &residence);
	return true;
}

/* Status 0 says that both pages of a pair have gone to the other's node, all else that neither
 * has; and the call returns how many have not. */
static void check_pairs(struct trial *trial, const struct pass *pass, int *const node_of_page[2])
{
	uint64_t pairs = pass->regions[0].pages, failed = 0, lies = 0;

	for (uint64_t pair = 0; pair < pairs; pair++) {
		int status = pass->lists[1].status[pair];
		bool done = status == 0;

		failed += !done;
		lies += status > 0 || status == STATUS_UNSET;
		for (unsigned i = 0; i < 2; i++) {
			const struct region *region = &pass->regions[i];

			lies += node_of_page[i][pair] != (done ? region->goal : region->node);
		}
	}
	lies += !pass->error && failed != pass->not_moved;
	trial->truth.has_status = true;
	trial->truth.status_lies += lies;
	if (lies)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "exchange_pages says that %" PRIu64 " of %" PRIu64
			     " pairs failed, and %" PRIu64 " of its words are not true",
			     pass->not_moved, pairs, lies);
}

static bool check_regions(struct trial *trial, const struct pass *pass)
{
	size_t bytes = pass->regions[0].pages * sizeof(int);
	int *node_of_page[2] = {buffer_alloc(bytes), buffer_alloc(bytes)};
	bool known = node_of_page[0] && node_of_page[1];

	if (!known)
		verdict_note(&trial->verdict, STATUS_FAILED, "no memory to ask where pages are");
	for (unsigned i = 0; known && i < pass->region_count; i++)
		known = check_region(trial, &pass->regions[i], &pass->lists[i], node_of_page[i]);
	if (known && pass->pairs_told)
		check_pairs(trial, pass, node_of_page);
	buffer_free(node_of_page[0], bytes);
	buffer_free(node_of_page[1], bytes);
	return known;
}

static void check_places(struct trial *trial, const struct pass *pass)
{
	struct truth *truth = &trial->truth;

	truth->checked = check_regions(trial, pass);
	if (!truth->checked)
		return;
	if (truth->pages_on_target != truth->pages)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "%" PRIu64 " of %" PRIu64 " pages are not on the node they belong to",
			     truth->pages - truth->pages_on_target, truth->pages);
	if (truth->folios_after.whole != truth->folios_before.whole)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "of %" PRIu64 " whole pages %" PRIu64 " are left after the migration",
			     truth->folios_before.whole, truth->folios_after.whole);
}

void truth_after(struct trial *trial, const struct pass *pass)
{
	trial->truth.pages_left = pass->not_moved;
	trial->truth.huge = region_is_huge(&pass->regions[0]);
	check_contents(trial, pass, "right after the call");
	check_places(trial, pass);
	sleep_ms(trial->options->settle_ms);
	check_contents(trial, pass, "after the settling time");
}

void truth_json(const struct truth *truth, struct json *json)
{
	json_object(json, "truth");
	json_unsigned(json, "pages", truth->pages);
	json_unsigned(json, "pages_on_target", truth->pages_on_target);
	residence_json(&truth->residence, json);
	json_unsigned(json, "bytes_checked", truth->bytes_checked);
	json_unsigned(json, "bytes_wrong", truth->bytes_wrong);
	json_unsigned(json, "pages_left", truth->pages_left);
	if (truth->has_status)
		json_unsigned(json, "status_lies", truth->status_lies);
	if (truth->huge) {
		json_unsigned(json, "thp_before", truth->folios_before.whole);
		json_unsigned(json, "thp_after", truth->folios_after.whole);
	}
	json_string(json, "page_size_how", truth->folios_after.how);
	json_end_object(json);
}
