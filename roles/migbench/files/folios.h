/* SPDX-License-Identifier: MIT */
/* Checks that each page is one folio of the requested size. */
#ifndef FOLIOS_H
#define FOLIOS_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct folios {
	uint64_t whole;	    /* pages that are exactly one folio of the region's page size */
	const char *source; /* "kpageflags", "smaps" (PMD-mapped bytes), "mapping", or "none" */
};

/* Checks every page with pagemap and kpageflags, which require root. Without root: smaps for the
 * sizes that it counts. A hugetlb mapping needs no check. Otherwise source is "none". */
void folios_count(const struct region *region, struct folios *folios);

#endif
