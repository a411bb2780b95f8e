/* SPDX-License-Identifier: MIT */
/* Changes of /proc/vmstat, and of the counters of migration_accel, of all reasons together. */
#ifndef COUNTERS_H
#define COUNTERS_H

#define COUNTERS_MAX 96

struct counters {
	unsigned size;
	struct {
		char name[40];
		unsigned long value;
	} entry[COUNTERS_MAX];
};

void counters_read(struct counters *counters);
/* Prints " name=difference" for each counter. */
void counters_print_since(const struct counters *before);
/* Difference of one counter. */
unsigned long counter_since(const struct counters *before, const char *name);

#endif
