// SPDX-License-Identifier: MIT
#include "verify.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "pattern.h"
#include "size.h"
#include "trial.h"

static bool query(struct trial *trial, const struct region *region, struct placement *placement,
		  int *node_of_page)
{
	if (placement_query(region, placement, node_of_page))
		return true;
	return verdict_set(&trial->verdict, STATUS_FAILED, "cannot query the nodes of pages: %s",
			   strerror(errno));
}

static bool is_in_place(struct trial *trial, const struct region *region)
{
	struct placement placement = {0};
	uint64_t there;

	if (!query(trial, region, &placement, NULL))
		return false;
	there = placement.on_node[region->node];
	if (there == region->pages)
		return true;
	return verdict_set(&trial->verdict, STATUS_DISTURBED,
			   "before the call: %" PRIu64 " of %" PRIu64 " pages are on node %d",
			   there, region->pages, region->node);
}

static bool is_of_size(struct trial *trial, const struct region *region)
{
	struct folios folios;
	char size[SIZE_TEXT];

	folios_count(region, &folios);
	trial->verification.folios_before.whole += folios.whole;
	trial->verification.folios_before.source = folios.source;
	if (folios.whole == region->pages)
		return true;
	/* Base pages are accepted without a check. */
	if (strcmp(folios.source, "none") == 0 && !region_is_huge(region))
		return true;
	size_format(region->page_size, size);
	if (strcmp(folios.source, "none") == 0)
		return verdict_set(&trial->verdict, STATUS_DISTURBED,
				   "cannot verify the page size %s: /proc/kpageflags not readable",
				   size);
	return verdict_set(&trial->verdict, STATUS_DISTURBED,
			   "before the call: %" PRIu64 " of %" PRIu64 " pages are %s %s pages (%s)",
			   folios.whole, region->pages, size, memory_kind_name(region->kind),
			   folios.source);
}

/* The region whose pattern region i must have after the call. */
static const struct region *contents_of(const struct trial *trial, const struct pass *pass,
					unsigned i)
{
	return &pass->regions[trial->mode->layout == LAYOUT_COPY ? 0 : i];
}

bool verify_before(struct trial *trial, const struct pass *pass)
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
	struct verification *result = &trial->verification;

	for (unsigned i = 0; i < pass->region_count; i++) {
		const struct region *region = &pass->regions[i];
		size_t first_wrong = 0, wrong;

		wrong = pattern_wrong_bytes(region->start, region_bytes(region),
					    contents_of(trial, pass, i)->start, &first_wrong);
		result->bytes_checked += region_bytes(region);
		result->bytes_wrong += wrong;
		if (wrong)
			verdict_note(
				&trial->verdict, STATUS_FAILED,
				"%s: %zu bytes are wrong, the first at offset %zu of page %" PRIu64,
				when, wrong, first_wrong % (size_t)region->page_size,
				first_wrong / region->page_size);
	}
}

static uint64_t count_mismatches(const struct page_list *list, const int *node_of_page)
{
	uint64_t mismatches = 0;

	for (uint64_t page = 0; list->has_status && page < list->count; page++)
		mismatches += list->status[page] != node_of_page[page];
	return mismatches;
}

static bool check_region(struct trial *trial, const struct region *region,
			 const struct page_list *list, int *node_of_page)
{
	struct verification *result = &trial->verification;
	struct placement placement = {0};
	struct folios folios;

	if (!query(trial, region, &placement, node_of_page))
		return false;
	folios_count(region, &folios);
	result->pages += region->pages;
	result->pages_on_target += placement.on_node[region->target_node];
	result->has_status |= list->has_status;
	result->status_mismatches += count_mismatches(list, node_of_page);
	result->folios_after.whole += folios.whole;
	result->folios_after.source = folios.source;
	placement_add(&result->placement, &placement);
	return true;
}

/* Status 0: both pages of the pair were exchanged. Any other status: neither was. The return value
 * is the number of pairs that were not exchanged. */
static void check_pairs(struct trial *trial, const struct pass *pass, int *const node_of_page[2])
{
	uint64_t pairs = pass->regions[0].pages, failed = 0, mismatches = 0;

	for (uint64_t pair = 0; pair < pairs; pair++) {
		int status = pass->lists[1].status[pair];
		bool done = status == 0;

		failed += !done;
		mismatches += status > 0 || status == STATUS_UNSET;
		for (unsigned i = 0; i < 2; i++) {
			const struct region *region = &pass->regions[i];

			mismatches += node_of_page[i][pair] !=
				      (done ? region->target_node : region->node);
		}
	}
	mismatches += !pass->error && failed != pass->not_moved;
	trial->verification.has_status = true;
	trial->verification.status_mismatches += mismatches;
	if (mismatches)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "exchange_pages returned %" PRIu64 " of %" PRIu64
			     " pairs as failed; %" PRIu64 " status values do not match",
			     pass->not_moved, pairs, mismatches);
}

static bool check_regions(struct trial *trial, const struct pass *pass)
{
	size_t bytes = pass->regions[0].pages * sizeof(int);
	int *node_of_page[2] = {buffer_alloc(bytes), buffer_alloc(bytes)};
	bool known = node_of_page[0] && node_of_page[1];

	if (!known)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "out of memory for the query of the nodes of pages");
	for (unsigned i = 0; known && i < pass->region_count; i++)
		known = check_region(trial, &pass->regions[i], &pass->lists[i], node_of_page[i]);
	if (known && pass->has_pair_status)
		check_pairs(trial, pass, node_of_page);
	buffer_free(node_of_page[0], bytes);
	buffer_free(node_of_page[1], bytes);
	return known;
}

static void check_places(struct trial *trial, const struct pass *pass)
{
	struct verification *result = &trial->verification;

	result->checked = check_regions(trial, pass);
	if (!result->checked)
		return;
	if (result->pages_on_target != result->pages)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "%" PRIu64 " of %" PRIu64 " pages are not on the target node",
			     result->pages - result->pages_on_target, result->pages);
	if (result->folios_after.whole != result->folios_before.whole)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "%" PRIu64 " of %" PRIu64
			     " pages still have the page size after the migration",
			     result->folios_after.whole, result->folios_before.whole);
}

void verify_after(struct trial *trial, const struct pass *pass)
{
	trial->verification.pages_not_migrated = pass->not_moved;
	trial->verification.huge = region_is_huge(&pass->regions[0]);
	check_contents(trial, pass, "after the call");
	check_places(trial, pass);
	sleep_ms(trial->options->settle_ms);
	check_contents(trial, pass, "after the settle time");
}

void verification_json(const struct verification *result, struct json *json)
{
	json_object(json, "verification");
	json_unsigned(json, "pages", result->pages);
	json_unsigned(json, "pages_on_target", result->pages_on_target);
	placement_json(&result->placement, json);
	json_unsigned(json, "bytes_checked", result->bytes_checked);
	json_unsigned(json, "bytes_wrong", result->bytes_wrong);
	json_unsigned(json, "pages_not_migrated", result->pages_not_migrated);
	if (result->has_status)
		json_unsigned(json, "status_mismatches", result->status_mismatches);
	if (result->huge) {
		json_unsigned(json, "thp_before", result->folios_before.whole);
		json_unsigned(json, "thp_after", result->folios_after.whole);
	}
	json_string(json, "page_size_source", result->folios_after.source);
	json_end_object(json);
}
