// SPDX-License-Identifier: MIT
/* The same single move_pages call as serial, with the flags or the switch of the kernel's
 * dialect: what differs is only what the kernel does with it. */
#include "../trial.h"

static void run(struct trial *trial, struct pass *pass)
{
	span_begin(&pass->span);
	pass_move(pass, &pass->lists[0], trial->selection.flags);
	span_end(&pass->span);
}

MODE(parallel) = {
	.name = "parallel",
	.help = "several kernel threads copy each page",
	.rank = 100,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_THREADS,
	.run = run,
};

MODE(concurrent) = {
	.name = "concurrent",
	.help = "the kernel unmaps the list, copies it all, then remaps it",
	.rank = 110,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_BATCH,
	.run = run,
};

MODE(parallel_concurrent) = {
	.name = "parallel+concurrent",
	.help = "the list at once, its copies spread over kernel threads",
	.rank = 120,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_THREADS | FEATURE_BATCH,
	.run = run,
};

MODE(dma) = {
	.name = "dma",
	.help = "a DMA engine copies page by page",
	.rank = 130,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_DMA,
	.run = run,
};

MODE(dma_concurrent) = {
	.name = "dma+concurrent",
	.help = "the list at once, copied by a DMA engine",
	.rank = 140,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_DMA | FEATURE_BATCH,
	.run = run,
};
