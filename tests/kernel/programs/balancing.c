// SPDX-License-Identifier: MIT
#include <sched.h>
#include <unistd.h>

#include "checks.h"
#include "memory.h"
#include "move.h"
#include "require.h"

/* Binds this thread to the CPUs of a node, which are a list like "2,3". */
static void run_on(const char *cpus)
{
	char list[64], *rest = list;
	cpu_set_t set;

	snprintf(list, sizeof(list), "%s", cpus);
	CPU_ZERO(&set);
	for (char *cpu = strsep(&rest, ","); cpu; cpu = strsep(&rest, ","))
		CPU_SET((unsigned)atoi(cpu), &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/*
 * Uses memory of one node on CPUs of another until NUMA balancing has brought all of it there, or
 * some seconds have passed. Every byte is where it was.
 */
void check_balancing(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, job->seed);
	size_t pages = region_bytes(&region) / BASE_PAGE, there = 0;

	run_on(job->cpus);
	for (unsigned second = 0; second < job->seconds && there < pages; second++) {
		for (unsigned pass = 0; pass < 10; pass++) {
			region_check(&region, job->seed);
			usleep(100000);
		}
		there = count_on(&region, job->to);
	}
	region_check(&region, job->seed);
	printf("pages=%zu there=%zu", pages, there);
	region_free(&region);
}
