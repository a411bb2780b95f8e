// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"
#include "child.h"
#include "exchange.h"
#include "kernel.h"
#include "move.h"
#include "require.h"

enum { OTHER = 2, FIRST = 1 };

static const struct job *current_job;

/* A pair is rejected with an errno, in both orders, and neither page is changed. */
static void require_refused(char *one, char *other, int error, const char *what)
{
	void *from[] = {one, other}, *to[] = {other, one};
	unsigned long frame = page_frame(one), other_frame = page_frame(other);
	int status[] = {STATUS_UNSET, STATUS_UNSET};
	long result;

	context = what;
	result = exchange_call(0, 2, from, to, status, flags_of(current_job));
	REQUIRE(result == 2, "returned %ld", result);
	REQUIRE(status[0] == error && status[1] == error, "status is %d and %d, not %d", status[0],
		status[1], error);
	REQUIRE(page_frame(one) == frame && page_frame(other) == other_frame,
		"a page has another frame");
}

static void check_bits(void)
{
	unsigned known = MPOL_MF_MOVE | MPOL_MF_MOVE_ALL | kernel_abi()->mt | kernel_abi()->concur;

	context = "flags";
	for (unsigned bit = 0; bit < 31; bit++) {
		unsigned flag = 1U << bit;
		long wanted = flag & known ? 0 : -EINVAL;
		long result = exchange_call(0, 0, NULL, NULL, NULL, flag);

		REQUIRE(result == wanted, "bit %u returns %ld", bit, result);
	}
}

/* The call is far from those that kernels of today have, and nothing is next to it. */
static void check_numbers(void)
{
	context = "numbers";
	for (unsigned number = 500; number < 600; number++)
		REQUIRE(number == kernel_abi()->exchange_pages ||
				(syscall(number, 0, 0, 0, 0, 0, 0) == -1 && errno == ENOSYS),
			"there is a system call %u", number);
}

static long call_for(pid_t pid, size_t count, void **from, void **to, int *status, unsigned flags)
{
	long result = syscall(kernel_abi()->exchange_pages, pid, count, from, to, status, flags);

	return result < 0 ? -errno : result;
}

static void check_arguments(char *one, char *other)
{
	void *from[] = {one}, *to[] = {other};
	int status[] = {STATUS_UNSET};

	context = "arguments";
	REQUIRE(call_for(0x3ffffff, 1, from, to, status, 0) == -ESRCH, "no such process");
	REQUIRE(call_for(0, 1, (void **)8, to, status, 0) == -EFAULT, "no list");
	REQUIRE(call_for(0, 1, from, (void **)8, status, 0) == -EFAULT, "no other list");
	REQUIRE(call_for(0, 1, from, to, (int *)8, 0) == -EFAULT, "no status");
}

static void run_unprivileged(void *data)
{
	void **pair = data;
	int status[1];

	MUST(setuid(65534) == 0);
	REQUIRE(call_for(0, 1, pair, pair + 1, status, MPOL_MF_MOVE_ALL) == -EPERM,
		"MPOL_MF_MOVE_ALL allowed without CAP_SYS_NICE");
	REQUIRE(call_for(getppid(), 1, pair, pair + 1, status, MPOL_MF_MOVE) == -EPERM,
		"exchange of pages of another process allowed");
}

static void do_nothing(void *data)
{
	(void)data;
}

/* Pages that a child shares require MPOL_MF_MOVE_ALL. */
static void check_shared_pair(char *one, char *other)
{
	struct child child = child_start(do_nothing, NULL);

	require_refused(one, other, -EACCES, "shared");
	child_step(&child);
	child_end(&child);
}

static void check_pinned_pair(const struct region *one, const struct region *other)
{
	struct iovec bytes = {one->start, 8};
	char read_back[8];
	int ends[2];

	MUST(pipe(ends) == 0);
	MUST(vmsplice(ends[1], &bytes, 1, 0) == 8);
	require_refused(one->start, other->start, -EBUSY, "pinned");
	MUST(read(ends[0], read_back, 8) == 8);
	REQUIRE(memcmp(read_back, one->start, 8) == 0, "the pipe has other bytes");
	close(ends[0]);
	close(ends[1]);
}

static char *map(int flags, const char *fault)
{
	char *start = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	MUST(start != MAP_FAILED);
	if (fault && *fault == 'w')
		start[0] = 1;
	else if (fault)
		(void)*(volatile char *)start;
	return start;
}

static void check_kinds(const struct region *base, const struct region *huge)
{
	char *hole = map(MAP_PRIVATE, NULL), *zero = map(MAP_PRIVATE, "read");
	char *shmem = map(MAP_SHARED, "write"), *hugetlb = map(MAP_PRIVATE | MAP_HUGETLB, "write");
	char *good = base->start;

	require_refused(good, hole, -ENOENT, "hole");
	require_refused(good, zero, -EFAULT, "zero page");
	require_refused(good, shmem, -EOPNOTSUPP, "shmem");
	require_refused(huge->start, hugetlb, -EOPNOTSUPP, "hugetlb");
	require_refused(good, huge->start, -EINVAL, "sizes");
	require_refused(good, good, -EINVAL, "itself");
	require_refused(huge->start, huge->start + BASE_PAGE, -EINVAL, "itself, huge");
	MUST(munmap(hole, HUGE_PAGE) == 0);
	require_refused(good, hole, -EFAULT, "unmapped");
	MUST(munmap(zero, HUGE_PAGE) == 0 && munmap(shmem, HUGE_PAGE) == 0 &&
	     munmap(hugetlb, HUGE_PAGE) == 0);
}

static void check_file_page(char *good)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *start = mmap(NULL, BASE_PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	MUST(start != MAP_FAILED && close(fd) == 0);
	(void)*(volatile char *)start;
	require_refused(good, start, -EOPNOTSUPP, "file");
	MUST(munmap(start, BASE_PAGE) == 0);
}

/* Two pages of the same contents that KSM has merged. */
static void check_merged_page(char *good)
{
	const struct timespec scan = {.tv_nsec = 20 * 1000 * 1000};
	char *one = map(MAP_PRIVATE, "write"), *other = one + BASE_PAGE;
	unsigned tries = 3000;

	context = "merged";
	memset(one, 7, 2 * BASE_PAGE);
	MUST(madvise(one, 2 * BASE_PAGE, MADV_MERGEABLE) == 0);
	file_write("/sys/kernel/mm/ksm/run", "1");
	while (page_frame(one) != page_frame(other) && --tries)
		nanosleep(&scan, NULL);
	REQUIRE(tries, "KSM did not merge the pages");
	require_refused(good, one, -EOPNOTSUPP, "merged");
	file_write("/sys/kernel/mm/ksm/run", "2");
	file_write("/sys/kernel/mm/ksm/run", "0");
	MUST(munmap(one, HUGE_PAGE) == 0);
}

/* A page in several pairs: the first pair is exchanged, the others fail with EBUSY. */
static void check_duplicates(const struct region *one, const struct region *other)
{
	char *a = one->start, *b = other->start, *c = region_page(other, 1);
	void *from[] = {a, a, b, c}, *to[] = {b, c, a, b};
	unsigned long frame = page_frame(a), other_frame = page_frame(b), third = page_frame(c);
	int status[] = {1, 1, 1, 1};

	context = "duplicates";
	REQUIRE(exchange_call(0, 4, from, to, status, flags_of(current_job)) == 3, "wrong result");
	REQUIRE(status[0] == 0 && status[1] == -EBUSY && status[2] == -EBUSY && status[3] == -EBUSY,
		"status is %d, %d, %d, %d", status[0], status[1], status[2], status[3]);
	REQUIRE(page_frame(a) == other_frame && page_frame(b) == frame && page_frame(c) == third,
		"wrong frames");
}

/* The arrays of addresses and status are in pages that are exchanged. */
static void check_lists_in_exchanged_pages(const struct region *one, const struct region *other)
{
	void **from = (void **)region_page(one, 2), **to = (void **)region_page(other, 2);
	int *status = (int *)region_page(one, 3);

	context = "lists in exchanged pages";
	for (int i = 0; i < 2; i++) {
		from[i] = region_page(one, 2 + (size_t)i);
		to[i] = region_page(other, 2 + (size_t)i);
		status[i] = STATUS_UNSET;
	}
	REQUIRE(exchange_call(0, 2, from, to, status, flags_of(current_job)) == 0, "wrong result");
	REQUIRE(status[0] == 0 && status[1] == 0, "status is %d, %d", status[0], status[1]);
	REQUIRE(from[1] == region_page(one, 3) && to[1] == region_page(other, 3), "lists changed");
	pages_fill(one, 2, 2, FIRST);
	pages_fill(other, 2, 2, OTHER);
}

void check_exchange_refusals(const struct job *job)
{
	struct region one = region_create(KIND_BASE, 5, job->from, FIRST);
	struct region other = region_create(KIND_BASE, 5, job->to, OTHER);
	struct region huge = region_create(KIND_THP, 1, job->from, FIRST);
	struct region other_huge = region_create(KIND_THP, 1, job->to, OTHER);
	void *pair[] = {one.start, other.start};
	struct child child;

	current_job = job;
	check_numbers();
	check_bits();
	check_arguments(one.start, other.start);
	check_kinds(&one, &huge);
	check_file_page(one.start);
	check_merged_page(one.start);
	check_shared_pair(one.start, other.start);
	check_pinned_pair(&one, &other);
	check_pinned_pair(&huge, &other_huge);
	/* Pages that were shared become exclusive when they are written. */
	region_fill(&one, FIRST);
	region_fill(&other, OTHER);
	check_duplicates(&one, &other);
	check_lists_in_exchanged_pages(&one, &other);
	context = "privileges";
	child = child_start(run_unprivileged, pair);
	child_step(&child);
	child_end(&child);
	region_check(&one, FIRST);
	region_check(&other, OTHER);
	region_check(&huge, FIRST);
	region_check(&other_huge, OTHER);
	region_check_whole(&huge);
	region_check_whole(&other_huge);
	region_free(&one);
	region_free(&other);
	region_free(&huge);
	region_free(&other_huge);
}
