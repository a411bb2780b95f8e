/* SPDX-License-Identifier: MIT */
/* One trial: set up and verify the memory, time one migration, verify the result. */
#ifndef TRIAL_H
#define TRIAL_H

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
#include "verdict.h"
#include "verify.h"

struct trial {
	const struct options *options;
	uint64_t page_size; /* bytes; 0: not known yet */
	struct topology topology;
	const struct mode *mode;
	struct dialect *dialect;
	char dialect_evidence[256];
	struct selection selection;
	enum memory_kind kind;
	int source, target;
	unsigned threads;
	bool take_turns;	 /* copy threads of the kernel run one by one */
	const struct cpus *cpus; /* of the calls and the plain copies */
	int caller_cpu;
	struct verdict verdict;
	struct metrics metrics;
	struct verification verification;
	bool counted;
	struct counters before, after;
	struct free_bytes {
		uint64_t source, target; /* free bytes of the nodes */
	} free_before, free_after;
};

/* Chooses nodes, CPUs, memory kind, dialect and threads. On false the verdict has the reason. */
bool trial_prepare(struct trial *trial, const struct options *options, const struct mode *mode);
void trial_run(struct trial *trial);
void trial_free(struct trial *trial);

/* All modes require two nodes with memory, except a copy within one node. */
bool nodes_are_enough(const struct mode *mode, const struct topology *topology,
		      struct verdict *verdict);

/* The number-th CPU that neither caller nor threads use, or -1. CPUs of the target node first. */
int trial_spare_cpu(const struct trial *trial, unsigned number);

#endif
