// SPDX-License-Identifier: MIT
/* The RFC of February 2017 (14 patches), and its 6 patches for the threaded copy only. */
#include <stdio.h>

#include "dialect.h"

#define MT     0x40
#define CONCUR 0x80
#define DMA    0x100

#define MT_PAGE_COPY	  "/proc/sys/vm/mt_page_copy"
#define USE_ALL_DMA_CHANS "/proc/sys/vm/use_all_dma_chans"

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	bool has_dma = probe_exists(prober, USE_ALL_DMA_CHANS);

	(void)self;
	/* Later dialects use the same names, but 0x20 for DMA. */
	if (!probe_exists(prober, MT_PAGE_COPY) || !prober->accepts_flag(MT) ||
	    prober->accepts_flag(0x20) || prober->accepts_flag(DMA) != has_dma)
		return false;
	snprintf(evidence, size, "vm.mt_page_copy%s; flags 0x40%s accepted, 0x20 refused",
		 has_dma ? " and vm.use_all_dma_chans" : "", has_dma ? " and 0x100" : "");
	return true;
}

/* 8 or the number of CPUs of the target node, rounded down to an even number. */
static unsigned thread_count(unsigned knob, unsigned node_cpus)
{
	(void)knob;
	return (node_cpus < 8 ? node_cpus : 8) & ~1U;
}

static const struct accel_switch SWITCHES[] = {{MT_PAGE_COPY, FEATURE_THREADS}, {NULL, 0}};
/* Only this switch allocates the channels for DMA batches. Without them the kernel crashes. */
static const struct accel_switch NEEDS[] = {{USE_ALL_DMA_CHANS, FEATURE_DMA | FEATURE_BATCH},
					    {NULL, 0}};
static const char *const KNOBS[] = {USE_ALL_DMA_CHANS, "/proc/sys/vm/limit_dma_chans", NULL};

DIALECT(rfc2017) = {
	.name = "rfc2017",
	.summary = "RFC of February 2017: flags 0x40, 0x80, 0x100",
	.rank = 10,
	.detect = detect,
	.flag_threads = MT,
	.flag_batch = CONCUR,
	.flag_dma = DMA,
	.switches = SWITCHES,
	.needs = NEEDS,
	.thread_count = thread_count,
	.knobs = KNOBS,
	.has_exchange = true,
};
