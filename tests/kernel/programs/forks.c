// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"
#include "memory.h"
#include "move.h"
#include "require.h"

struct forker {
	const struct region *region;
	bool stop;
	unsigned long children;
};

static void *run_forker(void *argument)
{
	struct forker *forker = argument;

	while (!__atomic_load_n(&forker->stop, __ATOMIC_RELAXED)) {
		int status;
		pid_t pid = fork();

		MUST(pid >= 0);
		if (pid == 0) {
			region_check(forker->region, 1);
			pages_fill(forker->region, 0, 1, 2);
			pages_check(forker->region, 0, 1, 2, 0);
			_exit(0);
		}
		MUST(waitpid(pid, &status, 0) == pid);
		REQUIRE(status == 0, "a child exited with status %#x", (unsigned)status);
		__atomic_fetch_add(&forker->children, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

void check_forks(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct forker forker = {.region = &region};
	struct job for_all = *job;
	unsigned long moved = 0;
	pthread_t thread;

	for_all.all = true;
	MUST(pthread_create(&thread, NULL, run_forker, &forker) == 0);
	for (unsigned round = 0;
	     round < job->rounds || __atomic_load_n(&forker.children, __ATOMIC_RELAXED) < 2;
	     round++) {
		/* A page that is being copied on write cannot be moved. */
		moved += move_some_of(&region, job->to, &for_all);
		moved += move_some_of(&region, job->from, &for_all);
		region_check(&region, 1);
	}
	__atomic_store_n(&forker.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	REQUIRE(moved > 0, "nothing moved");
	printf("children=%lu moved=%lu", forker.children, moved);
	move_range_of(&region, job->to, job);
	region_check(&region, 1);
	region_free(&region);
}
