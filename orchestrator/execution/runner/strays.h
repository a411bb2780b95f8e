/* SPDX-License-Identifier: MIT */
/* Processes that a trial has left behind. */
#ifndef STRAYS_H
#define STRAYS_H

#include <stdbool.h>
#include <sys/types.h>

#include "control_group.h"
#include "signals.h"

/* From now on processes whose parent ends are ours, so that none is lost: PR_SET_CHILD_SUBREAPER of
 * prctl(2). */
void strays_adopt(void);

/* Ends all that is left of a trial, after its first process was waited for: its process group, its
 * control group, and all children of ours. Returns whether a process was left. */
bool strays_end(pid_t group, const struct control_group *control_group, struct signals *signals);

/* Waits until a control group that was ended has no process any more. */
void strays_wait_for_group(const struct control_group *group);

/* Ends a process group that is not of our children, and waits until it is gone. */
void strays_end_group(pid_t group);

#endif
