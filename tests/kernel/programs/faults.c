// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include "checks.h"
#include "counters.h"
#include "faults.h"
#include "memory.h"
#include "move.h"
#include "require.h"

void enable_faults(bool enabled)
{
	static int fd = -1;

	/* Opened once, because open could fail while faults are enabled. */
	if (fd < 0)
		fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	MUST(write(fd, enabled ? "1" : "0", 1) == 1);
}

void check_faults(const struct job *job)
{
	size_t moved = 0, tried = 0;
	struct counters before;

	counters_read(&before);
	for (unsigned round = 0; round < job->rounds; round++) {
		struct region region = region_create(job->kind, job->pages, job->from, round);
		struct outcome outcome;
		int *nodes;

		enable_faults(true);
		outcome = move_region(&region, job->to, job);
		enable_faults(false);
		nodes = nodes_of(&region);
		for (size_t i = 0; i < region.pages; i++) {
			int node = nodes[i * (region.page_size / BASE_PAGE)];

			REQUIRE(outcome.status[i] < 0 || outcome.status[i] == node,
				"status of page %zu is %d, but it is on node %d", i,
				outcome.status[i], node);
			moved += node == job->to;
			tried++;
		}
		region_check(&region, round);
		free(outcome.status);
		free(nodes);
		region_free(&region);
	}
	printf("moved=%zu tried=%zu", moved, tried);
	counters_print_since(&before);
}
