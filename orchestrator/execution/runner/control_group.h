/* SPDX-License-Identifier: MIT */
/* A control group (cgroup v2) for the processes of one trial, below the group of the runner. */
#ifndef CONTROL_GROUP_H
#define CONTROL_GROUP_H

#include <stdbool.h>
#include <stdint.h>

struct control_group {
	char *path; /* NULL: there is none */
	int folder; /* -1: there is none */
};

/* What the processes of a trial used. */
struct usage {
	bool of_group;	     /* of all its processes; else of those that were waited for */
	double user, system; /* seconds of CPU */
	int64_t memory_peak; /* bytes; -1: not known. Without a group with this controller: of the
				largest process */
	int64_t processes_peak; /* -1: not known */
};

/* Makes the group, where there is cgroup v2 and we may; the controllers for memory and pids are
 * used if they are there. */
void control_group_make(struct control_group *group);
/* Ends all processes of a group, if there is one at path. */
void control_group_kill(const char *path);
/* Whether a process is in the group. */
bool control_group_is_populated(const struct control_group *group);
/* Replaces what the group knows better. */
void control_group_usage(const struct control_group *group, struct usage *usage);
void control_group_remove(struct control_group *group);

#endif
