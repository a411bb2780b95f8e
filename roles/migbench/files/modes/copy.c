// SPDX-License-Identifier: MIT
/* No migration: memcpy between pages that are already mapped on both nodes. */
#include <string.h>

#include "../trial.h"

#define CACHE_LINE 64

/* First byte of a thread's slice. Slices are aligned to cache lines to avoid false sharing. */
static size_t slice_start(size_t bytes, unsigned number, unsigned count)
{
	return bytes / CACHE_LINE * number / count * CACHE_LINE;
}

static void work(struct worker *worker)
{
	struct pass *pass = worker->data;
	size_t bytes = region_bytes(&pass->regions[0]);
	size_t first = slice_start(bytes, worker->index, worker->team->count);
	size_t end = slice_start(bytes, worker->index + 1, worker->team->count);

	memcpy(pass->regions[1].start + first, pass->regions[0].start + first, end - first);
}

static bool setup(struct trial *trial, struct pass *pass)
{
	return team_create(&pass->team, trial->threads, trial->cpus, work, pass, &trial->verdict);
}

static void run(struct trial *trial, struct pass *pass)
{
	(void)trial;
	pass->span = team_run(&pass->team);
}

MODE(copy) = {
	.name = "copy",
	.help = "memcpy from source to target node by user threads (upper bound of a migration)",
	.rank = 60,
	.layout = LAYOUT_COPY,
	.user_threads = true,
	.setup = setup,
	.run = run,
};
