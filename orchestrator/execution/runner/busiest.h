/* SPDX-License-Identifier: MIT */
/* Which processes use the CPUs. */
#ifndef BUSIEST_H
#define BUSIEST_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"
#include "process.h"

/* What each process has used when one began to look; all zero: one has not. */
struct busiest {
	struct process *process;
	size_t count, size;
	double since; /* seconds since boot */
};

void busiest_begin(struct busiest *busiest, const char *proc, double now);
/* Adds the member "busy": the processes that have used most since then, the first one most, with
 * their command, pid, and CPUs, 1 being one of them all the time. An empty list if one has not
 * begun to look. */
void busiest_tell(const struct busiest *busiest, const char *proc, double now, struct json *json);
void busiest_free(struct busiest *busiest);

#endif
