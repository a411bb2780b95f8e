// SPDX-License-Identifier: MIT
/* One exchange_pages call swaps two lists of pages. The baseline is twoway.
 *
 * A kernel that reports the system call number also reports the status of each pair. On older
 * kernels the status only covers the lookup of the pages. */
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
	pass->has_pair_status = trial->selection.exchange_reports_status;
	pass_result(pass, "exchange_pages", result, errno);
}

MODE(exchange) = {
	.name = "exchange",
	.help = "exchange_pages, one pair of pages after the other",
	.rank = 150,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE,
	.run = run,
};

MODE(exchange_parallel) = {
	.name = "exchange+parallel",
	.help = "exchange_pages, each pair swapped by several kernel threads",
	.rank = 160,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE | FEATURE_THREADS,
	.run = run,
};

MODE(exchange_concurrent) = {
	.name = "exchange+concurrent",
	.help = "exchange_pages, both lists as a batch",
	.rank = 170,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE | FEATURE_BATCH,
	.run = run,
};

MODE(exchange_parallel_concurrent) = {
	.name = "exchange+parallel+concurrent",
	.help = "exchange_pages, batch swapped by several kernel threads",
	.rank = 180,
	.layout = LAYOUT_SWAP,
	.features = FEATURE_EXCHANGE | FEATURE_THREADS | FEATURE_BATCH,
	.run = run,
};
