/* SPDX-License-Identifier: MIT */
/* What a host tells of itself before and after a trial: events of the kernel, and other activity.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"
#include "text.h"

/* Where a host tells it; tests have files of their own. */
struct places {
	const char *proc;      /* /proc */
	const char *nodes;     /* /sys/devices/system/node */
	const char *cpus;      /* /sys/devices/system/cpu */
	const char *terminals; /* /dev/pts */
};

extern const struct places HOST_PLACES;

/* of a CPU: ticks since boot; the first CPU is the sum of all */
struct cpu_ticks {
	char name[16];
	uint64_t worked, stolen;
};

struct throttle_count {
	char *path;
	uint64_t count;
};

struct snapshot {
	const struct places *places;
	struct text vmstat, loadavg, meminfo;
	struct text *node_meminfo; /* of each node */
	size_t nodes;
	struct cpu_ticks *cpu;
	size_t cpus;
	struct throttle_count *throttle;
	size_t throttles, terminals;
};

void snapshot_take(struct snapshot *snapshot, const struct places *places);
void snapshot_free(struct snapshot *snapshot);

/* Adds the members "counters", differences of vmstat that are not zero, and "noise": load, seconds
 * of all CPUs that were worked and stolen, frequency (Hz) of the CPU that worked most, how often
 * CPUs or packages were throttled, logins, and free memory of each node before the trial. Reads
 * what is now. */
void snapshot_compare(const struct snapshot *before, struct json *json);

/* Ticks (1/100 s) that each CPU has worked since boot; count of CPUs with the sum of all. The
 * caller frees them. */
size_t cpu_ticks_read(const struct places *places, struct cpu_ticks **cpus);

#endif
