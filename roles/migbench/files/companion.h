/* SPDX-License-Identifier: MIT */
/* Threads that run beside a migration: the toucher, which finds out how long a page is away, and
 * the victim, which finds out how much others slow down. */
#ifndef COMPANION_H
#define COMPANION_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics.h"
#include "threads.h"
#include "verdict.h"

struct companion {
	pthread_t thread;
	bool running;
	int cpu;
	_Atomic int phase;
	const volatile uint64_t *page; /* what the toucher reads */
	uint64_t *buffer;	       /* what the victim reads */
	_Atomic uint64_t rounds;       /* that the victim has done */
	uint64_t rounds_in_call;
	double alone_per_s;
	uint64_t gap_before_ns, gap_ns, gap_end_ns;
	uint64_t faults;
};

/* Starts the thread and lets it run alone long enough to know its own pace. */
bool toucher_start(struct companion *toucher, int cpu, const void *page, struct verdict *verdict);
bool victim_start(struct companion *victim, int cpu, struct verdict *verdict);

/* Right before and right after the timed region. */
void companion_call_begins(struct companion *companion);
void companion_call_ended(struct companion *companion);

/* End the thread and give the metrics; those without evidence stay absent. */
void toucher_stop(struct companion *toucher, const struct span *call, struct metrics *metrics);
void victim_stop(struct companion *victim, const struct span *call, struct metrics *metrics);

#endif
