/* SPDX-License-Identifier: MIT */
/* Which process a number means: one that is gone and one that got its number later are told apart.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

/* Of this boot, 36 characters. */
const char *boot_id(void);

/* "PID START BOOT", allocated: START in ticks after boot. NULL if there is no such process, or it
 * is a zombie. */
char *identity_of(pid_t pid);

/* The three lines of a file that a runner leaves behind: its identity, BASE and BLOCK. */
struct runner {
	pid_t pid;
	char *identity, *base, *block;
};

/* Reads such a file. False if there is none; all fields are then empty, not NULL. */
bool runner_read(struct runner *runner, const char *path);
bool runner_is_alive(const struct runner *runner);
/* A pidfd; -1 if it is gone, or if the kernel has none (before Linux 5.3). */
int runner_open(const struct runner *runner);
void runner_free(struct runner *runner);

#endif
