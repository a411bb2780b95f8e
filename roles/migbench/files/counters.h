/* SPDX-License-Identifier: MIT */
/* What the kernel counted while the clock ran. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

struct kworker_times;

struct counters {
	char vmstat[16384]; /* as read; parsed only after the trial */
	bool has_tlb_shootdowns, has_context_switches;
	uint64_t tlb_shootdowns;   /* interrupts, all CPUs; x86 only */
	uint64_t context_switches; /* whole machine */
	struct kworker_times *kworkers;
};

/* The two are mirrored, so that what costs most to read is read farthest from the clock. */
void counters_read_before(struct counters *counters);
void counters_read_after(struct counters *counters);
void counters_free(struct counters *counters);

/* CPU time that all kworker threads used between two readings. False if the kernel keeps no
 * /proc/PID/schedstat. */
bool kworker_cpu_ns(const struct counters *before, const struct counters *after, uint64_t *ns);

/* Change of the vmstat counter of that name; false if the kernel has none. */
bool vmstat_delta(const struct counters *before, const struct counters *after, const char *name,
		  int64_t *delta);

/* All migration counters, and those others of memory management that changed. */
void vmstat_json(const struct counters *before, const struct counters *after, struct json *json);

#endif
