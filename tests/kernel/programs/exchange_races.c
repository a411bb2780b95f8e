// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "checks.h"
#include "exchange.h"
#include "move.h"
#include "require.h"

#define MAX_THREADS 8

struct racer {
	pthread_t thread;
	const struct job *job;
	const struct region *one, *other;
	bool moves; /* instead of exchanging */
	unsigned long done;
};

/* Nodes may have changed again when they are queried, so only contents are verified. */
static void *run_racer(void *argument)
{
	struct racer *racer = argument;
	const struct job *job = racer->job;

	for (unsigned round = 0; round < job->rounds; round++) {
		int node = round % 2 ? job->from : job->to;
		struct outcome outcome = racer->moves
						 ? move_region(racer->one, node, job)
						 : exchange_regions(racer->one, racer->other, job);

		REQUIRE(outcome.result >= 0 || racer->moves, "returned %ld", outcome.result);
		for (size_t i = 0; i < racer->one->pages; i++)
			racer->done += outcome.status[i] == (racer->moves ? node : 0);
		free(outcome.status);
	}
	return NULL;
}

void check_exchange_races(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	bool with_movers = strcmp(job->share, "nodes") == 0;
	struct racer racers[MAX_THREADS];
	unsigned long exchanged = 0;

	REQUIRE(job->helpers >= 2 && job->helpers <= MAX_THREADS, "2 to %d racers", MAX_THREADS);
	for (unsigned i = 0; i < job->helpers; i++) {
		/* Alternate the order, so that locks are taken in both orders. */
		racers[i] = (struct racer){.job = job,
					   .one = i % 2 ? &other : &one,
					   .other = i % 2 ? &one : &other,
					   .moves = with_movers && i >= job->helpers / 2};
		MUST(pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]) == 0);
	}
	for (unsigned i = 0; i < job->helpers; i++) {
		pthread_join(racers[i].thread, NULL);
		exchanged += racers[i].moves ? 0 : racers[i].done;
	}
	printf("exchanged=%lu", exchanged);
	region_check(&one, 1);
	region_check(&other, 2);
	exchange_all_of(&one, &other, job);
	region_check(&one, 1);
	region_check(&other, 2);
	region_free(&one);
	region_free(&other);
}
