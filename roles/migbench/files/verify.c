// SPDX-License-Identifier: MIT
#include "verify.h"

#include <inttypes.h>
#include <string.h>

#include "clock.h"
#include "pattern.h"
#include "places.h"
#include "size.h"
#include "status.h"
#include "trial.h"

static bool is_in_place(struct trial *trial, const struct region *region)
{
	struct placement placement = {0};
	uint64_t there;

	if (!places_query(trial, region, &placement, NULL))
		return false;
	there = placement.on_node[region->node];
	if (there == region->pages)
		return true;
	return verdict_set(&trial->verdict, STATUS_DISTURBED,
			   "before the call: %" PRIu64 " of %" PRIu64 " pages are on node %d%s",
			   there, region->pages, region->node,
			   balancing_is_on() ? "; NUMA balancing is on: set tuning.numa_balancing: "
					       "false"
					     : "");
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

		if (contents_of(trial, pass, i) == region)
			pattern_fill(region->start, region_bytes(region), region->start);
	}
	for (unsigned i = 0; i < pass->region_count; i++)
		if (!is_in_place(trial, &pass->regions[i]) || !is_of_size(trial, &pass->regions[i]))
			return false;
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

bool verification_all_moved(const struct verification *result)
{
	return result->checked && result->pages_on_target == result->pages;
}

static void check_sizes(struct trial *trial, const struct pass *pass)
{
	struct verification *result = &trial->verification;
	struct folios folios;

	for (unsigned i = 0; i < pass->region_count; i++) {
		folios_count(&pass->regions[i], &folios);
		result->folios_after.whole += folios.whole;
		result->folios_after.source = folios.source;
	}
	if (result->folios_after.whole != result->folios_before.whole)
		verdict_note(&trial->verdict, STATUS_FAILED,
			     "%" PRIu64 " of %" PRIu64
			     " pages still have the page size after the migration",
			     result->folios_after.whole, result->folios_before.whole);
}

void verify_after(struct trial *trial, const struct pass *pass)
{
	struct verification *result = &trial->verification;

	result->pages_not_migrated = pass->not_moved;
	result->huge = region_is_huge(&pass->regions[0]);
	check_contents(trial, pass, "after the call");
	if (places_query_later(trial, pass)) {
		status_check(trial, pass);
		places_judge(trial);
		check_sizes(trial, pass);
	}
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
	json_unsigned(json, "pages_moved_later", result->pages_moved_later);
	if (result->has_status)
		json_unsigned(json, "status_mismatches", result->status_mismatches);
	if (result->huge) {
		json_unsigned(json, "thp_before", result->folios_before.whole);
		json_unsigned(json, "thp_after", result->folios_after.whole);
	}
	json_string(json, "page_size_source", result->folios_after.source);
	json_end_object(json);
}
