// SPDX-License-Identifier: MIT
#include "cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

/* More than any kernel supports. Limits the memory for a list that is no list of CPUs. */
#define MOST_CPUS (1UL << 20)

static void add(struct cpus *cpus, unsigned long first, unsigned long last)
{
	size_t count = cpus->count + (last - first + 1);
	int *ids = realloc(cpus->ids, count * sizeof(*ids));

	if (!ids) {
		fputs("migbench: out of memory for a list of CPUs\n", stderr);
		exit(EXIT_FAILURE);
	}
	cpus->ids = ids;
	for (unsigned long cpu = first; cpu <= last; cpu++)
		cpus->ids[cpus->count++] = (int)cpu;
}

bool cpus_parse(const char *text, struct cpus *cpus)
{
	unsigned long next = 0; /* the kernel prints ascending lists */

	*cpus = (struct cpus){0};
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return false;
		if (*end == '-') {
			const char *number = end + 1;

			last = strtoul(number, &end, 10);
			if (end == number)
				return false;
		}
		if (first < next || last < first || last >= MOST_CPUS)
			return false;
		add(cpus, first, last);
		next = last + 1;
		if (*end != '\0' && *end != ',')
			return false;
		text = *end == ',' ? end + 1 : end;
	}
	return true;
}

void cpus_free(struct cpus *cpus)
{
	free(cpus->ids);
	*cpus = (struct cpus){0};
}

void cpus_read(const char *path, struct cpus *cpus)
{
	char *text = read_line(path, "");

	*cpus = (struct cpus){0};
	if (text && !cpus_parse(text, cpus))
		cpus_free(cpus);
	free(text);
}

/* sched_getaffinity requires a set as large as the kernel's, which is not known beforehand. The
 * list in /proc includes CPUs that are offline. */
bool cpus_allowed(struct cpus *cpus)
{
	char *text = read_line("/proc/self/status", "Cpus_allowed_list:");
	struct cpus online;

	*cpus = (struct cpus){0};
	if (!text || !cpus_parse(text, cpus)) {
		free(text);
		return false;
	}
	free(text);
	cpus_read("/sys/devices/system/cpu/online", &online);
	if (online.count > 0)
		cpus_filter(cpus, &online, true);
	cpus_free(&online);
	return true;
}

bool cpus_contain(const struct cpus *cpus, int cpu)
{
	for (unsigned i = 0; i < cpus->count; i++)
		if (cpus->ids[i] == cpu)
			return true;
	return false;
}

void cpus_filter(struct cpus *cpus, const struct cpus *other, bool keep)
{
	unsigned count = 0;

	for (unsigned i = 0; i < cpus->count; i++)
		if (cpus_contain(other, cpus->ids[i]) == keep)
			cpus->ids[count++] = cpus->ids[i];
	cpus->count = count;
}

int cpus_pick(const struct cpus *cpus, unsigned number)
{
	return cpus->ids[number % cpus->count];
}

bool cpus_run_on(const struct cpus *cpus)
{
	size_t bits = cpus->count ? (size_t)cpus->ids[cpus->count - 1] + 1 : 1;
	size_t bytes = CPU_ALLOC_SIZE(bits);
	cpu_set_t *set = CPU_ALLOC(bits);
	bool done;

	if (!set)
		return false;
	CPU_ZERO_S(bytes, set);
	for (unsigned i = 0; i < cpus->count; i++)
		CPU_SET_S((size_t)cpus->ids[i], bytes, set);
	done = sched_setaffinity(0, bytes, set) == 0;
	CPU_FREE(set);
	return done;
}
