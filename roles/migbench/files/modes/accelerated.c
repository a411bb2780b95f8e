// SPDX-License-Identifier: MIT
/* The same move_pages call as serial, with the flags or the switch of the kernel's dialect. */
#include "../trial.h"

static void run(struct trial *trial, struct pass *pass)
{
	span_begin(&pass->span);
	pass_move(pass, &pass->lists[0], trial->selection.flags);
	span_end(&pass->span);
}

MODE(parallel) = {
	.name = "parallel",
	.help = "move_pages, each page copied by several kernel threads",
	.rank = 100,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_THREADS,
	.run = run,
};

MODE(concurrent) = {
	.name = "concurrent",
	.help = "move_pages, the list unmapped, copied and remapped as a batch",
	.rank = 110,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_BATCH,
	.run = run,
};

MODE(parallel_concurrent) = {
	.name = "parallel+concurrent",
	.help = "move_pages, batch copied by several kernel threads",
	.rank = 120,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_THREADS | FEATURE_BATCH,
	.run = run,
};

MODE(dma) = {
	.name = "dma",
	.help = "move_pages, each page copied by a DMA engine",
	.rank = 130,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_DMA,
	.run = run,
};

MODE(dma_concurrent) = {
	.name = "dma+concurrent",
	.help = "move_pages, batch copied by a DMA engine",
	.rank = 140,
	.layout = LAYOUT_MOVE,
	.features = FEATURE_DMA | FEATURE_BATCH,
	.run = run,
};
