/* SPDX-License-Identifier: MIT */
/* Kernel counters over the timed region. */
#ifndef COUNTERS_H
#define COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

struct kworker_times;

struct counters {
	/* Raw text of /proc/vmstat and of accel_counters_read(); parsed after the trial. */
	char vmstat[16384];
	bool has_tlb_shootdowns, has_context_switches;
	uint64_t tlb_shootdowns;   /* interrupts, all CPUs; x86 only */
	uint64_t context_switches; /* system-wide */
	struct kworker_times *kworkers;
};

/* The order is mirrored: the most expensive reads are farthest from the timed region. Those after
 * it are in two parts. */
void counters_read_before(struct counters *counters);
void counters_read_at_once(struct counters *counters);
void counters_read_after(struct counters *counters);
void counters_free(struct counters *counters);

/* CPU time of all kworkers between the two reads. False without /proc/PID/schedstat. */
bool kworker_cpu_ns(const struct counters *before, const struct counters *after, uint64_t *ns);

/* Change of the vmstat counter; false if the kernel does not have it. */
bool vmstat_delta(const struct counters *before, const struct counters *after, const char *name,
		  int64_t *delta);

/* Change of the vmstat counter until now; 0 if the kernel does not have it. */
int64_t vmstat_since(const struct counters *before, const char *name);

/* All migration counters, and other memory management counters that changed. */
void vmstat_json(const struct counters *before, const struct counters *after, struct json *json);

#endif
