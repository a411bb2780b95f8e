// SPDX-License-Identifier: MIT
#include "counters.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accel_counters.h"
#include "kworkers.h"
#include "sysfs.h"

/* Enough for all names, each with the greatest value. */
#define ACCEL_SIZE 4096

/* Reported only if changed. Names with "migrat" are always reported. */
static const char *const VMSTAT_FAMILIES[] = {
	"thp_",	     "numa_",  "compact_", "pgfault", "pgmajfault", "pswp",
	"exchange_", "pgscan", "pgsteal",  "nr_tlb_", "htlb_",	    "unevictable_",
};

static uint64_t sum_of_numbers(const char *text)
{
	uint64_t sum = 0;
	char *end;

	for (uint64_t number = strtoull(text, &end, 10); end != text;
	     number = strtoull(text, &end, 10)) {
		sum += number;
		text = end;
	}
	return sum;
}

/* The sum of the numbers on the line that starts with key. */
static bool read_line_sum(const char *path, const char *key, uint64_t *sum)
{
	bool found = false;
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	while (!found && getline(&line, &size, file) > 0) {
		const char *start = line + strspn(line, " ");

		found = strncmp(start, key, strlen(key)) == 0;
		if (found)
			*sum = sum_of_numbers(start + strlen(key));
	}
	free(line);
	fclose(file);
	return found;
}

static void read_interrupts(struct counters *counters)
{
	counters->has_tlb_shootdowns =
		read_line_sum("/proc/interrupts", "TLB:", &counters->tlb_shootdowns);
	counters->has_context_switches =
		read_line_sum("/proc/stat", "ctxt ", &counters->context_switches);
}

static void append_to_vmstat(struct counters *counters, const char *lines)
{
	size_t used = strlen(counters->vmstat);

	snprintf(counters->vmstat + used, sizeof(counters->vmstat) - used, "\n%s", lines);
}

void counters_read_before(struct counters *counters)
{
	char accel[ACCEL_SIZE];

	counters->kworkers = kworkers_read();
	accel_counters_read("", accel, sizeof(accel));
	read_text("/proc/vmstat", counters->vmstat, sizeof(counters->vmstat));
	append_to_vmstat(counters, accel);
	read_interrupts(counters);
}

void counters_read_at_once(struct counters *counters)
{
	read_interrupts(counters);
	read_text("/proc/vmstat", counters->vmstat, sizeof(counters->vmstat));
}

void counters_read_after(struct counters *counters)
{
	char accel[ACCEL_SIZE];

	accel_counters_read("", accel, sizeof(accel));
	append_to_vmstat(counters, accel);
	counters->kworkers = kworkers_read();
}

void counters_free(struct counters *counters)
{
	kworkers_free(counters->kworkers);
	counters->kworkers = NULL;
}

bool kworker_cpu_ns(const struct counters *before, const struct counters *after, uint64_t *ns)
{
	if (!before->kworkers || !after->kworkers || after->kworkers->count == 0)
		return false;
	*ns = kworkers_used_ns(before->kworkers, after->kworkers);
	return true;
}

/* Parses "name value" and advances *at. */
static bool next_vmstat(const char **at, char name[64], int64_t *value)
{
	int used;

	if (sscanf(*at, "%63s %" SCNd64 "%n", name, value, &used) != 2)
		return false;
	*at += used;
	return true;
}

static bool vmstat_value(const char *vmstat, const char *wanted, int64_t *value)
{
	char name[64];

	while (next_vmstat(&vmstat, name, value))
		if (strcmp(name, wanted) == 0)
			return true;
	return false;
}

bool vmstat_delta(const struct counters *before, const struct counters *after, const char *name,
		  int64_t *delta)
{
	int64_t first, second;

	if (!vmstat_value(before->vmstat, name, &first) ||
	    !vmstat_value(after->vmstat, name, &second))
		return false;
	*delta = second - first;
	return true;
}

int64_t vmstat_since(const struct counters *before, const char *name)
{
	struct counters now;
	int64_t delta;

	read_text("/proc/vmstat", now.vmstat, sizeof(now.vmstat));
	return vmstat_delta(before, &now, name, &delta) ? delta : 0;
}

static bool in_families(const char *name)
{
	for (size_t i = 0; i < sizeof(VMSTAT_FAMILIES) / sizeof(VMSTAT_FAMILIES[0]); i++)
		if (strncmp(name, VMSTAT_FAMILIES[i], strlen(VMSTAT_FAMILIES[i])) == 0)
			return true;
	return false;
}

void vmstat_json(const struct counters *before, const struct counters *after, struct json *json)
{
	const char *first_at = before->vmstat, *second_at = after->vmstat;
	char name[64], other[64];
	int64_t first, second;

	json_object(json, "vmstat");
	/* Both texts have the same names in the same order. */
	while (next_vmstat(&first_at, name, &first) && next_vmstat(&second_at, other, &second) &&
	       strcmp(name, other) == 0)
		if (strstr(name, "migrat") || (first != second && in_families(name)))
			json_integer(json, name, second - first);
	json_end_object(json);
}
