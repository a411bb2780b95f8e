// SPDX-License-Identifier: MIT
#include "counters.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "kernel.h"
#include "require.h"

#define STATS "/sys/kernel/mm/migration_accel/stats"
#define TIMES "/sys/kernel/debug/migration_accel"

static bool is_wanted(const char *name)
{
	static const char *const BEGINNINGS[] = {
		"pgmigrate_", "thp_migration_", "pswp", "pgscan_kswapd", "pgscan_direct",
	};

	for (unsigned i = 0; i < COUNT(BEGINNINGS); i++)
		if (strncmp(name, BEGINNINGS[i], strlen(BEGINNINGS[i])) == 0)
			return true;
	return false;
}

/* Counters of the same name are added up. */
static void add(struct counters *counters, const char *name, unsigned long value)
{
	for (unsigned i = 0; i < counters->size; i++) {
		if (strcmp(counters->entry[i].name, name) == 0) {
			counters->entry[i].value += value;
			return;
		}
	}
	REQUIRE(counters->size < COUNTERS_MAX, "too many counters");
	REQUIRE(strlen(name) < sizeof(counters->entry[0].name), "%s is too long a name", name);
	strcpy(counters->entry[counters->size].name, name);
	counters->entry[counters->size++].value = value;
}

static void read_vmstat(struct counters *counters)
{
	FILE *file = fopen("/proc/vmstat", "re");
	unsigned long value;
	char name[40];

	MUST(file);
	while (fscanf(file, "%39s %lu", name, &value) == 2)
		if (is_wanted(name))
			add(counters, name, value);
	fclose(file);
}

/* Counters of the moves that checks make; they stay open, as there are many. */
#define FILES_MAX 80

static struct {
	int fd;
	char name[40];
} files[FILES_MAX];
static unsigned file_count;

static void open_directory(const char *reason, const char *prefix)
{
	struct dirent *entry;
	char path[128];
	DIR *directory;

	snprintf(path, sizeof(path), STATS "/%s", reason);
	directory = opendir(path);
	REQUIRE(directory, "%s: %s", path, strerror(errno));
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		REQUIRE(file_count < FILES_MAX, "too many files of counters");
		files[file_count].fd =
			openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC);
		REQUIRE(files[file_count].fd >= 0, "%s/%s: %s", path, entry->d_name,
			strerror(errno));
		snprintf(files[file_count++].name, sizeof(files[0].name), "%s%.28s", prefix,
			 entry->d_name);
	}
	closedir(directory);
}

static void read_stats(struct counters *counters)
{
	if (!file_count) {
		open_directory("syscall_or_cpuset", "");
		open_directory("mempolicy_mbind", "");
		open_directory("exchange", "exchange_");
	}
	for (unsigned i = 0; i < file_count; i++) {
		char text[32];
		ssize_t got = pread(files[i].fd, text, sizeof(text) - 1, 0);

		REQUIRE(got > 0, "cannot read %s: %s", files[i].name, strerror(errno));
		text[got] = '\0';
		add(counters, files[i].name, strtoul(text, NULL, 10));
	}
}

static void read_times(struct counters *counters)
{
	static const char *const NAMES[] = {"unmap_ns",	  "flush_ns",  "remap_ns",
					    "copy_ns",	  "worker_ns", "handover_ns",
					    "longest_ns", "span_ns",   "offload_ns"};

	for (unsigned i = 0; i < COUNT(NAMES); i++) {
		char path[128];

		snprintf(path, sizeof(path), TIMES "/%s", NAMES[i]);
		add(counters, NAMES[i], file_number(path));
	}
}

void counters_read(struct counters *counters)
{
	counters->size = 0;
	read_vmstat(counters);
	read_stats(counters);
	read_times(counters);
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
