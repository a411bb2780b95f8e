/* SPDX-License-Identifier: MIT */
/* Waits until the CPUs are idle. */
#ifndef SETTLE_H
#define SETTLE_H

#include <stdbool.h>

#include "busiest.h"
#include "signals.h"

/* A wait: how long it took, whether the CPUs are idle, and who used them if it took longer than a
 * look. */
struct wait {
	bool settled;
	double waited;
	struct busiest busiest;
};

/* Waits at most limit seconds. Right after boot the start of other programs shares the clock of
 * some guests, so the first trial wants a second of quiet, the others a short look.
 *
 * still_waiting is called after a few seconds, in the first wait that takes so long. */
void settle(double limit, struct wait *wait, struct signals *signals,
	    void (*still_waiting)(const struct wait *wait, void *context), void *context);

#endif
