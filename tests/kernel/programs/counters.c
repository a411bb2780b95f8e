// SPDX-License-Identifier: MIT
#include "counters.h"

#include <stdbool.h>

#include "require.h"

static bool is_wanted(const char *name)
{
	static const char *const BEGINNINGS[] = {
		"migrate_", "pgmigrate_",    "thp_migration_", "exchange_",
		"pswp",	    "pgscan_kswapd", "pgscan_direct",
	};

	for (unsigned i = 0; i < COUNT(BEGINNINGS); i++)
		if (strncmp(name, BEGINNINGS[i], strlen(BEGINNINGS[i])) == 0)
			return true;
	return false;
}

void counters_read(struct counters *counters)
{
	FILE *file = fopen("/proc/vmstat", "re");
	unsigned long value;
	char name[40];

	MUST(file);
	counters->size = 0;
	while (fscanf(file, "%39s %lu", name, &value) == 2) {
		if (!is_wanted(name))
			continue;
		REQUIRE(counters->size < COUNTERS_MAX, "too many counters");
		strcpy(counters->entry[counters->size].name, name);
		counters->entry[counters->size++].value = value;
	}
	fclose(file);
}

void counters_print_since(const struct counters *before)
{
	struct counters now;

	counters_read(&now);
	for (unsigned i = 0; i < now.size; i++)
		printf(" %s=%lu", now.entry[i].name, now.entry[i].value - before->entry[i].value);
}

unsigned long counter_since(const struct counters *before, const char *name)
{
	struct counters now;

	counters_read(&now);
	for (unsigned i = 0; i < now.size; i++)
		if (strcmp(now.entry[i].name, name) == 0)
			return now.entry[i].value - before->entry[i].value;
	FAIL("the kernel has no counter %s", name);
}
