/* SPDX-License-Identifier: MIT */
/* Background threads. The latency probe measures how long a page is not accessible during a
 * migration. The victim measures how much the migration slows down other work. */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics.h"
#include "threads.h"
#include "verdict.h"

struct background {
	pthread_t thread;
	bool running;
	int cpu;
	_Atomic int phase;
	const volatile uint64_t *page; /* read by the probe */
	uint64_t *buffer;	       /* read by the victim */
	_Atomic uint64_t rounds;       /* of the victim */
	uint64_t rounds_in_call;
	double baseline_per_s;
	uint64_t gap_before_ns, gap_ns, gap_end_ns;
	uint64_t faults;
};

/* Start the thread and measure its baseline before the migration. */
bool latency_probe_start(struct background *probe, int cpu, const void *page,
			 struct verdict *verdict);
bool victim_start(struct background *victim, int cpu, struct verdict *verdict);

/* Right before and right after the timed region. */
void background_call_begins(struct background *thread);
void background_call_ended(struct background *thread);

/* Stop the thread and set its metrics. A metric without enough samples is not set. */
void latency_probe_stop(struct background *probe, const struct span *call, struct metrics *metrics);
void victim_stop(struct background *victim, const struct span *call, struct metrics *metrics);

#endif
