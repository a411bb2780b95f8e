/* SPDX-License-Identifier: MIT */
/* Sets of CPUs or nodes. cpu_set_t ends at CPU 1023; these have no such limit. */
#ifndef CPUS_H
#define CPUS_H

#include <stdbool.h>

struct cpus {
	int *ids; /* ascending */
	unsigned count;
};

/* Parses a list such as "0-3,8". The set must be freed, also on false. */
bool cpus_parse(const char *text, struct cpus *cpus);

/* Reads such a list from a file. Empty if the file cannot be read. */
void cpus_read(const char *path, struct cpus *cpus);

/* The online CPUs that this process may run on. False if /proc is not mounted. */
bool cpus_allowed(struct cpus *cpus);

void cpus_free(struct cpus *cpus);
bool cpus_contain(const struct cpus *cpus, int cpu);

/* Keeps the CPUs of the set that are in the other set too (keep) or that are not (!keep). */
void cpus_filter(struct cpus *cpus, const struct cpus *other, bool keep);

/* The number-th CPU of the set, modulo their count. The set must not be empty. */
int cpus_pick(const struct cpus *cpus, unsigned number);

/* Sets the affinity of the calling thread. False with errno. */
bool cpus_run_on(const struct cpus *cpus);

#endif
