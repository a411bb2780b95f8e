/* SPDX-License-Identifier: MIT */
/* Faults that are injected into what the kernel does for this task. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>

/* Faults that are filtered by task strike this one, and only while it says so. */
void be_struck(bool struck);

#endif
