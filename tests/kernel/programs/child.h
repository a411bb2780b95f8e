/* SPDX-License-Identifier: MIT */
/* Processes that share pages by fork and act in step with their parent. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

struct child {
	pid_t pid;
	int to, from; /* pipes */
};

/* Forks. In the child act is called, which ends with the process. */
struct child child_start(void (*act)(void *data), void *data);
/* Lets the child go on from child_wait(), and waits until it is there again or has ended. */
void child_step(struct child *child);
/* Waits for its end; requires exit code 0. */
void child_end(struct child *child);

/* In the child: stand still until the parent says go. */
void child_wait(void);

#endif
