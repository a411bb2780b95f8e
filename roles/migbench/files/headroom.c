// SPDX-License-Identifier: MIT
#include "headroom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "sysfs.h"
#include "trial.h"

#define THP_ROOT "/sys/kernel/mm/transparent_hugepage"

/* Memory that the allocator reserves on a node: the high watermarks of its zones. */
static uint64_t node_reserve_bytes(int id)
{
	char line[256];
	uint64_t pages, sum = 0;
	int node = -1, current = -1;
	FILE *file = fopen("/proc/zoneinfo", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d,", &node) == 1)
			current = node;
		else if (current == id && sscanf(line, " high %" SCNu64, &pages) == 1)
			sum += pages;
	}
	fclose(file);
	return sum * base_page_size();
}

static bool check_pool(struct trial *trial, int node, uint64_t bytes)
{
	uint64_t page_size = trial->page_size, free_pages;
	char path[128], size[SIZE_TEXT];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
		 node, page_size / KIB);
	size_format(page_size, size);
	if (!read_number(path, &free_pages))
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "this kernel has no %s hugetlb pages", size);
	if (free_pages * page_size >= bytes)
		return true;
	return verdict_set(&trial->verdict, STATUS_DISTURBED,
			   "node %d has %" PRIu64 " free %s hugetlb pages; %" PRIu64 " required",
			   node, free_pages, size, bytes / page_size);
}

static bool check_free(struct trial *trial, int node, uint64_t bytes)
{
	uint64_t page_size = trial->page_size;
	uint64_t free_bytes = node_free_bytes(node), reserve = node_reserve_bytes(node);
	uint64_t in_blocks = node_free_in_blocks(node, page_size);
	char has[SIZE_TEXT], reserved[SIZE_TEXT], required[SIZE_TEXT];

	if (free_bytes < bytes + reserve)
		return verdict_set(&trial->verdict, STATUS_DISTURBED,
				   "node %d has %s free, %s of it reserved; %s required", node,
				   size_round(free_bytes, has), size_round(reserve, reserved),
				   size_round(bytes, required));
	if (in_blocks < bytes)
		return verdict_set(
			&trial->verdict, STATUS_DISTURBED,
			"node %d has %s free in blocks of at least one page; %s required", node,
			size_round(in_blocks, has), size_round(bytes, required));
	return true;
}

/* The setting for the page size: of its own file, or the global one that it inherits. */
static bool thp_word(const char *file, uint64_t page_size, char *word, size_t size)
{
	char path[128];
	uint64_t pmd_size = 0;

	snprintf(path, sizeof(path), THP_ROOT "/hugepages-%" PRIu64 "kB/%s", page_size / KIB, file);
	if (read_choice(path, word, size) && strcmp(word, "inherit") != 0)
		return true;
	if (!path_exists(path)) {
		read_number(THP_ROOT "/hpage_pmd_size", &pmd_size);
		if (pmd_size != page_size)
			return false;
	}
	snprintf(path, sizeof(path), THP_ROOT "/%s", file);
	return read_choice(path, word, size);
}

static bool check_thp(struct trial *trial)
{
	const char *file = trial->kind == MEMORY_SHMEM ? "shmem_enabled" : "enabled";
	char word[32], size[SIZE_TEXT];

	size_format(trial->page_size, size);
	if (!thp_word(file, trial->page_size, word, sizeof(word)))
		return verdict_set(&trial->verdict, STATUS_UNSUPPORTED,
				   "this kernel has no %s transparent huge pages", size);
	if (strcmp(word, "never") == 0 || strcmp(word, "deny") == 0)
		return verdict_set(&trial->verdict, STATUS_DISTURBED,
				   "%s transparent huge pages are disabled; set " THP_ROOT
				   "/%s to %s",
				   size, file, trial->kind == MEMORY_SHMEM ? "advise" : "madvise");
	return true;
}

bool headroom_check(struct trial *trial)
{
	const struct options *options = trial->options;
	uint64_t bytes = options->pages * trial->page_size;
	/* During a swap by two migrations both regions are on the target node. */
	uint64_t on_target = trial->mode->layout == LAYOUT_SWAP ? 2 * bytes : bytes;

	if (trial->kind == MEMORY_HUGETLB)
		return check_pool(trial, trial->source, bytes) &&
		       check_pool(trial, trial->target, on_target);
	if (trial->page_size != base_page_size() && !check_thp(trial))
		return false;
	if (trial->source == trial->target)
		return check_free(trial, trial->source, bytes + on_target);
	return check_free(trial, trial->source, bytes) &&
	       check_free(trial, trial->target, on_target);
}
