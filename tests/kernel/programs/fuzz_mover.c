// SPDX-License-Identifier: MIT
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exchange.h"
#include "fuzz.h"
#include "kernel.h"
#include "move.h"
#include "require.h"

#define MAX_PAGES 700

/* Arguments of a call. */
struct call {
	unsigned count, flags;
	void *from[MAX_PAGES], *to[MAX_PAGES];
	int nodes[MAX_PAGES], status[MAX_PAGES];
};

/* Most pairs are of one kind; of the others many cannot be exchanged. */
static void choose(struct call *call, const struct job *job, struct random *random)
{
	bool one_node = random_below(random, 3) == 0;

	call->count = 1 + random_below(random, random_below(random, 4) ? 40 : MAX_PAGES);
	call->flags = random_below(random, 2) ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE;
	call->flags |= random_below(random, 2) ? kernel_abi()->mt : 0;
	call->flags |= random_below(random, 2) ? kernel_abi()->concur : 0;
	for (unsigned i = 0; i < call->count; i++) {
		bool huge = random_below(random, 2);

		if (random_below(random, 2)) {
			call->from[i] = fuzz_page(random, huge);
			call->to[i] = fuzz_page(random, huge);
		} else {
			call->from[i] = fuzz_address(random);
			call->to[i] = fuzz_address(random);
		}
		call->nodes[i] = random_below(random, 2) ? job->to : job->from;
		if (one_node)
			call->nodes[i] = call->nodes[0];
		call->status[i] = STATUS_UNSET;
	}
}

static void exchange(struct fuzz *fuzz, struct call *call, pid_t pid)
{
	long result =
		exchange_call(pid, call->count, call->from, call->to, call->status, call->flags);
	unsigned refused = 0;

	if (result < 0 && fuzz->stop)
		return; /* owners end */
	REQUIRE(result >= 0, "exchange_pages: %s", strerror((int)-result));
	for (unsigned i = 0; i < call->count; i++) {
		REQUIRE(call->status[i] <= 0 && call->status[i] != STATUS_UNSET,
			"status of pair %u of %u is %d", i, call->count, call->status[i]);
		refused += call->status[i] != 0;
	}
	REQUIRE(result == refused, "exchange_pages returned %ld; %u pairs failed", result, refused);
	fuzz->exchanged += call->count - refused;
	fuzz->refused += refused;
}

static void move(struct fuzz *fuzz, struct call *call, pid_t pid)
{
	long result = syscall(SYS_move_pages, pid, (unsigned long)call->count, call->from,
			      call->nodes, call->status, call->flags);
	bool accelerated = call->flags & ~(unsigned)(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL);

	if (result < 0 && fuzz->stop)
		return;
	REQUIRE(result >= 0 || errno == ENOMEM || errno == EIO, "move_pages: %s", strerror(errno));
	if (result < 0)
		return;
	for (unsigned i = 0; i < call->count; i++) {
		REQUIRE(!accelerated || call->status[i] != STATUS_UNSET,
			"page %u of %u has no status; move_pages returned %ld", i, call->count,
			result);
		fuzz->moved += call->status[i] == call->nodes[i];
	}
}

void fuzz_mover(struct fuzz *fuzz, const struct job *job, unsigned index)
{
	struct random random = random_seeded(job->seed * 100 + 10 + index);
	static struct call call;

	while (!fuzz->stop) {
		pid_t pid = fuzz->owner[random_below(&random, FUZZ_OWNERS)];

		if (!pid) {
			usleep(1000);
			continue;
		}
		choose(&call, job, &random);
		if (random_below(&random, 2)) {
			exchange(fuzz, &call, pid);
		} else {
			call.flags |= random_below(&random, 2) ? kernel_abi()->dma : 0;
			move(fuzz, &call, pid);
		}
		if (random_below(&random, 3) == 0)
			usleep(random_below(&random, 3000));
	}
}
