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
	.help = "two lists change places by a move_pages call each way: the baseline of exchange",
	.rank = 50,
	.layout = LAYOUT_SWAP,
	.run = run,
};
