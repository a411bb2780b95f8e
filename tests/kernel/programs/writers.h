/* SPDX-License-Identifier: MIT */
/* Threads that write to every base page of a region and verify their writes. */
#ifndef WRITERS_H
#define WRITERS_H

#include "memory.h"

/* Bytes at the start and at the end of each base page that writers use. */
#define WRITERS_MARGIN ((size_t)64)
#define WRITERS_MAX    ((unsigned)(WRITERS_MARGIN / sizeof(unsigned long)))

struct writers;

struct writers *writers_start(const struct region *region, unsigned count);
/* Stops them. Requires that no write was lost. Returns the number of passes. */
unsigned long writers_stop(struct writers *writers);

#endif
