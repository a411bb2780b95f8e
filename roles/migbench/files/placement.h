/* SPDX-License-Identifier: MIT */
/* The nodes of pages, queried from the kernel independently of the status of earlier calls. */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "memory.h"
#include "syscalls.h"

#define PAGE_SPLIT INT32_MIN /* a page with base pages on different nodes */

struct placement {
	uint64_t on_node[MAX_NODES]; /* pages that are entirely on the node */
	uint64_t split;
	uint64_t unknown; /* the kernel returned an error for the page */
	int first_error;
};

/* Queries every base page and adds to placement. node_of_page may be NULL; it is set to the node of
 * each page, PAGE_SPLIT or a negative errno. False with errno if the query fails. */
bool placement_query(const struct region *region, struct placement *placement, int *node_of_page);

/* Adds one page: its node, PAGE_SPLIT or a negative errno. */
void placement_count(struct placement *placement, int node);

void placement_json(const struct placement *placement, struct json *json);

#endif
