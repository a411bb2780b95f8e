/* SPDX-License-Identifier: MIT */
/* Copying threads of the kernel that run one after another.
 *
 * Where virtual CPUs share one clock, intervals of threads that run at once contain one another and
 * tell nothing. Taking turns they are disjoint, and what the call would take with a CPU for each
 * thread can be computed: elapsed - all threads + the longest of each copy. */
#ifndef TURNS_H
#define TURNS_H

#include <stdbool.h>

#include "verdict.h"

/* What --take-turns means here: auto asks ORCHESTRATE_CLOCK, which whoever runs trials sets to
 * "instructions" or "wall", as no program can see what its clock counts. */
bool turns_wanted(const char *option);

/* Sets the kernel's knob, and no other setting of the system is ever changed by this program. What
 * it held is put back by turns_end, and by SIGHUP, SIGINT and SIGTERM before they end the program;
 * after SIGKILL it stays. Nothing happens where it holds the value already. */
bool turns_begin(const char *knob, bool taken, struct verdict *verdict);
void turns_end(void);

#endif
