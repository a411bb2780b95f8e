// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "checks.h"
#include "counters.h"
#include "exchange.h"
#include "hog.h"
#include "kernel.h"
#include "move.h"
#include "require.h"

/* MemFree changes in batches when a CPU refills its per-CPU list, and several CPUs may do so. The
 * tolerance is smaller than one side of the exchange, which a migration would allocate. */
#define TOLERANCE (2UL << 20)

/* Other processes may allocate memory, too. An exchange that allocates fails every attempt. */
#define ATTEMPTS 5

/* Minimizes the per-CPU lists, whose pages are not in MemFree. */
#define SHORTEST_LISTS "1000000"
#define LISTS_KNOB     "/proc/sys/vm/percpu_pagelist_high_fraction"

struct watch {
	pthread_t thread;
	bool stop;
	int nodes[2];
	unsigned long before[2], lowest[2], samples;
};

static unsigned long free_bytes(int node)
{
	char path[64], line[128];
	unsigned long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	file = fopen(path, "re");
	MUST(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Node %*d MemFree: %lu", &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

/* Samples the free memory, to detect memory that is allocated and freed within the call. */
static void *sample(void *data)
{
	struct watch *watch = data;

	while (!__atomic_load_n(&watch->stop, __ATOMIC_RELAXED)) {
		for (unsigned i = 0; i < 2; i++) {
			unsigned long now = free_bytes(watch->nodes[i]);

			if (now < watch->lowest[i])
				watch->lowest[i] = now;
		}
		__atomic_add_fetch(&watch->samples, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void watch_start(struct watch *watch)
{
	watch->stop = false;
	watch->samples = 0;
	for (unsigned i = 0; i < 2; i++)
		watch->lowest[i] = ~0UL;
	MUST(pthread_create(&watch->thread, NULL, sample, watch) == 0);
	while (__atomic_load_n(&watch->samples, __ATOMIC_RELAXED) < 10)
		;
	for (unsigned i = 0; i < 2; i++)
		watch->before[i] = free_bytes(watch->nodes[i]);
}

/* True if the free memory of both nodes never dropped below that at the start. */
static bool watch_end(struct watch *watch)
{
	bool steady = true;

	__atomic_store_n(&watch->stop, true, __ATOMIC_RELAXED);
	pthread_join(watch->thread, NULL);
	for (unsigned i = 0; i < 2; i++)
		steady = steady && watch->lowest[i] + TOLERANCE >= watch->before[i] &&
			 free_bytes(watch->nodes[i]) + TOLERANCE >= watch->before[i];
	return steady;
}

static bool exchange_is_steady(struct watch *watch, const struct region *one,
			       const struct region *other, const struct job *job)
{
	watch_start(watch);
	for (unsigned round = 0; round < job->rounds; round++) {
		struct outcome outcome = exchange_regions(one, other, job);

		REQUIRE(outcome.result == 0, "returned %ld", outcome.result);
		free(outcome.status);
	}
	return watch_end(watch);
}

void check_exchange_full(const struct job *job)
{
	struct region one = region_create(job->kind, job->pages, job->from, 1);
	struct region other = region_create(job->kind, job->pages, job->to, 2);
	struct watch watch = {.nodes = {job->from, job->to}};
	struct counters counted;
	struct hog hog, other_hog;
	unsigned attempts = 0;
	bool steady = false;

	file_write(LISTS_KNOB, SHORTEST_LISTS);
	hog = hog_node(job->from, (size_t)job->free_kib << 10);
	other_hog = hog_node(job->to, (size_t)job->free_kib << 10);
	exchange_all_of(&one, &other, job);
	while (!steady && attempts++ < ATTEMPTS) {
		counters_read(&counted);
		steady = exchange_is_steady(&watch, &one, &other, job);
	}
	counters_print_since(&counted);
	REQUIRE(steady,
		"free bytes of the nodes: %lu and %lu at the start, lowest %lu and %lu, now %lu "
		"and %lu",
		watch.before[0], watch.before[1], watch.lowest[0], watch.lowest[1],
		free_bytes(job->from), free_bytes(job->to));
	printf(" samples=%lu attempts=%u", watch.samples, attempts);
	region_check(&one, 1);
	region_check(&other, 2);
	hog_free(&hog);
	hog_free(&other_hog);
	file_write(LISTS_KNOB, "0");
	region_free(&one);
	region_free(&other);
}
