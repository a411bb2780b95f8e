// SPDX-License-Identifier: MIT
/* A control, not an accelerated migration: contention for page tables and LRU lists included. */
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

static bool arm(struct trial *trial, struct pass *pass)
{
	return team_create(&pass->team, trial->threads, &trial->cpus, work, pass, &trial->verdict);
}

static void run(struct trial *trial, struct pass *pass)
{
	(void)trial;
	pass->span = team_run(&pass->team);
	pass->lists[0].reported = true;
	for (unsigned i = 0; i < pass->team.count; i++)
		pass_result(pass, "move_pages", pass->team.workers[i].result,
			    pass->team.workers[i].error);
}

MODE(userthreads) = {
	.name = "userthreads",
	.help = "user threads call move_pages on ranges of their own: a control",
	.rank = 40,
	.layout = LAYOUT_MOVE,
	.user_threads = true,
	.arm = arm,
	.run = run,
};
