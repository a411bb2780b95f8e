// SPDX-License-Identifier: MIT
/* The RFC of January 2025: threads copy batches. A system-wide switch enables it. */
#include <stdio.h>

#include "dialect.h"

#define USE_MT_COPY   "/proc/sys/vm/use_mt_copy"
#define PUSH_0_PULL_1 "/proc/sys/vm/push_0_pull_1"

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	(void)self;
	if (!probe_exists(prober, USE_MT_COPY) && !probe_exists(prober, PUSH_0_PULL_1))
		return false;
	snprintf(evidence, size, "%s",
		 probe_exists(prober, USE_MT_COPY) ? "vm.use_mt_copy" : "vm.push_0_pull_1");
	return true;
}

/* The kernel uses at most 32 threads, although the knob accepts up to 64. */
static unsigned thread_count(unsigned knob, unsigned node_cpus)
{
	unsigned count = knob < node_cpus ? knob : node_cpus;

	return count < 32 ? count : 32;
}

static const struct accel_switch SWITCHES[] = {{USE_MT_COPY, FEATURE_THREADS | FEATURE_BATCH},
					       {NULL, 0}};
static const char *const THREAD_KNOBS[] = {"/proc/sys/vm/limit_mt_num", NULL};
static const char *const KNOBS[] = {PUSH_0_PULL_1, NULL};

DIALECT(jan2025) = {
	.name = "jan2025",
	.summary = "RFC of January 2025: vm.use_mt_copy",
	.rank = 40,
	.detect = detect,
	.switches = SWITCHES,
	.thread_knobs = THREAD_KNOBS,
	.thread_count = thread_count,
	.knobs = KNOBS,
};
