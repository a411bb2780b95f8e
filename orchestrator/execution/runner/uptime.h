/* SPDX-License-Identifier: MIT */
/* The runner's clock: seconds since boot, time of sleep included, as in /proc/uptime. */
#ifndef UPTIME_H
#define UPTIME_H

#include "clock.h"

static inline double seconds_since_boot(void)
{
	return (double)clock_ns(CLOCK_BOOTTIME) / 1e9;
}

#endif
