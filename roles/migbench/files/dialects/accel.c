// SPDX-License-Identifier: MIT
/* Kernels that describe their ABI in a directory: the series of roles/kernel. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"
#include "take_turns.h"

#define ACCEL	   "/sys/kernel/mm/migration_accel"
#define DMA	   ACCEL "/offload/dma"
#define PHASE_KNOB "/sys/kernel/debug/migration_accel/phase_times"

static char drivers[64];

/* 0 if the kernel has no such flag. Values are hexadecimal. */
static int read_flag(const struct prober *prober, const char *path)
{
	char text[32];

	return probe_text(prober, path, text, sizeof(text)) ? (int)strtol(text, NULL, 0) : 0;
}

/* Whether threads of the kernel are among the channels. */
static bool has_software_channels(void)
{
	char words[sizeof(drivers) + 2];

	snprintf(words, sizeof(words), " %s ", drivers);
	return strstr(words, " softdma ") != NULL;
}

/* Nothing is reported about channels if something else than DMA engines copies. */
static void read_dma(struct dialect *self, const struct prober *prober)
{
	char provider[32];
	uint64_t channels = 0;

	self->dma = (struct dma){.engine = drivers};
	drivers[0] = '\0';
	if (!probe_text(prober, ACCEL "/offload/provider", provider, sizeof(provider)) ||
	    (strcmp(provider, "dma") != 0 && strcmp(provider, "none") != 0))
		return;
	self->dma.reported = true;
	if (strcmp(provider, "none") == 0 ||
	    !probe_number(prober, DMA "/available_channels", &channels) || channels == 0)
		return;
	self->dma.channels = (unsigned)channels;
	probe_text(prober, DMA "/drivers", drivers, sizeof(drivers));
	self->dma.software = has_software_channels();
}

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	uint64_t version;

	/* Later versions only add files. */
	if (!probe_number(prober, ACCEL "/version", &version))
		return false;
	self->flag_threads = read_flag(prober, ACCEL "/flags/parallel");
	self->flag_batch = read_flag(prober, ACCEL "/flags/concurrent");
	self->flag_dma = read_flag(prober, ACCEL "/flags/offload");
	self->exchange_number = 0;
	probe_number(prober, ACCEL "/exchange_pages", &self->exchange_number);
	self->has_exchange = self->exchange_number != 0;
	read_dma(self, prober);
	self->take_turns_knob = probe_exists(prober, TAKE_TURNS_KNOB) ? TAKE_TURNS_KNOB : NULL;
	snprintf(evidence, size, ACCEL " has version %" PRIu64 " and flags 0x%x, 0x%x and 0x%x",
		 version, (unsigned)self->flag_threads, (unsigned)self->flag_batch,
		 (unsigned)self->flag_dma);
	return true;
}

static unsigned thread_count(unsigned knob, unsigned node_cpus)
{
	return knob < node_cpus ? knob : node_cpus;
}

static const char *const THREAD_KNOBS[] = {ACCEL "/threads", NULL};
static const char *const KNOBS[] = {ACCEL "/threads_node",
				    ACCEL "/batch_folios",
				    ACCEL "/exchange_method",
				    ACCEL "/policy/syscall_or_cpuset",
				    ACCEL "/policy/mempolicy_mbind",
				    ACCEL "/policy/exchange",
				    ACCEL "/offload/provider",
				    ACCEL "/offload/timeout_ms",
				    DMA "/channels",
				    DMA "/all_channels",
				    PHASE_KNOB,
				    NULL};

DIALECT(accel) = {
	.name = "accel",
	.summary = "kernel that reports its flags in " ACCEL,
	.rank = 0,
	.detect = detect,
	.thread_knobs = THREAD_KNOBS,
	.thread_count = thread_count,
	.phase_knob = PHASE_KNOB,
	.knobs = KNOBS,
};
