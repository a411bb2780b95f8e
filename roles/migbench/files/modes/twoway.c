// SPDX-License-Identifier: MIT
#include "../trial.h"

static void run(struct trial *trial, struct pass *pass)
{
	span_begin(&pass->span);
	for (unsigned i = 0; i < pass->region_count; i++)
		pass_move(pass, &pass->lists[i], trial->selection.flags);
	span_end(&pass->span);
}

MODE(twoway) = {
	.name = "twoway",
	.help = "one move_pages call in each direction to swap two lists (baseline of exchange)",
	.rank = 50,
	.layout = LAYOUT_SWAP,
	.run = run,
};
