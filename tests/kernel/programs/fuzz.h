/* SPDX-License-Identifier: MIT */
/* The processes of the check fuzz. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "job.h"
#include "random.h"

#define FUZZ_OWNERS 4

/* What all processes share. */
struct fuzz {
	atomic_bool stop;
	_Atomic pid_t owner[FUZZ_OWNERS]; /* 0: not ready yet */
	atomic_ulong operations;	  /* of owners on their memory */
	atomic_ulong exchanged, refused;  /* pairs, by movers */
	atomic_ulong moved;		  /* pages, by movers */
	atomic_ulong settings;		  /* written */
};

/* Uses memory of many kinds in many ways, and knows what must be in it. */
void fuzz_owner(struct fuzz *fuzz, const struct job *job, unsigned index);
/* Moves and exchanges memory of owners. */
void fuzz_mover(struct fuzz *fuzz, const struct job *job, unsigned index);
/* Writes random values to settings of the kernel; puts them back at the end. */
void fuzz_settings(struct fuzz *fuzz, const struct job *job, unsigned index);

/* An address that is most likely in the memory of an owner. */
char *fuzz_address(struct random *random);
/* The start of one of its pages: of huge ones, or of base pages. */
char *fuzz_page(struct random *random, bool huge);

#endif
