/* SPDX-License-Identifier: MIT */
/* Waits until the CPUs are idle. */
#ifndef SETTLE_H
#define SETTLE_H

#include <stdbool.h>

#include "signals.h"

/* Waits at most limit seconds; returns whether they are idle, and in waited how long it took. Right
 * after boot the start of other programs shares the clock of some guests, so the first trial wants
 * a second of quiet, the others a short look. */
bool settle(double limit, double *waited, struct signals *signals);

#endif
