/* SPDX-License-Identifier: MIT */
/* Fault injection for this task (Documentation/fault-injection, task-filter). */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>

/* Sets /proc/self/make-it-fail. */
void enable_faults(bool enabled);

#endif
