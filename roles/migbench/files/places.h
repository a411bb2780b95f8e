/* SPDX-License-Identifier: MIT */
/* The nodes of pages after the call, and who moved them: the call or NUMA balancing. */
#ifndef PLACES_H
#define PLACES_H

#include <stdbool.h>

struct pass;
struct placement;
struct region;
struct trial;

/* placement_query that notes an error in the verdict. */
bool places_query(struct trial *trial, const struct region *region, struct placement *placement,
		  int *node_of_page);

bool balancing_is_on(void);

/* Queries the node of every page at once after the call. Reading a page may move it. */
void places_query_at_once(struct trial *trial, const struct pass *pass);

/* Queries again and compares with the query at once after the call. False: see the verdict. */
bool places_query_later(struct trial *trial, const struct pass *pass);

/* Notes pages that are not on their target node: the kernel failed, or NUMA balancing disturbed. */
void places_judge(struct trial *trial);

#endif
