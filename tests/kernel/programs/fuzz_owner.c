// SPDX-License-Identifier: MIT
#include "fuzz.h"

#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exchange.h"
#include "fuzz_memory.h"
#include "kernel.h"
#include "require.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

struct owner {
	struct fuzz *fuzz;
	const struct job *job;
	struct random random;
	unsigned writes;
	int clear_refs;
	struct unit unit[UNITS];
};

static void unlock(struct unit *unit)
{
	munlock(unit->start, unit_bytes(unit));
	unit->locked = false;
}

static void give_back(struct owner *owner, struct unit *unit)
{
	if (unit->shared)
		return;
	unlock(unit);
	if (random_below(&owner->random, 2)) {
		MUST(madvise(unit->start, unit_bytes(unit), MADV_DONTNEED) == 0);
		unit->may_be_zero = false;
		unit->seed = 0;
	} else if (madvise(unit->start, unit_bytes(unit), MADV_FREE) == 0) {
		unit->may_be_zero = true;
	}
}

static void change_lock(struct owner *owner, struct unit *unit)
{
	if (random_below(&owner->random, 2))
		unlock(unit);
	else
		unit->locked = mlock(unit->start, unit_bytes(unit)) == 0;
}

static void protect(struct owner *owner, struct unit *unit)
{
	static const int PROTECTIONS[] = {PROT_NONE, PROT_READ, READ_WRITE, READ_WRITE};
	int protection = PROTECTIONS[random_below(&owner->random, COUNT(PROTECTIONS))];

	if (mprotect(unit->start, unit_bytes(unit), protection) == 0)
		unit->protection = protection;
}

static void run_child(struct owner *owner)
{
	for (unsigned i = 0; i < 30; i++) {
		struct unit *unit = &owner->unit[random_below(&owner->random, UNITS)];

		if (unit->shared)
			continue;
		unit_check(unit, &owner->random, "in a child");
		if (random_below(&owner->random, 2))
			continue;
		unit_write(unit, ++owner->writes);
		unit_check(unit, &owner->random, "written by a child");
	}
	_exit(0);
}

/* A child has the contents of the time when it was forked, whatever its parent writes. */
static void fork_child(struct owner *owner, struct unit *unit)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		run_child(owner);
	if (child < 0)
		return;
	unit_write(unit, ++owner->writes);
	MUST(waitpid(child, &status, 0) == child);
	REQUIRE(status == 0, "a child exited with status %#x", (unsigned)status);
}

static void split_or_collapse(struct owner *owner, struct unit *unit)
{
	char *page = unit->start + random_below(&owner->random, (unsigned)unit->pages) * BASE_PAGE;

	if (unit->pages == 1 || unit->protection != READ_WRITE)
		return;
	if (random_below(&owner->random, 2)) {
		madvise(unit->start, unit_bytes(unit), MADV_COLLAPSE);
		return;
	}
	mprotect(page, BASE_PAGE, PROT_READ);
	MUST(mprotect(page, BASE_PAGE, READ_WRITE) == 0);
}

static void remap_and_back(struct owner *owner, struct unit *unit)
{
	size_t bytes = unit_bytes(unit);
	struct unit away = *unit;

	if (unit->shared || unit->locked)
		return;
	away.start = AWAY;
	if (mremap(unit->start, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, AWAY) != AWAY)
		return;
	unit_check(&away, &owner->random, "elsewhere");
	MUST(mremap(AWAY, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, unit->start) == unit->start);
}

/* While a pipe refers to it, a page cannot move; what is read from the pipe is what was in it. */
static void pin_in_pipe(const struct unit *unit)
{
	struct iovec page = {unit->start, BASE_PAGE};
	int ends[2];
	char *copy;

	if (!(unit->protection & PROT_READ) || unit->may_be_zero)
		return;
	copy = malloc(BASE_PAGE);
	MUST(copy && pipe(ends) == 0);
	if (vmsplice(ends[1], &page, 1, 0) == (ssize_t)BASE_PAGE) {
		usleep(1000);
		MUST(read(ends[0], copy, BASE_PAGE) == (ssize_t)BASE_PAGE);
		REQUIRE(memcmp(copy, unit->start, BASE_PAGE) == 0, "a pipe has something else");
	}
	close(ends[0]);
	close(ends[1]);
	free(copy);
}

/* Flags of acceleration; exchanges have no offload. */
static unsigned random_flags(struct owner *owner, bool exchange)
{
	const struct abi *abi = kernel_abi();
	unsigned bits = random_below(&owner->random, exchange ? 4 : 8);

	return MPOL_MF_MOVE | (bits & 1 ? abi->mt : 0) | (bits & 2 ? abi->concur : 0) |
	       (bits & 4 ? abi->dma : 0);
}

static void exchange_own(struct owner *owner, struct unit *unit)
{
	struct unit *other = &owner->unit[random_below(&owner->random, UNITS)];
	void *from = unit->start + random_below(&owner->random, (unsigned)unit_bytes(unit));
	void *to = other->start + random_below(&owner->random, (unsigned)unit_bytes(other));
	int status = 1;
	long result = exchange_call(0, 1, &from, &to, &status, random_flags(owner, true));

	REQUIRE(result == (status != 0) && status <= 0, "exchange returned %ld, status %d", result,
		status);
	unit_check(unit, &owner->random, "exchanged");
	unit_check(other, &owner->random, "exchanged");
}

static void move_own(struct owner *owner, struct unit *unit)
{
	int node = random_below(&owner->random, 2) ? owner->job->to : owner->job->from;
	unsigned long mask = 1UL << node;
	void *page = unit->start;
	int status;

	if (random_below(&owner->random, 2))
		MUST(syscall(SYS_move_pages, 0, 1UL, &page, &node, &status,
			     random_flags(owner, false)) >= 0);
	else
		syscall(SYS_mbind, page, unit_bytes(unit), MPOL_PREFERRED, &mask, 8 * sizeof(mask),
			random_flags(owner, false));
	unit_check(unit, &owner->random, "moved");
}

static void map_again(struct owner *owner, struct unit *unit)
{
	if (unit->shared || random_below(&owner->random, 4))
		return;
	MUST(mmap(unit->start, unit_bytes(unit), READ_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == unit->start);
	if (unit->pages > 1)
		madvise(unit->start, unit_bytes(unit), MADV_HUGEPAGE);
	*unit = (struct unit){.start = unit->start, .pages = unit->pages, .protection = READ_WRITE};
}

/* Writes that are read back at once; the contents are as before in the end. */
static void write_and_look(struct owner *owner, struct unit *unit)
{
	volatile uint64_t *words = (volatile uint64_t *)unit->start;
	uint64_t before;

	if (unit->protection != READ_WRITE || unit->may_be_zero)
		return;
	before = words[0];
	for (unsigned i = 0; i < 200; i++) {
		uint64_t value = before + 1 + random_below(&owner->random, 1000);

		words[0] = value;
		REQUIRE(words[0] == value, "a write to %p is lost", (void *)unit->start);
	}
	words[0] = before;
}

static void use(struct owner *owner, struct unit *unit)
{
	size_t bytes = unit_bytes(unit);

	switch (random_below(&owner->random, 24)) {
	case 0 ... 2:
		return unit_write(unit, ++owner->writes);
	case 3 ... 6:
		return unit_check(unit, &owner->random, "read");
	case 7 ... 8:
		return give_back(owner, unit);
	case 9:
		madvise(unit->start, bytes, MADV_PAGEOUT);
		return;
	case 10:
		return change_lock(owner, unit);
	case 11:
		return protect(owner, unit);
	case 12:
		return fork_child(owner, unit);
	case 13:
		madvise(unit->start, bytes,
			random_below(&owner->random, 2) ? MADV_MERGEABLE : MADV_UNMERGEABLE);
		return;
	case 14:
		return split_or_collapse(owner, unit);
	case 15:
		return remap_and_back(owner, unit);
	case 16: /* referenced bits, or now and then soft-dirty bits */
		MUST(write(owner->clear_refs, random_below(&owner->random, 4) ? "1" : "4", 1) == 1);
		return;
	case 17:
		return pin_in_pipe(unit);
	case 18 ... 19:
		return exchange_own(owner, unit);
	case 20 ... 21:
		return move_own(owner, unit);
	case 22:
		return map_again(owner, unit);
	default:
		return write_and_look(owner, unit);
	}
}

/* Another thread of the owner maps, writes, splits, forks and unmaps. */
static void *churn(void *argument)
{
	struct owner *owner = argument;
	struct random random = random_seeded(owner->random.state >> 32);

	while (!owner->fuzz->stop) {
		unsigned huges = 1 + random_below(&random, CHURN_HUGES);
		char *start = mmap(CHURN, CHURN_HUGES * HUGE_PAGE, READ_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		MUST(start == CHURN);
		if (random_below(&random, 2))
			madvise(start, CHURN_HUGES * HUGE_PAGE, MADV_HUGEPAGE);
		memset(start, (int)huges, huges * HUGE_PAGE);
		switch (random_below(&random, 5)) {
		case 0:
			madvise(start + random_below(&random, 64) * BASE_PAGE, 16 * BASE_PAGE,
				MADV_DONTNEED);
			break;
		case 1:
			mprotect(start, HUGE_PAGE + 5 * BASE_PAGE, PROT_READ);
			break;
		case 2:
			mlock(start, HUGE_PAGE);
			break;
		case 3:
			madvise(start, huges * HUGE_PAGE, MADV_PAGEOUT);
			break;
		default:
			munmap(start + BASE_PAGE, HUGE_PAGE);
		}
		usleep(random_below(&random, 2000));
		munmap(start, CHURN_HUGES * HUGE_PAGE);
	}
	return NULL;
}

void fuzz_owner(struct fuzz *fuzz, const struct job *job, unsigned index)
{
	static struct owner owner;
	pthread_t thread;

	owner.fuzz = fuzz;
	owner.job = job;
	owner.random = random_seeded(job->seed * 100 + index);
	owner.clear_refs = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	MUST(owner.clear_refs >= 0);
	units_map(owner.unit);
	for (unsigned i = 0; i < UNITS; i++)
		unit_write(&owner.unit[i], ++owner.writes);
	MUST(pthread_create(&thread, NULL, churn, &owner) == 0);
	fuzz->owner[index] = getpid();
	while (!fuzz->stop) {
		use(&owner, &owner.unit[random_below(&owner.random, UNITS)]);
		fuzz->operations++;
	}
	for (unsigned i = 0; i < UNITS; i++)
		unit_check(&owner.unit[i], &owner.random, "in the end");
	pthread_join(thread, NULL);
}
