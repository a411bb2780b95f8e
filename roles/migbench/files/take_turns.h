/* SPDX-License-Identifier: MIT */
/* Makes the kernel's copy threads run one by one (take_turns in debugfs).
 *
 * If virtual CPUs share one clock, as with QEMU's icount, the times of threads that run at the same
 * time overlap and cannot be used. Run one by one they do not overlap, and the time of the call
 * with one CPU per thread can be modelled: elapsed - sum of all threads + longest of each copy. */
#ifndef TAKE_TURNS_H
#define TAKE_TURNS_H

#include <stdbool.h>

#include "verdict.h"

/* Of kernels with the series of roles/kernel; others have none. */
#define TAKE_TURNS_KNOB "/sys/kernel/debug/migration_accel/take_turns"

/* The value of --take-turns. For auto it depends on ORCHESTRATE_CLOCK, which the orchestrator sets
 * to "instructions" or "wall": a program cannot detect the kind of clock. */
bool take_turns_wanted(const char *option);

/* Sets the kernel's knob, the only setting that this program changes. take_turns_restore and the
 * handlers of SIGHUP, SIGINT and SIGTERM restore the previous value; SIGKILL leaves it as it is.
 * Does nothing if the knob already has the value. */
bool take_turns_set(const char *knob, bool on, struct verdict *verdict);
void take_turns_restore(void);

#endif
