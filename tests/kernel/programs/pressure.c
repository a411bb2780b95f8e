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

struct press {
	int node;
	size_t more;
};

/* Fills the node, then asks for more of it again and again, which only swapping can give. */
static void press_on(void *data)
{
	const struct press *press = data;
	struct hog hog = hog_node(press->node, press->more / 2);

	(void)hog;
	child_wait();
	place_on(press->node);
	for (;;) {
		char *more = mmap(NULL, press->more, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		MUST(more != MAP_FAILED);
		MUST(munmap(more, press->more) == 0);
	}
}

void check_pressure(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct press press = {job->to, (size_t)job->room << 10};
	struct child child = child_start(press_on, &press);
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
