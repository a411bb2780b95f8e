// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "checks.h"
#include "counters.h"
#include "exchange.h"
#include "kernel.h"
#include "move.h"
#include "require.h"

#ifdef __aarch64__

#define GRANULE	  16
#define TAG_SHIFT 56
#ifndef PROT_MTE
#define PROT_MTE 0x20
#endif

/*
 * Not 0, which is what untagged memory has. Neighbours differ, and so do pages; but in a page there
 * are only two tags, as QEMU 7.2 forgets where in a page a tag is.
 */
static unsigned long tag_of(size_t granule, unsigned seed)
{
	size_t page = granule / (BASE_PAGE / GRANULE);

	return 1 + (granule % 2 * 7 + page + page / 15 + seed) % 15;
}

/* The process does not ask for tags to be compared, so that it may access bytes without them. */
static void tags_set(char *start, size_t bytes, unsigned seed)
{
	MUST(mprotect(start, bytes, PROT_READ | PROT_WRITE | PROT_MTE) == 0);
	for (size_t at = 0; at < bytes; at += GRANULE) {
		unsigned long tag = tag_of(at / GRANULE, seed) << TAG_SHIFT;

		asm volatile(".arch armv8.5-a+memtag\n\tstg %0, [%0]"
			     :
			     : "r"((unsigned long)(start + at) | tag)
			     : "memory");
	}
}

static void tags_check(char *start, size_t bytes, unsigned seed)
{
	for (size_t at = 0; at < bytes; at += GRANULE) {
		unsigned long tagged = (unsigned long)(start + at);

		asm volatile(".arch armv8.5-a+memtag\n\tldg %0, [%0]" : "+r"(tagged) : : "memory");
		REQUIRE(tagged >> TAG_SHIFT == tag_of(at / GRANULE, seed),
			"tag at byte %zu of %zu is %lu, not %lu", at, bytes, tagged >> TAG_SHIFT,
			tag_of(at / GRANULE, seed));
	}
}

void check_tags(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct counters before;

	tags_set(region.start, region_bytes(&region), 1);
	counters_read(&before);
	for (unsigned round = 0; round < job->rounds; round++) {
		move_all_of(&region, round % 2 ? job->from : job->to, job);
		tags_check(region.start, region_bytes(&region), 1);
		region_check(&region, 1);
	}
	counters_print_since(&before);
	region_free(&region);
}

/* One side of the pairs: the last bytes of each page have tags; 0: none have. */
struct side {
	struct region region;
	size_t tagged;
	unsigned seed;
	unsigned long *frames;
};

static struct side side_create(const struct job *job, int node, size_t tagged, unsigned seed)
{
	struct side side = {.region = region_create(job->kind, job->pages, node, seed),
			    .tagged = tagged,
			    .seed = seed};

	for (size_t page = 1; tagged && page <= job->pages; page++)
		tags_set(region_page(&side.region, page) - tagged, tagged, seed);
	side.frames = frames_of(&side.region);
	return side;
}

/* Requires that nothing has changed. */
static void side_end(struct side *side)
{
	unsigned long *frames = frames_of(&side->region);

	REQUIRE(memcmp(frames, side->frames,
		       region_bytes(&side->region) / BASE_PAGE * sizeof(*frames)) == 0,
		"a page has another frame");
	for (size_t page = 1; side->tagged && page <= side->region.pages; page++)
		tags_check(region_page(&side->region, page) - side->tagged, side->tagged,
			   side->seed);
	region_check(&side->region, side->seed);
	free(frames);
	free(side->frames);
	region_free(&side->region);
}

static void require_refused(const struct job *job, size_t from_tagged, size_t to_tagged)
{
	struct side from = side_create(job, job->from, from_tagged, 1);
	struct side to = side_create(job, job->to, to_tagged, 2);
	struct outcome outcome = exchange_regions(&from.region, &to.region, job);

	REQUIRE(outcome.result == (long)job->pages, "the call returned %ld", outcome.result);
	for (size_t page = 0; page < job->pages; page++)
		REQUIRE(outcome.status[page] == -EOPNOTSUPP, "status of pair %zu is %d", page,
			outcome.status[page]);
	free(outcome.status);
	side_end(&from);
	side_end(&to);
}

void check_exchange_tags(const struct job *job)
{
	size_t whole = job->kind == KIND_THP ? HUGE_PAGE : BASE_PAGE;

	require_refused(job, whole, 0);
	require_refused(job, 0, whole);
	require_refused(job, whole, whole);
	/* One base page of each huge page */
	require_refused(job, BASE_PAGE, 0);
	require_refused(job, 0, BASE_PAGE);
}

#else

void check_tags(const struct job *job)
{
	(void)job;
	FAIL("only arm64 has memory tags");
}

void check_exchange_tags(const struct job *job)
{
	check_tags(job);
}

#endif
