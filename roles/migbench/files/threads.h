/* SPDX-License-Identifier: MIT */
/* A team of threads that start together, each pinned to its own CPU if there are enough. */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpus.h"
#include "verdict.h"

/* CPU usage of a thread, or a difference of two reads. */
struct usage {
	uint64_t cpu_ns;
	uint64_t context_switches;
};

struct span {
	uint64_t start_ns, end_ns;
	struct usage usage;
};

/* Measure the calling thread from span_begin to span_end. */
void span_begin(struct span *span);
void span_end(struct span *span);

struct worker {
	unsigned index;
	int cpu;
	bool pinned; /* it runs on cpu */
	void *data;
	void (*work)(struct worker *worker);
	struct span span;
	long result; /* set by work: return value of its call */
	int error;   /* and its errno */
	pthread_t thread;
	struct team *team;
};

struct team {
	unsigned count;
	struct worker *workers;
	bool cancelled; /* the threads end without any work */
	pthread_barrier_t barrier;
};

/* False if the calling thread does not run on the CPU then. */
bool pin_to_cpu(int cpu);

/* For a thread that is pinned to cpu. If cpu is isolated, restores the affinity of the process,
 * because some kernels only copy on isolated CPUs that are in the affinity mask of the caller.
 * After a sleep the thread may then run on another CPU. If cpu is not isolated, keeps the thread
 * pinned. */
bool relax_affinity(int cpu);

/* Restores the affinity that the process was started with. */
bool unpin(void);

/* Removes cpu from the mm_cpumask of the process. The CPU that the program was started on stays in
 * the mask until another mm runs there, so TLB flushes also target it: migrating 2048 base pages
 * took 5 % longer. A child process, which has its own mm, runs on cpu for a moment. The caller must
 * be pinned to another CPU and be the only thread. */
void leave_mm_cpumask(int cpu);

/* Starts count threads that wait at the barrier. */
bool team_create(struct team *team, unsigned count, const struct cpus *cpus,
		 void (*work)(struct worker *), void *data, struct verdict *verdict);

/* Releases the threads and waits for all of them. Returns the time from the first start to the last
 * end, and the sum of their usage. */
struct span team_run(struct team *team);
void team_free(struct team *team);

#endif
