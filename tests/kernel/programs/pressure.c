// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"
#include "child.h"
#include "counters.h"
#include "hog.h"
#include "memory.h"
#include "move.h"
#include "require.h"

struct pressure {
	int node;
	size_t more;
};

/* Fills the node, then keeps allocating memory on it, so that it has to swap. */
static void allocate_on(void *data)
{
	const struct pressure *pressure = data;
	struct hog hog = hog_node(pressure->node, pressure->more / 2);

	(void)hog;
	child_wait();
	bind_to_node(pressure->node);
	for (;;) {
		char *more = mmap(NULL, pressure->more, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		MUST(more != MAP_FAILED);
		MUST(munmap(more, pressure->more) == 0);
	}
}

void check_pressure(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct pressure pressure = {job->to, (size_t)job->free_kib << 10};
	struct child child = child_start(allocate_on, &pressure);
	struct counters before;
	size_t moved = 0;

	child_step(&child);
	counters_read(&before);
	MUST(write(child.to, "", 1) == 1);
	for (unsigned round = 0; round < job->rounds || counter_since(&before, "pswpout") == 0;
	     round++) {
		moved += move_some_of(&region, job->to, job);
		region_check(&region, 1);
		moved += move_some_of(&region, job->from, job);
		region_check(&region, 1);
	}
	printf("moved=%zu", moved);
	counters_print_since(&before);
	MUST(kill(child.pid, SIGKILL) == 0);
	MUST(waitpid(child.pid, NULL, 0) == child.pid);
	region_check(&region, 1);
	move_range_of(&region, job->to, job);
	region_check(&region, 1);
	region_free(&region);
}
