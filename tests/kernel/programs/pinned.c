// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "checks.h"
#include "counters.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#define MAX_PINNED 16 /* capacity of a pipe */
#define BYTES	   16

/* A page that was spliced into a pipe is pinned until it is read from the pipe. */
static size_t pin_every_other(const struct region *region, int fd)
{
	size_t pinned = 0;

	for (size_t page = 1; page < region->pages; page += 2) {
		struct iovec bytes = {region_page(region, page) + region->page_size - BYTES, BYTES};

		MUST(vmsplice(fd, &bytes, 1, 0) == BYTES);
		pinned++;
	}
	REQUIRE(pinned > 0 && pinned <= MAX_PINNED, "%zu pages to pin", pinned);
	return pinned;
}

static void unpin(const struct region *region, int fd)
{
	char bytes[BYTES];

	for (size_t page = 1; page < region->pages; page += 2) {
		MUST(read(fd, bytes, BYTES) == BYTES);
		REQUIRE(memcmp(bytes, region_page(region, page + 1) - BYTES, BYTES) == 0,
			"contents of the pipe and of page %zu differ", page);
	}
}

void check_pinned(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	size_t pinned, moved;
	struct counters before;
	int *nodes, ends[2];

	MUST(pipe(ends) == 0);
	pinned = pin_every_other(&region, ends[1]);
	counters_read(&before);
	moved = move_some_of(&region, job->to, job);
	printf("pinned=%zu moved=%zu", pinned, moved);
	counters_print_since(&before);
	REQUIRE(moved == region.pages - pinned, "%zu of %zu pages moved, %zu were pinned", moved,
		region.pages, pinned);
	nodes = nodes_of(&region);
	for (size_t i = 0; i < region.pages; i++)
		REQUIRE(nodes[i * (region.page_size / BASE_PAGE)] == (i % 2 ? job->from : job->to),
			"page %zu is on the wrong node", i);
	free(nodes);
	region_check(&region, 1);
	unpin(&region, ends[0]);
	/* One by one: a plain call could stop at a page that is already on the node. */
	for (size_t i = 1; i < region.pages; i += 2) {
		struct region one = region;

		one.start = region_page(&region, i);
		one.pages = 1;
		move_some_of(&one, job->to, job);
	}
	require_node(&region, job->to);
	region_check_whole(&region);
	region_check(&region, 1);
	region_free(&region);
	close(ends[0]);
	close(ends[1]);
}
