/* SPDX-License-Identifier: MIT */
/* Where pages really are: asked anew, whatever an earlier call's status said. */
#ifndef RESIDENCE_H
#define RESIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "memory.h"
#include "syscalls.h"

#define PAGE_SPLIT INT32_MIN /* base pages of one page are on different nodes */

struct residence {
	uint64_t on_node[MAX_NODES]; /* pages all of whose base pages are there */
	uint64_t split;
	uint64_t unknown; /* the kernel gave an error instead of a node */
	int first_error;
};

/* Asks for every base page and adds to residence. node_of_page, if not NULL, gets for each page
 * its node, PAGE_SPLIT or a negative errno. False, with errno, if the kernel does not answer. */
bool residence_query(const struct region *region, struct residence *residence, int *node_of_page);

void residence_add(struct residence *sum, const struct residence *residence);
void residence_json(const struct residence *residence, struct json *json);

#endif
