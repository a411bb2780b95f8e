/* SPDX-License-Identifier: MIT */
/* What an owner of the check fuzz has, and what must be in it. */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "memory.h"
#include "random.h"

/* All owners have their memory at the same places, so that movers know them. */
#define PLACE(number) ((char *)(UINT64_C(0x100000000000) + ((uint64_t)(number) << 32)))
#define BASES	      PLACE(0)
#define HUGES	      PLACE(1)
#define LARGES	      PLACE(2)
#define SHARED	      PLACE(3)
#define CHURN	      PLACE(4)
#define AWAY	      PLACE(5)

#define BASE_COUNT   96
#define HUGE_COUNT   3
#define LARGE_COUNT  4 /* of 16 base pages: folios between base and huge, where they are enabled */
#define LARGE_PAGES  16
#define SHARED_COUNT 32
#define CHURN_HUGES  4
#define UNITS	     (BASE_COUNT + HUGE_COUNT + LARGE_COUNT + SHARED_COUNT)
#define READ_WRITE   (PROT_READ | PROT_WRITE)

/* Memory that is used as one, and what must be in it. */
struct unit {
	char *start;
	size_t pages;
	unsigned seed; /* of the contents; 0: zeros */
	bool may_be_zero, shared, locked;
	int protection;
};

static inline size_t unit_bytes(const struct unit *unit)
{
	return unit->pages * BASE_PAGE;
}

/* Maps UNITS of them, not yet written. */
void units_map(struct unit *unit);
/* New contents, if it may be written. */
void unit_write(struct unit *unit, unsigned seed);
/* Requires the contents, if they may be read: of all pages of a small unit; of a large one now and
 * then of all, else of the first, the last and some. */
void unit_check(const struct unit *unit, struct random *random, const char *when);

#endif
