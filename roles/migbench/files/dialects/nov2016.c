// SPDX-License-Identifier: MIT
/* The five patches of November 2016: a system-wide switch, always four threads. */
#include <stdio.h>

#include "dialect.h"

#define ACCEL_PAGE_COPY "/proc/sys/vm/accel_page_copy"

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	(void)self;
	if (!probe_exists(prober, ACCEL_PAGE_COPY) ||
	    probe_exists(prober, "/proc/sys/vm/limit_mt_num"))
		return false;
	snprintf(evidence, size, "vm.accel_page_copy without vm.limit_mt_num");
	return true;
}

static unsigned thread_count(unsigned knob, unsigned node_cpus)
{
	(void)knob;
	return node_cpus < 4 ? node_cpus : 4;
}

static const struct accel_switch SWITCHES[] = {{ACCEL_PAGE_COPY, FEATURE_THREADS}, {NULL, 0}};

/* The value of its per-call flag was not published, so only the switch is used. */
DIALECT(nov2016) = {
	.name = "nov2016",
	.summary = "patches of November 2016: vm.accel_page_copy",
	.rank = 30,
	.detect = detect,
	.switches = SWITCHES,
	.thread_count = thread_count,
};
