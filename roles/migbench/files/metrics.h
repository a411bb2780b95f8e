/* SPDX-License-Identifier: MIT */
/* Every metric that a trial can have. One that was not measured is absent from the result. */
#ifndef METRICS_H
#define METRICS_H

#include "json.h"

enum metric {
	METRIC_THROUGHPUT,
	METRIC_CALL_LATENCY,
	METRIC_BYTES_MOVED,
	METRIC_COPY_THROUGHPUT,
	METRIC_COPY_ELAPSED,
	METRIC_EFFICIENCY,
	METRIC_CPU_PER_GIB,
	METRIC_CALLER_CPU,
	METRIC_KWORKER_CPU,
	METRIC_THREAD_SUM,
	METRIC_THREAD_LONGEST,
	METRIC_TLB_SHOOTDOWNS,
	METRIC_CONTEXT_SWITCHES,
	METRIC_SYSTEM_CONTEXT_SWITCHES,
	METRIC_FIRST_PAGE_LATENCY,
	METRIC_UNAVAILABLE_WINDOW,
	METRIC_TOUCHER_FAULTS,
	METRIC_TOUCHER_GAP_BEFORE,
	METRIC_VICTIM_SLOWDOWN,
	METRIC_VICTIM_RATE_ALONE,
	METRIC_COUNT,
};

struct metrics {
	struct {
		bool measured;
		double value;
	} of[METRIC_COUNT];
};

void metric_set(struct metrics *metrics, enum metric metric, double value);
void metrics_json(const struct metrics *metrics, struct json *json);
void metrics_list(struct json *json);

#endif
