// SPDX-License-Identifier: MIT
#include "checks.h"
#include "counters.h"
#include "exchange.h"
#include "require.h"

void check_exchange_faults(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	size_t exchanged = 0;
	struct counters before;

	counters_read(&before);
	exchange_with_faults = true;
	for (unsigned round = 0; round < job->rounds; round++) {
		exchanged += exchange_some_of(&one, &other, job);
		region_check(&one, 1);
		region_check(&other, 2);
	}
	region_check_whole(&one);
	region_check_whole(&other);
	printf("exchanged=%zu tried=%zu", exchanged, job->rounds * job->pages);
	counters_print_since(&before);
	region_free(&one);
	region_free(&other);
}
