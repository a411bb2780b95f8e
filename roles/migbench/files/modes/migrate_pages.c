// SPDX-License-Identifier: MIT
/* migrate_pages takes no list: it moves whatever the process has on a node. The warm-up has sent
 * all else to the target already, and what is allocated later goes there at once. */
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
	/* Those left behind may be shared pages of the program's file, not of the region. */
	pass_result(pass, "migrate_pages", left < 0 ? left : 0, errno);
}

MODE(migrate_pages_mode) = {
	.name = "migrate_pages",
	.help = "one migrate_pages call for the process, which has little else on the source node",
	.rank = 30,
	.layout = LAYOUT_MOVE,
	.prepare = prepare,
	.run = run,
};
