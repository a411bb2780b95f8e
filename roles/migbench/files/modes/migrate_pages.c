// SPDX-License-Identifier: MIT
/* migrate_pages moves all pages that the process has on the source node. Other pages are not in the
 * timing: the warm-up has already moved them, and later allocations prefer the target node. */
#include <errno.h>

#include "../trial.h"

static void prepare(struct trial *trial)
{
	const struct nodemask mask = nodemask_of(trial->target);

	sys_set_mempolicy(MPOL_PREFERRED, &mask);
}

static void run(struct trial *trial, struct pass *pass)
{
	const struct nodemask from = nodemask_of(trial->source), to = nodemask_of(trial->target);
	long left;

	span_begin(&pass->span);
	left = sys_migrate_pages(&from, &to);
	span_end(&pass->span);
	/* Pages that were not moved may be shared file pages of the program, not of the region. */
	pass_result(pass, "migrate_pages", left < 0 ? left : 0, errno);
}

MODE(migrate_pages_mode) = {
	.name = "migrate_pages",
	.help = "one migrate_pages call for the whole process",
	.rank = 30,
	.layout = LAYOUT_MOVE,
	.prepare = prepare,
	.run = run,
};
