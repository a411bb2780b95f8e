/* SPDX-License-Identifier: MIT */
/* Memory that keeps a node full. */
#ifndef HOG_H
#define HOG_H

#include <stddef.h>

struct hog {
	char *start;
	size_t bytes, here; /* mapped, and on the node */
};

/* Fills a node with base pages, as far as it goes without reclaim, but for some room in bytes. */
struct hog hog_node(int node, size_t room);
void hog_free(struct hog *hog);

#endif
