/* SPDX-License-Identifier: MIT */
/* The processes of a host, from /proc. */
#ifndef PROCESS_H
#define PROCESS_H

#include <stdint.h>
#include <sys/types.h>

struct process {
	pid_t pid, parent, group;
	unsigned long long start; /* with the pid, it tells one process from a later one */
	uint64_t ticks;		  /* of CPU, 1/100 s */
	char command[16];	  /* as proc(5) has it: 15 bytes of its name */
};

/* Calls take with each process that lives. */
void processes_each(const char *proc, void (*take)(const struct process *process, void *context),
		    void *context);

#endif
