// SPDX-License-Identifier: MIT
#include <errno.h>

#include "../trial.h"

static void run(struct trial *trial, struct pass *pass)
{
	const struct region *region = &pass->regions[0];
	const struct nodemask mask = nodemask_of(region->target_node);
	long result;

	(void)trial;
	span_begin(&pass->span);
	result = sys_mbind(region->start, region_bytes(region), MPOL_BIND, &mask,
			   MPOL_MF_MOVE | MPOL_MF_STRICT);
	span_end(&pass->span);
	pass_result(pass, "mbind", result, errno);
}

MODE(mbind_move) = {
	.name = "mbind",
	.help = "one mbind(MPOL_BIND, MPOL_MF_MOVE) call for the range",
	.rank = 20,
	.layout = LAYOUT_MOVE,
	.run = run,
};
