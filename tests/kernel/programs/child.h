/* SPDX-License-Identifier: MIT */
/* Child processes that share pages by fork and run in lockstep with their parent. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

struct child {
	pid_t pid;
	int to, from; /* pipes */
};

/* Forks and calls act in the child, which then exits. */
struct child child_start(void (*act)(void *data), void *data);
/* Resumes the child from child_wait(), and waits for its next child_wait() or exit. */
void child_step(struct child *child);
/* Waits for the child to exit; requires exit status 0. */
void child_end(struct child *child);

/* In the child: blocks until the parent calls child_step(). */
void child_wait(void);

#endif
