// SPDX-License-Identifier: MIT
/* For comparison with the accelerated modes. Threads contend for page tables and LRU lists. */
#include <errno.h>

#include "../trial.h"

static void work(struct worker *worker)
{
	struct pass *pass = worker->data;
	struct page_list *list = &pass->lists[0];
	uint64_t first = list->count * worker->index / worker->team->count;
	uint64_t end = list->count * (worker->index + 1) / worker->team->count;

	if (end == first)
		return;
	worker->result = sys_move_pages(end - first, list->addresses + first, list->nodes + first,
					list->status + first, MPOL_MF_MOVE);
	worker->error = worker->result < 0 ? errno : 0;
}

static bool setup(struct trial *trial, struct pass *pass)
{
	return team_create(&pass->team, trial->threads, trial->cpus, work, pass, &trial->verdict);
}

static void run(struct trial *trial, struct pass *pass)
{
	(void)trial;
	pass->span = team_run(&pass->team);
	pass->lists[0].has_status = true;
	for (unsigned i = 0; i < pass->team.count; i++)
		pass_result(pass, "move_pages", pass->team.workers[i].result,
			    pass->team.workers[i].error);
}

MODE(userthreads) = {
	.name = "userthreads",
	.help = "user threads that each call move_pages for a part of the list",
	.rank = 40,
	.layout = LAYOUT_MOVE,
	.user_threads = true,
	.setup = setup,
	.run = run,
};
