// SPDX-License-Identifier: MIT
/* Kernels that describe their ABI in a file: the 6.12 series of roles/kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"

#define TAKE_TURNS_KNOB "/proc/sys/vm/mt_take_turns"
#define PHASE_KNOB	"/proc/sys/vm/migrate_phase_times"
#define ABI		"/sys/kernel/mm/migration_accel/abi"
/* Later versions of the file only add names. */
#define NAME_SIZE 64

static char abi_name[NAME_SIZE], abi_engine[NAME_SIZE];

static void read_dma(struct dialect *self, const char *name, const char *value)
{
	if (strcmp(name, "MPOL_MF_MOVE_DMA") == 0)
		self->flag_dma = (int)strtol(value, NULL, 0);
	else if (strcmp(name, "dma_channels") == 0)
		self->dma.channels = (unsigned)strtoul(value, NULL, 0);
	else if (strcmp(name, "dma_engine") == 0)
		snprintf(abi_engine, sizeof(abi_engine), "%s", value);
	else if (strcmp(name, "dma_engine_kind") == 0)
		self->dma.software = strcmp(value, "software") == 0;
}

/* The file has lines name=value; unknown names are ignored. */
static bool read_abi(struct dialect *self, FILE *file)
{
	char line[256];

	abi_name[0] = abi_engine[0] = '\0';
	self->flag_threads = self->flag_batch = self->flag_dma = 0;
	self->dma = (struct dma){.engine = abi_engine};
	self->exchange_number = 0;
	while (fgets(line, sizeof(line), file)) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		if (strcmp(line, "dialect") == 0)
			snprintf(abi_name, sizeof(abi_name), "%s", value);
		else if (strcmp(line, "MPOL_MF_MOVE_MT") == 0)
			self->flag_threads = (int)strtol(value, NULL, 0);
		else if (strcmp(line, "MPOL_MF_MOVE_CONCUR") == 0)
			self->flag_batch = (int)strtol(value, NULL, 0);
		else if (strcmp(line, "exchange_pages") == 0)
			self->exchange_number = (uint64_t)strtoull(value, NULL, 0);
		else
			read_dma(self, line, value);
	}
	self->dma.reported = self->flag_dma != 0;
	return abi_name[0] != '\0';
}

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	char path[256];
	FILE *file;
	bool found;

	snprintf(path, sizeof(path), "%s" ABI, prober->root);
	file = fopen(path, "re");
	if (!file)
		return false;
	found = read_abi(self, file);
	fclose(file);
	if (!found)
		return false;
	self->name = abi_name;
	self->has_exchange = self->exchange_number != 0;
	self->take_turns_knob = probe_exists(prober, TAKE_TURNS_KNOB) ? TAKE_TURNS_KNOB : NULL;
	snprintf(evidence, size, ABI " reports it with flags 0x%x, 0x%x and 0x%x",
		 (unsigned)self->flag_threads, (unsigned)self->flag_batch,
		 (unsigned)self->flag_dma);
	return true;
}

static unsigned thread_count(unsigned knob, unsigned node_cpus)
{
	return knob < node_cpus ? knob : node_cpus;
}

static const char *const THREAD_KNOBS[] = {"/proc/sys/vm/limit_mt_num", NULL};
static const char *const KNOBS[] = {"/proc/sys/vm/mt_copy_node",
				    "/proc/sys/vm/mt_page_copy",
				    "/proc/sys/vm/concur_batch_folios",
				    "/proc/sys/vm/exchange_bounce_page",
				    "/proc/sys/vm/use_all_dma_chans",
				    "/proc/sys/vm/limit_dma_chans",
				    "/proc/sys/vm/dma_copy_timeout_ms",
				    PHASE_KNOB,
				    NULL};

DIALECT(accel) = {
	.name = "accel",
	.summary = "kernel that reports its dialect and flags in " ABI,
	.rank = 0,
	.detect = detect,
	.thread_knobs = THREAD_KNOBS,
	.thread_count = thread_count,
	.phase_knob = PHASE_KNOB,
	.knobs = KNOBS,
};
