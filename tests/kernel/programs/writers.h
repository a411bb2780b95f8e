/* SPDX-License-Identifier: MIT */
/* Threads that write to every base page of a region and know what they wrote. */
#ifndef WRITERS_H
#define WRITERS_H

#include "memory.h"

/* Bytes at the start and at the end of each base page that belong to writers. */
#define WRITERS_MARGIN ((size_t)64)
#define WRITERS_MAX    ((unsigned)(WRITERS_MARGIN / sizeof(unsigned long)))

struct writers;

struct writers *writers_start(const struct region *region, unsigned count);
/* Ends them; requires that each finds its last write everywhere. Returns their passes. */
unsigned long writers_stop(struct writers *writers);

#endif
