// SPDX-License-Identifier: MIT
#include "hog.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"
#include "require.h"

#define STEP	   ((size_t)64)
#define LIMIT	   ((size_t)1 << 30)
#define MAX_MISSES 4 /* consecutive steps with memory of another node */

static int node_of(char *page)
{
	void *pages[] = {page};
	int status;

	MUST(syscall(SYS_move_pages, 0, 1UL, pages, NULL, &status, 0) == 0);
	return status;
}

static void prefer(int node)
{
	unsigned long mask = 1UL << node;

	MUST(syscall(SYS_set_mempolicy, MPOL_PREFERRED, &mask, 8 * sizeof(mask)) == 0);
}

struct hog hog_node(int node, size_t free_bytes)
{
	struct hog hog = {.bytes = LIMIT};
	size_t end = 0, elsewhere = 0, last = 0, freed = 0;

	hog.start = mmap(NULL, hog.bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	MUST(hog.start != MAP_FAILED);
	MUST(madvise(hog.start, hog.bytes, MADV_NOHUGEPAGE) == 0);
	/* MPOL_PREFERRED, because MPOL_BIND would reclaim and finally invoke the OOM killer. */
	prefer(node);
	while (elsewhere < MAX_MISSES) {
		REQUIRE(end + STEP * BASE_PAGE <= hog.bytes, "node %d is not full", node);
		for (size_t i = 0; i < STEP; i++, end += BASE_PAGE)
			hog.start[end] = 1;
		if (node_of(hog.start + end - BASE_PAGE) != node) {
			elsewhere++;
			continue;
		}
		elsewhere = 0;
		last = end;
	}
	bind_to_node(-1);
	REQUIRE(last > free_bytes, "node %d took only %zu bytes", node, last);
	MUST(madvise(hog.start + last, end - last, MADV_DONTNEED) == 0);
	for (size_t at = last; freed < free_bytes; freed += BASE_PAGE) {
		at -= BASE_PAGE;
		MUST(madvise(hog.start + at, BASE_PAGE, MADV_DONTNEED) == 0);
		hog.on_node = at;
	}
	return hog;
}

void hog_free(struct hog *hog)
{
	MUST(munmap(hog->start, hog->bytes) == 0);
}
