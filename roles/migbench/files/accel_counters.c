// SPDX-License-Identifier: MIT
#include "accel_counters.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sysfs.h"

#define ACCEL "/sys/kernel/mm/migration_accel"
#define DEBUG "/sys/kernel/debug/migration_accel"

/* move_pages and migrate_pages; mbind */
static const char *const REASONS[] = {"syscall_or_cpuset", "mempolicy_mbind", NULL};
static const char *const EXCHANGE[] = {"exchange", NULL};

static const char *const COPIES[] = {
	"pages_serial",
	"pages_threads",
	"pages_threads_caller",
	"pages_offload",
	"threads_fallback_cpus",
	"threads_fallback_memory",
	"threads_fallback_size",
	"batches",
	"batch_folios",
	"batch_left_busy",
	"batch_left_mapping",
	"batch_left_single",
	"offload_copies",
	"offload_lanes",
	"offload_fallback_provider",
	"offload_fallback_memory",
	"offload_fallback_contents",
	"offload_fallback_align",
	"offload_fallback_map",
	"offload_fallback_submit",
	"offload_fallback_error",
	"offload_fallback_timeout",
	NULL,
};

static const char *const EXCHANGES[] = {
	"pages_serial",
	"pages_threads",
	"pages_threads_caller",
	"threads_fallback_cpus",
	"threads_fallback_memory",
	"threads_fallback_size",
	"batches",
	"batch_folios",
	"batch_left_single",
	"pairs",
	"refused",
	"busy",
	"poisoned",
	NULL,
};

static const char *const TIMES[] = {
	"unmap_ns",    "flush_ns",   "remap_ns", "copy_ns",    "worker_ns",
	"handover_ns", "longest_ns", "span_ns",	 "offload_ns", NULL,
};

struct lines {
	const char *root;
	char *text;
	size_t size;
};

static bool add_file(const struct lines *lines, const char *folder, const char *name, uint64_t *sum)
{
	char path[PATH_MAX];
	uint64_t value;

	snprintf(path, sizeof(path), "%s%s/%s", lines->root, folder, name);
	if (!read_number(path, &value))
		return false;
	*sum += value;
	return true;
}

static void add_line(const struct lines *lines, const char *prefix, const char *name,
		     uint64_t value)
{
	size_t used = strlen(lines->text);

	snprintf(lines->text + used, lines->size - used, "migration_accel/%s%s %" PRIu64 "\n",
		 prefix, name, value);
}

static void add_stats(const struct lines *lines, const char *prefix, const char *const *names,
		      const char *const *reasons)
{
	for (; *names; names++) {
		uint64_t sum = 0;
		bool found = false;

		for (const char *const *reason = reasons; *reason; reason++) {
			char folder[128];

			snprintf(folder, sizeof(folder), ACCEL "/stats/%s", *reason);
			found |= add_file(lines, folder, *names, &sum);
		}
		if (found)
			add_line(lines, prefix, *names, sum);
	}
}

static void add_times(const struct lines *lines)
{
	for (const char *const *name = TIMES; *name; name++) {
		uint64_t ns = 0;

		if (add_file(lines, DEBUG, *name, &ns))
			add_line(lines, "", *name, ns);
	}
}

void accel_counters_read(const char *root, char *text, size_t size)
{
	struct lines lines = {.root = root, .text = text, .size = size};
	char path[PATH_MAX];

	text[0] = '\0';
	snprintf(path, sizeof(path), "%s" ACCEL, root);
	if (!path_exists(path))
		return;
	add_stats(&lines, "", COPIES, REASONS);
	add_stats(&lines, "exchange/", EXCHANGES, EXCHANGE);
	add_times(&lines);
}
