// SPDX-License-Identifier: MIT
/* One exchange_pages call swaps two lists of pages, which serial migration does by twoway.
 *
 * A kernel that tells the number of the call itself also tells what became of each pair: its
 * status belongs to both pages. The status of older kernels tells of lookups only. */
#include <errno.h>

#include "../trial.h"

static void run(struct trial *trial, struct pass *pass)
{
	struct page_list *from = &pass->lists[0], *to = &pass->lists[1];
	long result;

	span_begin(&pass->span);
	result = sys_exchange_pages(trial->selection.exchange_number, from->count, from->addresses,
				    to->addresses, to->status, trial->selection.flags);
	span_end(&pass->span);
	pass->pairs_told = trial->selection.exchange_tells;
	pass_result(pass, "exchange_pages", result, errno);
}

MODE(exchange) = {
	.name = "exchange",
	.help = "the kernel swaps two lists, pair by pair",
	.rank = 150,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE,
	.run = run,
};

MODE(exchange_parallel) = {
	.name = "exchange+parallel",
	.help = "pair by pair, several kernel threads swap each",
	.rank = 160,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE | FEATURE_THREADS,
	.run = run,
};

MODE(exchange_concurrent) = {
	.name = "exchange+concurrent",
	.help = "both lists at once",
	.rank = 170,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE | FEATURE_BATCH,
	.run = run,
};

MODE(exchange_parallel_concurrent) = {
	.name = "exchange+parallel+concurrent",
	.help = "both lists at once, the pairs spread over kernel threads",
	.rank = 180,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE | FEATURE_THREADS | FEATURE_BATCH,
	.run = run,
};
