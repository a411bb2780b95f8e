// SPDX-License-Identifier: MIT
#include "../trial.h"

static void run(struct trial *trial, struct pass *pass)
{
	span_begin(&pass->span);
	pass_move(pass, &pass->lists[0], trial->selection.flags);
	span_end(&pass->span);
}

MODE(serial) = {
	.name = "serial",
	.help = "one move_pages call for the whole list",
	.rank = 10,
	.layout = LAYOUT_MOVE,
	.run = run,
};
