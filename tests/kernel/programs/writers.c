// SPDX-License-Identifier: MIT
#include "writers.h"

#include <pthread.h>
#include <sched.h>

#include "checks.h"
#include "move.h"
#include "require.h"

struct writer {
	pthread_t thread;
	const struct writers *all;
	unsigned slot;
	unsigned long passes;
};

struct writers {
	const struct region *region;
	bool stop;
	unsigned count;
	struct writer writer[WRITERS_MAX];
};

/* At the start and the end of a page, where wrong splits between copy threads show. */
static volatile unsigned long *head(const struct writer *writer, size_t page)
{
	return (unsigned long *)(writer->all->region->start + page * BASE_PAGE) + writer->slot;
}

static volatile unsigned long *tail(const struct writer *writer, size_t page)
{
	return (unsigned long *)(writer->all->region->start + (page + 1) * BASE_PAGE) - 1 -
	       writer->slot;
}

static void require_last_write(const struct writer *writer, size_t page, unsigned long last)
{
	unsigned long first_word = *head(writer, page), last_word = *tail(writer, page);

	REQUIRE(first_word == last && last_word == last,
		"lost write: writer %u wrote %lu to base page %zu and read %lu and %lu",
		writer->slot, last, page, first_word, last_word);
}

static void *run_writer(void *argument)
{
	struct writer *writer = argument;
	size_t pages = region_bytes(writer->all->region) / BASE_PAGE;

	while (!__atomic_load_n(&writer->all->stop, __ATOMIC_RELAXED)) {
		for (size_t page = 0; page < pages; page++) {
			require_last_write(writer, page, writer->passes);
			*head(writer, page) = writer->passes + 1;
			*tail(writer, page) = writer->passes + 1;
		}
		__atomic_store_n(&writer->passes, writer->passes + 1, __ATOMIC_RELAXED);
		/* Without a yield, writers keep other threads from the page lock. */
		sched_yield();
	}
	return NULL;
}

struct writers *writers_start(const struct region *region, unsigned count)
{
	struct writers *writers = calloc(1, sizeof(*writers));

	MUST(writers);
	REQUIRE(count <= WRITERS_MAX, "at most %u writers", WRITERS_MAX);
	writers->region = region;
	writers->count = count;
	for (unsigned i = 0; i < count; i++) {
		struct writer *writer = &writers->writer[i];

		*writer = (struct writer){.all = writers, .slot = i};
		for (size_t page = 0; page < region_bytes(region) / BASE_PAGE; page++)
			*head(writer, page) = *tail(writer, page) = 0;
		MUST(pthread_create(&writer->thread, NULL, run_writer, writer) == 0);
	}
	for (unsigned i = 0; i < count; i++)
		while (!__atomic_load_n(&writers->writer[i].passes, __ATOMIC_RELAXED))
			sched_yield();
	return writers;
}

unsigned long writers_stop(struct writers *writers)
{
	unsigned long passes = 0;

	__atomic_store_n(&writers->stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < writers->count; i++) {
		struct writer *writer = &writers->writer[i];

		pthread_join(writer->thread, NULL);
		for (size_t page = 0; page < region_bytes(writers->region) / BASE_PAGE; page++)
			require_last_write(writer, page, writer->passes);
		passes += writer->passes;
	}
	free(writers);
	return passes;
}

void check_writers(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct writers *writers = writers_start(&region, job->helpers);

	for (unsigned round = 0; round < job->rounds; round++) {
		move_all_of(&region, job->to, job);
		move_all_of(&region, job->from, job);
	}
	printf("passes=%lu", writers_stop(writers));
	pages_check(&region, 0, region.pages, 1, WRITERS_MARGIN);
	region_free(&region);
}
