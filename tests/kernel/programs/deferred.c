// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/mman.h>

#include "checks.h"
#include "exchange.h"
#include "move.h"
#include "require.h"

#define MAX_THREADS 4

struct zapper {
	pthread_t thread;
	const struct region *region;
	unsigned seed;
	volatile bool stop;
};

/* Gives back single base pages of the region's huge pages. */
static void *zap_until_stopped(void *argument)
{
	struct zapper *zapper = argument;

	while (!zapper->stop) {
		size_t at =
			(size_t)rand_r(&zapper->seed) * BASE_PAGE % region_bytes(zapper->region);

		madvise(zapper->region->start + at, BASE_PAGE, MADV_DONTNEED);
	}
	return NULL;
}

/*
 * Huge pages become partly mapped while they are moved or, with share=memory, exchanged. The kernel
 * warns of a folio that it queues for splitting as one that is wholly mapped, but is not.
 */
void check_deferred(const struct job *job)
{
	bool exchanges = strcmp(job->share, "memory") == 0;
	unsigned long changed = 0;

	for (unsigned round = 0; round < job->rounds; round++) {
		struct region one = region_create(KIND_THP, job->pages, job->from, 1);
		struct region other = region_create(KIND_THP, job->pages, job->to, 2);
		struct zapper zappers[MAX_THREADS];

		REQUIRE(job->helpers >= 1 && job->helpers <= MAX_THREADS, "1 to %d zappers",
			MAX_THREADS);
		for (unsigned i = 0; i < job->helpers; i++) {
			zappers[i] = (struct zapper){.region = i % 2 ? &other : &one,
						     .seed = round * MAX_THREADS + i};
			MUST(pthread_create(&zappers[i].thread, NULL, zap_until_stopped,
					    &zappers[i]) == 0);
		}
		for (unsigned pass = 0; pass < 3; pass++) {
			int node = pass % 2 ? job->from : job->to;
			struct outcome outcome = exchanges ? exchange_regions(&one, &other, job)
							   : move_region(&one, node, job);

			for (size_t i = 0; i < one.pages; i++)
				changed += outcome.status[i] == (exchanges ? 0 : node);
			free(outcome.status);
		}
		for (unsigned i = 0; i < job->helpers; i++) {
			zappers[i].stop = true;
			pthread_join(zappers[i].thread, NULL);
		}
		region_free(&one);
		region_free(&other);
	}
	printf("changed=%lu", changed);
}
