// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "checks.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#define MAX_RIVALS 8

struct rival {
	pthread_t thread;
	const struct job *job;
	struct region region;
	bool alone; /* nobody else moves these pages */
	int nodes[2];
	unsigned long moved;
};

static void move_once(struct rival *rival, int node)
{
	struct outcome outcome;

	if (rival->alone) {
		move_all_of(&rival->region, node, rival->job);
		rival->moved += rival->region.pages;
		return;
	}
	/* What is true when the call returns may not be so when it is asked for. */
	outcome = move_region(&rival->region, node, rival->job);
	REQUIRE(outcome.result >= 0 || outcome.result == -EIO, "returned %ld", outcome.result);
	for (size_t i = 0; i < rival->region.pages; i++)
		rival->moved += outcome.status[i] == node;
	free(outcome.status);
}

static void *move_on(void *argument)
{
	struct rival *rival = argument;

	for (unsigned round = 0; round < rival->job->rounds; round++) {
		move_once(rival, rival->nodes[0]);
		move_once(rival, rival->nodes[1]);
	}
	return NULL;
}

void check_rivals(const struct job *job)
{
	struct rival rivals[MAX_RIVALS];
	bool same = strcmp(job->share, "memory") == 0;
	struct region shared;
	unsigned long moved = 0;

	REQUIRE(job->helpers >= 2 && job->helpers <= MAX_RIVALS, "2 to %d rivals", MAX_RIVALS);
	if (same)
		shared = region_create(job->kind, job->pages, job->from, 1);
	for (unsigned i = 0; i < job->helpers; i++) {
		struct rival *rival = &rivals[i];

		*rival = (struct rival){.job = job, .alone = !same};
		rival->region = same ? shared : region_create(job->kind, job->pages, job->from, i);
		rival->nodes[i % 2 && same] = job->to;
		rival->nodes[!(i % 2 && same)] = job->from;
	}
	for (unsigned i = 0; i < job->helpers; i++)
		MUST(pthread_create(&rivals[i].thread, NULL, move_on, &rivals[i]) == 0);
	for (unsigned i = 0; i < job->helpers; i++) {
		pthread_join(rivals[i].thread, NULL);
		moved += rivals[i].moved;
	}
	printf("moved=%lu", moved);
	REQUIRE(moved > 0, "nothing moved");
	for (unsigned i = 0; i < (same ? 1 : job->helpers); i++) {
		struct region *region = &rivals[i].region;

		region_check(region, same ? 1 : i);
		move_some_of(region, job->to, job);
		require_residence(region, job->to);
		region_check_whole(region);
		region_check(region, same ? 1 : i);
		region_free(region);
	}
}
