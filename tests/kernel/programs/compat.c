// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <sys/mman.h>

#include "checks.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#ifdef __x86_64__

#define MOVE_PAGES_32 317 /* arch/x86/entry/syscalls/syscall_32.tbl */
#define PAGES	      64

/* Of a 32-bit caller: arguments and the pages lie below 4 GiB. */
struct arguments {
	uint32_t pages[PAGES];
	int32_t nodes[PAGES];
	int32_t status[PAGES];
};

static long move_pages_32(struct arguments *arguments, bool query, unsigned flags)
{
	long result;
	register uint32_t *pages = arguments->pages;
	register int32_t *nodes = query ? NULL : arguments->nodes;
	register int32_t *status = arguments->status;

	asm volatile(
		"push %%rbp\n\tmov %%eax, %%ebp\n\tmov %[number], %%eax\n\tint $0x80\n\tpop %%rbp"
		: "=a"(result)
		: [number] "i"(MOVE_PAGES_32), "a"(flags), "b"(0), "c"(PAGES), "d"(pages),
		  "S"(nodes), "D"(status)
		: "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/*
 * move_pages of a 32-bit caller: every status is the page's node, as told by a query and after a
 * move that stops early, because a page in the middle cannot be moved.
 */
void check_compat(const struct job *job)
{
	struct arguments *arguments =
		mmap(NULL, sizeof(*arguments), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_POPULATE, -1, 0);
	char *pages;

	MUST(arguments != MAP_FAILED);
	bind_to_node(job->from);
	pages = mmap(NULL, PAGES * BASE_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	MUST(pages != MAP_FAILED);
	memset(pages, 1, PAGES * BASE_PAGE);
	bind_to_node(-1);
	for (size_t i = 0; i < PAGES; i++) {
		arguments->pages[i] = (uint32_t)(uintptr_t)(pages + i * BASE_PAGE);
		arguments->nodes[i] = i % 2 ? job->to : job->from;
	}
	REQUIRE(move_pages_32(arguments, false, flags_of(job)) == 0, "the move failed");
	for (unsigned query = 0; query < 2; query++) {
		for (size_t i = 0; i < PAGES; i++)
			REQUIRE(arguments->status[i] == arguments->nodes[i],
				"%s: status of page %zu is %d, but it is on node %d",
				query ? "query" : "move", i, arguments->status[i],
				arguments->nodes[i]);
		memset(arguments->status, 0x55, sizeof(arguments->status));
		REQUIRE(move_pages_32(arguments, true, 0) == 0, "the query failed");
	}
	munmap(pages, PAGES * BASE_PAGE);
	munmap(arguments, sizeof(*arguments));
}

#else

void check_compat(const struct job *job)
{
	(void)job;
	FAIL("only x86-64 has the system calls of 32-bit programs in 64-bit ones");
}

#endif
