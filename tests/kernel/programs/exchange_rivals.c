// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "checks.h"
#include "exchange.h"
#include "move.h"
#include "require.h"

#define MAX_RIVALS 8

struct rival {
	pthread_t thread;
	const struct job *job;
	const struct region *one, *other;
	bool moves; /* instead of exchanging */
	unsigned long done;
};

/* What the kernel says may not be true any more when it is looked at; contents are. */
static void *go_on(void *argument)
{
	struct rival *rival = argument;
	const struct job *job = rival->job;

	for (unsigned round = 0; round < job->rounds; round++) {
		int node = round % 2 ? job->from : job->to;
		struct outcome outcome = rival->moves
						 ? move_region(rival->one, node, job)
						 : exchange_regions(rival->one, rival->other, job);

		REQUIRE(outcome.result >= 0 || rival->moves, "returned %ld", outcome.result);
		for (size_t i = 0; i < rival->one->pages; i++)
			rival->done += outcome.status[i] == (rival->moves ? node : 0);
		free(outcome.status);
	}
	return NULL;
}

void check_exchange_rivals(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	bool with_movers = strcmp(job->share, "nodes") == 0;
	struct rival rivals[MAX_RIVALS];
	unsigned long exchanged = 0;

	REQUIRE(job->helpers >= 2 && job->helpers <= MAX_RIVALS, "2 to %d rivals", MAX_RIVALS);
	for (unsigned i = 0; i < job->helpers; i++) {
		/* Crosswise, so that locks are asked for in either order. */
		rivals[i] = (struct rival){.job = job,
					   .one = i % 2 ? &other : &one,
					   .other = i % 2 ? &one : &other,
					   .moves = with_movers && i >= job->helpers / 2};
		MUST(pthread_create(&rivals[i].thread, NULL, go_on, &rivals[i]) == 0);
	}
	for (unsigned i = 0; i < job->helpers; i++) {
		pthread_join(rivals[i].thread, NULL);
		exchanged += rivals[i].moves ? 0 : rivals[i].done;
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
