// SPDX-License-Identifier: MIT
#include "checks.h"
#include "exchange.h"
#include "require.h"
#include "writers.h"

void check_exchange_writers(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	struct writers *writers = writers_start(&one, job->helpers);
	struct writers *others = writers_start(&other, job->helpers);
	size_t exchanged = 0;

	/* A pair may fail: a writer that waits for a page may briefly hold its lock. */
	for (unsigned round = 0; round < job->rounds; round++)
		exchanged += exchange_some_of(&one, &other, job);
	printf("exchanged=%zu passes=%lu", exchanged, writers_stop(writers) + writers_stop(others));
	pages_check(&one, 0, one.pages, 1, WRITERS_MARGIN);
	pages_check(&other, 0, other.pages, 2, WRITERS_MARGIN);
	region_free(&one);
	region_free(&other);
}
