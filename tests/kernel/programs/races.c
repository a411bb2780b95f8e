// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "checks.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#define MAX_THREADS 8

struct racer {
	pthread_t thread;
	const struct job *job;
	struct region region;
	bool alone; /* no other thread moves these pages */
	int nodes[2];
	unsigned long moved;
};

static void move_once(struct racer *racer, int node)
{
	struct outcome outcome;

	if (racer->alone) {
		move_all_of(&racer->region, node, racer->job);
		racer->moved += racer->region.pages;
		return;
	}
	/* Another thread may have moved the pages again when their nodes are queried. */
	outcome = move_region(&racer->region, node, racer->job);
	REQUIRE(outcome.result >= 0 || outcome.result == -EIO, "returned %ld", outcome.result);
	for (size_t i = 0; i < racer->region.pages; i++)
		racer->moved += outcome.status[i] == node;
	free(outcome.status);
}

static void *run_racer(void *argument)
{
	struct racer *racer = argument;

	for (unsigned round = 0; round < racer->job->rounds; round++) {
		move_once(racer, racer->nodes[0]);
		move_once(racer, racer->nodes[1]);
	}
	return NULL;
}

void check_races(const struct job *job)
{
	struct racer racers[MAX_THREADS];
	bool same = strcmp(job->share, "memory") == 0;
	struct region shared;
	unsigned long moved = 0;

	REQUIRE(job->helpers >= 2 && job->helpers <= MAX_THREADS, "2 to %d racers", MAX_THREADS);
	if (same)
		shared = region_create(job->kind, job->pages, job->from, 1);
	for (unsigned i = 0; i < job->helpers; i++) {
		struct racer *racer = &racers[i];

		*racer = (struct racer){.job = job, .alone = !same};
		racer->region = same ? shared : region_create(job->kind, job->pages, job->from, i);
		racer->nodes[i % 2 && same] = job->to;
		racer->nodes[!(i % 2 && same)] = job->from;
	}
	for (unsigned i = 0; i < job->helpers; i++)
		MUST(pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]) == 0);
	for (unsigned i = 0; i < job->helpers; i++) {
		pthread_join(racers[i].thread, NULL);
		moved += racers[i].moved;
	}
	printf("moved=%lu", moved);
	REQUIRE(moved > 0, "nothing moved");
	for (unsigned i = 0; i < (same ? 1 : job->helpers); i++) {
		struct region *region = &racers[i].region;

		region_check(region, same ? 1 : i);
		move_some_of(region, job->to, job);
		require_node(region, job->to);
		region_check_whole(region);
		region_check(region, same ? 1 : i);
		region_free(region);
	}
}
