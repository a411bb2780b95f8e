/* SPDX-License-Identifier: MIT */
/* Whether each page is one folio of the size asked for. */
#ifndef FOLIOS_H
#define FOLIOS_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct folios {
	uint64_t whole;	 /* pages that are exactly one folio of the region's page size */
	const char *how; /* "kpageflags", "smaps" (PMD-mapped bytes), "mapping", or "none" */
};

/* Every page by pagemap and kpageflags, which need root. Without them: smaps for the sizes that it
 * counts; a hugetlb mapping has no other pages; otherwise how is "none" and whole is 0. */
void folios_count(const struct region *region, struct folios *folios);

#endif
