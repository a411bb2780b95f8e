// SPDX-License-Identifier: MIT
/* AMD's series of 2024 to 2026 and the padata variant of 2025: batches are offloaded to threads or
 * to DMA channels. System-wide switches enable it. */
#include <stdio.h>

#include "dialect.h"

#define THREADED (FEATURE_THREADS | FEATURE_BATCH)
#define BY_DMA	 (FEATURE_DMA | FEATURE_BATCH)

static const struct accel_switch SWITCHES[] = {
	{"/sys/kernel/cpu_mt/offloading", THREADED},
	{"/sys/kernel/cpu_mt_copy/offloading", THREADED},
	{"/sys/kernel/dcbm/offloading", BY_DMA},
	{"/sys/module/dcbm/offloading", BY_DMA},
	{"/sys/module/dcbm/parameters/offloading", BY_DMA},
	{NULL, 0},
};
static const char *const THREAD_KNOBS[] = {"/sys/kernel/cpu_mt/threads",
					   "/sys/kernel/cpu_mt_copy/threads", NULL};
static const char *const KNOBS[] = {
	"/sys/kernel/cpu_mt/cpuselect",
	"/sys/kernel/dcbm/nr_dma_chan",
	"/sys/module/dcbm/nr_dma_chan",
	"/sys/module/dcbm/parameters/nr_dma_chan",
	"/sys/module/dcbm/folios_migrated",
	"/sys/module/dcbm/parameters/folios_migrated",
	"/sys/module/dcbm/folios_failures",
	"/sys/module/dcbm/parameters/folios_failures",
	"/sys/module/dcbm/parameters/reason_mask",
	NULL,
};

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	(void)self;
	for (const struct accel_switch *at = SWITCHES; at->path; at++) {
		if (!probe_exists(prober, at->path))
			continue;
		snprintf(evidence, size, "%s", at->path);
		return true;
	}
	return false;
}

DIALECT(amd) = {
	.name = "amd",
	.summary = "AMD's series of 2024 to 2026: cpu_mt, dcbm",
	.rank = 50,
	.detect = detect,
	.switches = SWITCHES,
	.thread_knobs = THREAD_KNOBS,
	.knobs = KNOBS,
};
