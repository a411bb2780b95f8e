/* SPDX-License-Identifier: MIT */
/* Fills a node with memory. */
#ifndef HOG_H
#define HOG_H

#include <stddef.h>

struct hog {
	char *start;
	size_t bytes, on_node; /* mapped, and of these on the node */
};

/* Fills a node with base pages without reclaim, except for free_bytes. */
struct hog hog_node(int node, size_t free_bytes);
void hog_free(struct hog *hog);

#endif
