/* SPDX-License-Identifier: MIT */
/* A team of threads, each on a CPU of its own if there are enough, that start together. */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "verdict.h"

/* What a thread has used, or used between two readings. */
struct usage {
	uint64_t cpu_ns;
	uint64_t context_switches;
};

struct span {
	uint64_t start_ns, end_ns;
	struct usage usage;
};

/* Reads the clocks of the calling thread at both ends of a piece of work. */
void span_begin(struct span *span);
void span_end(struct span *span);

struct worker {
	unsigned index;
	int cpu;
	void *data;
	void (*work)(struct worker *worker);
	struct span span;
	long result; /* for the work to leave what its call returned */
	int error;   /* and its errno */
	pthread_t thread;
	struct team *team;
};

struct team {
	unsigned count;
	struct worker *workers;
	pthread_barrier_t gate;
};

/* The number-th CPU of the set, counted round and round. The set has at least one. */
int cpu_pick(const cpu_set_t *cpus, unsigned number);
bool pin_to_cpu(int cpu);

/* For a thread that is pinned to the CPU. Where load is balanced it stays so. Elsewhere it may use
 * all CPUs of the process again: a kernel whose copying threads leave isolated CPUs to those who
 * may use them asks what the caller may use. But it may then wake up on another CPU. */
bool pin_loosely(int cpu);

/* Gives a pinned thread the CPUs back that the process began with. */
bool unpin(void);

/* A kernel remembers where an address space has run. The CPU that the program was started on stays
 * among those that its flushes ask until another address space has run there: that made 2048 base
 * pages 5 % dearer wherever the shell happened to be on another CPU than the caller. So a child,
 * which has an address space of its own, runs there for a moment. For a pinned thread, alone. */
void leave_cpu(int cpu);

/* Starts count threads that wait at the gate. */
bool team_create(struct team *team, unsigned count, const cpu_set_t *cpus,
		 void (*work)(struct worker *), void *data, struct verdict *verdict);

/* Opens the gate and waits for the last to finish. Gives the time from the first start to the
 * last end, and what all have used. */
struct span team_run(struct team *team);
void team_free(struct team *team);

#endif
