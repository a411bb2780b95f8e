// SPDX-License-Identifier: MIT
/* No migration: what copying alone costs, between pages that are already there. */
#include <string.h>

#include "../trial.h"

#define CACHE_LINE 64

/* Thread number of count starts at this byte, so that no two write one cache line. */
static size_t share_start(size_t bytes, unsigned number, unsigned count)
{
	return bytes / CACHE_LINE * number / count * CACHE_LINE;
}

static void work(struct worker *worker)
{
	struct pass *pass = worker->data;
	size_t bytes = region_bytes(&pass->regions[0]);
	size_t first = share_start(bytes, worker->index, worker->team->count);
	size_t end = share_start(bytes, worker->index + 1, worker->team->count);

	memcpy(pass->regions[1].start + first, pass->regions[0].start + first, end - first);
}

static bool arm(struct trial *trial, struct pass *pass)
{
	return team_create(&pass->team, trial->threads, &trial->cpus, work, pass, &trial->verdict);
}

static void run(struct trial *trial, struct pass *pass)
{
	(void)trial;
	pass->span = team_run(&pass->team);
}

MODE(copy) = {
	.name = "copy",
	.help = "plain memory copy from node to node by user threads: the limit of a migration",
	.rank = 60,
	.layout = LAYOUT_COPY,
	.user_threads = true,
	.arm = arm,
	.run = run,
};
