/* SPDX-License-Identifier: MIT */
/* The program of a trial: started in a session of its own, ended at its time limit, and nothing
 * left of it. While it runs nothing here wakes up, unless it prints, ends, or its time is over: on
 * a guest whose clock counts instructions that would be measured. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "control_group.h"
#include "output.h"
#include "signals.h"

#define GRACE_SECONDS 2 /* between TERM and KILL */

struct child {
	struct output out, err;
	int status; /* as of waitpid(2) */
	bool timed_out, strays;
	bool stopped;		    /* ended because the runner is */
	struct timespec start, end; /* CLOCK_BOOTTIME */
	struct usage usage;
	struct control_group group;
	pid_t pid;
};

struct program {
	char *const *argv;
	const char *folder;
	double limit;	/* seconds */
	int group_file; /* where it is written who it is, for the next runner if this one dies */
};

/* What is to be done before, so that little is left between a snapshot and the program. False with
 * errno. */
bool child_prepare(struct child *child);

/* Runs a program until it ends. False with errno if it could not be started; one that is not found
 * exits with 127. */
bool child_run(struct child *child, const struct program *program, struct signals *signals);

/* Ends what it left behind, and takes the rest of what was printed. */
void child_finish(struct child *child, struct signals *signals);
void child_free(struct child *child);

/* Forgets who the program was. False with errno if that cannot be written. */
bool child_forget(int group_file);

/* Ends what a dead runner has left of a trial, as its group file tells. */
void child_clean_up(int group_file);

#endif
