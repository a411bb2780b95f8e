// SPDX-License-Identifier: MIT
/* The kernel of Nimble (ASPLOS 2019) and the RFC of April 2019. They cannot be distinguished. */
#include <stdio.h>

#include "dialect.h"

#define DMA    0x20
#define MT     0x40
#define CONCUR 0x80

#define ACCEL_PAGE_COPY	  "/proc/sys/vm/accel_page_copy"
#define USE_ALL_DMA_CHANS "/proc/sys/vm/use_all_dma_chans"
#define LIMIT_MT_NUM	  "/proc/sys/vm/limit_mt_num"

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	(void)self;
	if (!probe_exists(prober, ACCEL_PAGE_COPY) || !probe_exists(prober, LIMIT_MT_NUM) ||
	    !prober->accepts_flag(DMA) || !prober->accepts_flag(MT) ||
	    !prober->accepts_flag(CONCUR))
		return false;
	snprintf(evidence, size,
		 "vm.accel_page_copy and vm.limit_mt_num; flags 0x20, 0x40 and 0x80 accepted");
	return true;
}

/* The kernel rounds down to an even number. If there are more than 32, it copies with one. */
static unsigned thread_count(unsigned knob, unsigned node_cpus)
{
	unsigned count = knob < node_cpus ? knob : node_cpus;

	return count > 32 ? 1 : count > 1 ? count & ~1U : count;
}

static const struct accel_switch SWITCHES[] = {{ACCEL_PAGE_COPY, FEATURE_THREADS}, {NULL, 0}};
static const char *const THREAD_KNOBS[] = {LIMIT_MT_NUM, NULL};
/* Only this switch allocates the channels for DMA batches. Without them the kernel crashes. */
static const struct accel_switch NEEDS[] = {{USE_ALL_DMA_CHANS, FEATURE_DMA | FEATURE_BATCH},
					    {NULL, 0}};
static const char *const KNOBS[] = {USE_ALL_DMA_CHANS, "/proc/sys/vm/limit_dma_chans",
				    "/proc/sys/vm/migration_batch_size", NULL};

DIALECT(nimble2019) = {
	.name = "nimble2019",
	.summary = "Nimble and the RFC of April 2019: flags 0x20, 0x40, 0x80",
	.rank = 20,
	.detect = detect,
	.flag_threads = MT,
	.flag_batch = CONCUR,
	.flag_dma = DMA,
	.switches = SWITCHES,
	.needs = NEEDS,
	.thread_knobs = THREAD_KNOBS,
	.thread_count = thread_count,
	.knobs = KNOBS,
	.has_exchange = true,
};
