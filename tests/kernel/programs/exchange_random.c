// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checks.h"
#include "counters.h"
#include "exchange.h"
#include "kernel.h"
#include "move.h"
#include "random.h"
#include "require.h"

/* Base pages and huge pages on both nodes, in random pairs. */
#define BASES	  24
#define HUGES	  3
#define REGIONS	  4
#define PAGES	  (2 * BASES + 2 * HUGES)
#define MAX_PAIRS 40

struct page {
	const struct region *region;
	size_t index;
	char *start;
	bool huge;
	unsigned long frame; /* expected, of its first base page */
	unsigned used;	     /* round in which a pair has it already */
};

static struct region regions[REGIONS];
static struct page pages[PAGES];
static char *hole, *file_page, *unmapped;
static struct random random_numbers;

static void create(const struct job *job)
{
	size_t count = 0;

	for (unsigned i = 0; i < REGIONS; i++) {
		bool huge = i >= 2;

		regions[i] = region_create(huge ? KIND_THP : KIND_BASE, huge ? HUGES : BASES,
					   i % 2 ? job->to : job->from, i);
		for (size_t page = 0; page < regions[i].pages; page++) {
			char *start = region_page(&regions[i], page);

			pages[count++] =
				(struct page){&regions[i], page, start, huge, page_frame(start), 0};
		}
	}
	hole = mmap(NULL, BASE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	file_page =
		mmap(NULL, BASE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(hole != MAP_FAILED && file_page != MAP_FAILED);
	file_page[0] = 1;
	unmapped = regions[0].start - BASE_PAGE; /* reserved with PROT_NONE */
}

/* A random address in a page, or sometimes one without a page of a valid kind. */
static char *choose(struct page **page)
{
	unsigned what = random_below(&random_numbers, 60);

	*page = NULL;
	if (what == 0)
		return hole;
	if (what == 1)
		return file_page;
	if (what == 2)
		return unmapped;
	if (what == 3)
		return (char *)(uintptr_t)BASE_PAGE;
	*page = &pages[random_below(&random_numbers, PAGES)];
	return (*page)->start +
	       (random_below(&random_numbers, 2)
			? 0
			: random_below(&random_numbers, (unsigned)(*page)->region->page_size)) /
		       8 * 8;
}

static int lookup_error(const char *address, const struct page *page)
{
	if (page)
		return 0;
	if (address == hole || address == unmapped)
		return -ENOENT;
	return address == file_page ? -EOPNOTSUPP : -EFAULT;
}

/* The expected status of a pair. Exchanges it in the model. */
static int model(struct page *one, const char *from, struct page *other, const char *to,
		 unsigned round)
{
	int error = lookup_error(from, one) ?: lookup_error(to, other);
	unsigned long frame;

	if (error)
		return error;
	if (one == other || one->huge != other->huge)
		return -EINVAL;
	if (one->used == round || other->used == round)
		return -EBUSY;
	one->used = other->used = round;
	frame = one->frame;
	one->frame = other->frame;
	other->frame = frame;
	return 0;
}

static void choose_knobs(struct job *job)
{
	job->mode = random_below(&random_numbers, 4);
	job->threads = 1 + random_below(&random_numbers, 5);
	job->batch = 1 + random_below(&random_numbers, 20);
	job->bounce = random_below(&random_numbers, 2) || !kernel_swaps_words();
	knobs_apply(job);
}

static void require_frames(unsigned round)
{
	for (unsigned i = 0; i < PAGES; i++) {
		const struct page *page = &pages[i];

		REQUIRE(page_frame(page->start) == page->frame,
			"round %u: page %u has frame %lx, not %lx", round, i,
			page_frame(page->start), page->frame);
		REQUIRE(!page->huge || page_frame(page->start + HUGE_PAGE - BASE_PAGE) ==
					       page->frame + HUGE_PAGE / BASE_PAGE - 1,
			"round %u: huge page %u is split", round, i);
	}
}

static void require_contents(bool all)
{
	unsigned huge = random_below(&random_numbers, 2 * HUGES);

	for (unsigned i = 0; i < PAGES; i++)
		if (all || !pages[i].huge || i == 2 * BASES + huge)
			pages_check(pages[i].region, pages[i].index, 1,
				    (unsigned)(pages[i].region - regions), 0);
}

static size_t run_round(struct job *job, unsigned round)
{
	void *from[MAX_PAIRS], *to[MAX_PAIRS];
	int status[MAX_PAIRS], wanted[MAX_PAIRS];
	unsigned count = 1 + random_below(&random_numbers, MAX_PAIRS);
	size_t exchanged = 0;
	long result;

	choose_knobs(job);
	for (unsigned i = 0; i < count; i++) {
		struct page *one, *other;

		from[i] = choose(&one);
		to[i] = choose(&other);
		wanted[i] = model(one, from[i], other, to[i], round);
		status[i] = STATUS_UNSET;
		exchanged += wanted[i] == 0;
	}
	result = exchange_call(0, count, from, to, status, flags_of(job));
	for (unsigned i = 0; i < count; i++)
		REQUIRE(status[i] == wanted[i],
			"round %u, mode %u: status of pair %u is %d, not %d", round, job->mode, i,
			status[i], wanted[i]);
	REQUIRE(result == (long)(count - exchanged), "round %u: returned %ld, not %ld", round,
		result, (long)(count - exchanged));
	require_frames(round);
	require_contents(round % 50 == 0);
	return exchanged;
}

void check_exchange_random(const struct job *job)
{
	struct job current = *job;
	struct counters before;
	size_t exchanged = 0;

	random_numbers = random_seeded(job->seed);
	create(job);
	counters_read(&before);
	for (unsigned round = 1; round <= job->rounds; round++)
		exchanged += run_round(&current, round);
	printf("exchanged=%zu rounds=%u", exchanged, job->rounds);
	counters_print_since(&before);
	require_contents(true);
	for (unsigned i = 0; i < REGIONS; i++)
		region_free(&regions[i]);
	MUST(munmap(hole, BASE_PAGE) == 0 && munmap(file_page, BASE_PAGE) == 0);
}
