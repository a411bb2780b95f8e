// SPDX-License-Identifier: MIT
#include "exchange.h"
#include "faults.h"

#include <unistd.h>

#include "checks.h"
#include "counters.h"
#include "kernel.h"
#include "move.h"
#include "require.h"

long exchange_call(pid_t pid, size_t count, void **from, void **to, int *status, unsigned flags)
{
	long result;

	REQUIRE(kernel_abi()->exchange_pages, "the kernel does not report exchange_pages");
	result = syscall(kernel_abi()->exchange_pages, pid, count, from, to, status, flags);
	return result < 0 ? -errno : result;
}

static void **addresses_of(const struct region *region)
{
	void **addresses = calloc(region->pages, sizeof(*addresses));

	MUST(addresses);
	for (size_t i = 0; i < region->pages; i++)
		addresses[i] = region_page(region, i);
	return addresses;
}

bool exchange_with_faults;

struct outcome exchange_regions(const struct region *one, const struct region *other,
				const struct job *job)
{
	void **from = addresses_of(one), **to = addresses_of(other);
	struct outcome outcome = {.status = calloc(one->pages, sizeof(int))};

	MUST(outcome.status);
	for (size_t i = 0; i < one->pages; i++)
		outcome.status[i] = STATUS_UNSET;
	if (exchange_with_faults)
		enable_faults(true);
	outcome.result = exchange_call(0, one->pages, from, to, outcome.status, flags_of(job));
	if (exchange_with_faults)
		enable_faults(false);
	free(from);
	free(to);
	return outcome;
}

unsigned long *frames_of(const struct region *region)
{
	size_t count = region_bytes(region) / BASE_PAGE;
	unsigned long *frames = calloc(count, sizeof(*frames));

	MUST(frames);
	for (size_t i = 0; i < count; i++)
		frames[i] = page_frame(region->start + i * BASE_PAGE);
	return frames;
}

/* All base pages of a page have these frames. */
static bool has_frames(const struct region *region, size_t page, const unsigned long *frames)
{
	size_t per_page = region->page_size / BASE_PAGE;

	for (size_t i = page * per_page; i < (page + 1) * per_page; i++)
		if (page_frame(region->start + i * BASE_PAGE) != frames[i])
			return false;
	return true;
}

size_t exchange_some_of(const struct region *one, const struct region *other, const struct job *job)
{
	unsigned long *frames = frames_of(one), *other_frames = frames_of(other);
	struct outcome outcome = exchange_regions(one, other, job);
	size_t exchanged = 0;

	for (size_t i = 0; i < one->pages; i++) {
		int status = outcome.status[i];

		REQUIRE(status <= 0 && status != STATUS_UNSET, "status of pair %zu is %d", i,
			status);
		exchanged += status == 0;
		REQUIRE(has_frames(one, i, status ? frames : other_frames) &&
				has_frames(other, i, status ? other_frames : frames),
			"pair %zu with status %d has wrong page frames", i, status);
	}
	REQUIRE(outcome.result == (long)(one->pages - exchanged),
		"%zu of %zu pairs were exchanged, but the call returned %ld", exchanged, one->pages,
		outcome.result);
	free(outcome.status);
	free(frames);
	free(other_frames);
	return exchanged;
}

void exchange_all_of(const struct region *one, const struct region *other, const struct job *job)
{
	size_t exchanged = exchange_some_of(one, other, job);

	REQUIRE(exchanged == one->pages, "%zu of %zu pairs were exchanged", exchanged, one->pages);
	region_check_whole(one);
	region_check_whole(other);
}

static void run_cell(const struct job *job, unsigned seed)
{
	struct region one, other;
	struct counters before;

	knobs_apply(job);
	one = region_create(job->kind, job->pages, job->from, seed);
	other = region_create(job->kind, job->pages, job->to, seed + 1);
	counters_read(&before);
	exchange_all_of(&one, &other, job);
	counters_print_since(&before);
	require_node(&one, job->to);
	require_node(&other, job->from);
	region_check(&one, seed);
	region_check(&other, seed + 1);
	region_free(&one);
	region_check(&other, seed + 1);
	region_free(&other);
}

void check_exchange(const struct job *job)
{
	(void)job;
	for_each_line(run_cell);
}
