/* SPDX-License-Identifier: MIT */
/* One trial: memory in place and proven, one timed migration, and the proof that it happened. */
#ifndef TRIAL_H
#define TRIAL_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "dialect.h"
#include "memory.h"
#include "metrics.h"
#include "mode.h"
#include "options.h"
#include "pass.h"
#include "topology.h"
#include "truth.h"
#include "verdict.h"

struct trial {
	const struct options *options;
	struct topology topology;
	const struct mode *mode;
	struct dialect *dialect;
	char dialect_how[256];
	struct selection selection;
	enum memory_kind kind;
	int source, target;
	unsigned threads;
	bool turns;	/* threads of the kernel, if any, copy one after another */
	cpu_set_t cpus; /* of the calls and the plain copies */
	int caller_cpu;
	struct verdict verdict;
	struct metrics metrics;
	struct truth truth;
	bool counted;
	struct counters before, after;
	struct room_left {
		uint64_t source, target; /* free bytes of the nodes */
	} free_before, free_after;
};

/* Chooses nodes, CPUs, memory kind, dialect and threads. False: see the verdict. */
bool trial_prepare(struct trial *trial, const struct options *options, const struct mode *mode);
void trial_run(struct trial *trial);
void trial_free(struct trial *trial);

/* Any mode needs a second node with memory, unless it is told to copy within one. */
bool nodes_are_enough(const struct mode *mode, const struct topology *topology,
		      struct verdict *verdict);

/* The number-th CPU that neither caller nor threads use, those of the target node first; or -1. */
int trial_spare_cpu(const struct trial *trial, unsigned number);

#endif
