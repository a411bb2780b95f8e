// SPDX-License-Identifier: MIT
#include "fuzz_memory.h"

#include "fuzz.h"
#include "memory.h"
#include "require.h"

#define SAMPLES 6

char *fuzz_page(struct random *random, bool huge)
{
	return huge ? HUGES + random_below(random, HUGE_COUNT) * HUGE_PAGE
		    : BASES + random_below(random, BASE_COUNT) * BASE_PAGE;
}

char *fuzz_address(struct random *random)
{
	size_t in_huge = random_below(random, 2) ? 0 : random_below(random, (unsigned)HUGE_PAGE);

	switch (random_below(random, 12)) {
	case 0 ... 3:
		return fuzz_page(random, false) + random_below(random, (unsigned)BASE_PAGE);
	case 4 ... 6:
		return fuzz_page(random, true) + in_huge;
	case 7:
		return LARGES +
		       random_below(random, (unsigned)(LARGE_COUNT * LARGE_PAGES * BASE_PAGE));
	case 8:
		return SHARED + random_below(random, SHARED_COUNT) * BASE_PAGE;
	case 9:
		return CHURN + random_below(random, CHURN_HUGES) * HUGE_PAGE + in_huge;
	case 10:
		return AWAY;
	default:
		return (char *)((uint64_t)random_below(random, 1u << 30)
				<< random_below(random, 34));
	}
}

static uint64_t word_of(unsigned seed, size_t word)
{
	return seed ? ((uint64_t)seed << 32 | word) * UINT64_C(0x9e3779b97f4a7c15) : 0;
}

static void check_page(const struct unit *unit, size_t page, const char *when)
{
	const uint64_t *words = (const uint64_t *)(unit->start + page * BASE_PAGE);
	size_t count = BASE_PAGE / sizeof(*words), first = page * count;
	bool zero = unit->may_be_zero && words[0] == 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t wanted = zero ? 0 : word_of(unit->seed, first + i);

		REQUIRE(words[i] == wanted, "%s: word %zu of page %zu at %p is %#lx, not %#lx",
			when, i, page, (void *)unit->start, words[i], wanted);
	}
}

void unit_check(const struct unit *unit, struct random *random, const char *when)
{
	bool all = unit->pages <= LARGE_PAGES || random_below(random, 8) == 0;

	if (unit->protection == PROT_NONE)
		return;
	for (size_t i = 0; i < (all ? unit->pages : SAMPLES); i++) {
		size_t page = i;

		if (!all && i > 0)
			page = i == 1 ? unit->pages - 1
				      : random_below(random, (unsigned)unit->pages);
		check_page(unit, page, when);
	}
}

void unit_write(struct unit *unit, unsigned seed)
{
	uint64_t *words = (uint64_t *)unit->start;

	if (unit->protection != READ_WRITE)
		return;
	unit->seed = seed;
	unit->may_be_zero = false;
	for (size_t i = 0; i < unit_bytes(unit) / sizeof(*words); i++)
		words[i] = word_of(unit->seed, i);
}

static struct unit *map_units(struct unit *next, char *place, unsigned count, size_t pages,
			      bool shared)
{
	size_t bytes = pages * BASE_PAGE;
	int flags = MAP_ANONYMOUS | MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE);

	MUST(mmap(place, count * bytes, READ_WRITE, flags, -1, 0) == place);
	if (pages > 1)
		MUST(madvise(place, count * bytes, MADV_HUGEPAGE) == 0);
	for (unsigned i = 0; i < count; i++)
		*next++ = (struct unit){.start = place + i * bytes,
					.pages = pages,
					.shared = shared,
					.protection = READ_WRITE};
	return next;
}

void units_map(struct unit *unit)
{
	unit = map_units(unit, BASES, BASE_COUNT, 1, false);
	unit = map_units(unit, HUGES, HUGE_COUNT, HUGE_PAGE / BASE_PAGE, false);
	unit = map_units(unit, LARGES, LARGE_COUNT, LARGE_PAGES, false);
	map_units(unit, SHARED, SHARED_COUNT, 1, true);
}
