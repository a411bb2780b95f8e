// SPDX-License-Identifier: MIT
#include "breakdown.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "size.h"
#include "sysfs.h"
#include "trial.h"

struct counter_metric {
	const char *counter;
	enum metric metric;
	double divisor;
};

/* The kernel only updates these while the dialect's phase_knob is on. */
static const struct counter_metric PHASES[] = {
	{"migration_accel/unmap_ns", METRIC_UNMAP_TIME, 1e3},
	{"migration_accel/flush_ns", METRIC_FLUSH_TIME, 1e3},
	{"migration_accel/copy_ns", METRIC_COPY_TIME, 1e3},
	{"migration_accel/remap_ns", METRIC_REMAP_TIME, 1e3},
};

static const struct counter_metric COPY_COUNTERS[] = {
	{"migration_accel/worker_ns", METRIC_WORKER_SUM, 1e3},
	{"migration_accel/handover_ns", METRIC_WORKER_HANDOVER, 1e3},
	{"migration_accel/longest_ns", METRIC_WORKER_LONGEST, 1e3},
	{"migration_accel/span_ns", METRIC_WORKER_SPAN, 1e3},
	{"migration_accel/pages_threads", METRIC_PAGES_BY_THREADS, 1},
	{"migration_accel/pages_serial", METRIC_PAGES_BY_CALLER, 1},
	{"migration_accel/threads_fallback_cpus", METRIC_FALLBACK_CPUS, 1},
	{"migration_accel/threads_fallback_memory", METRIC_FALLBACK_NOMEM, 1},
	{"migration_accel/threads_fallback_size", METRIC_FALLBACK_SIZE, 1},
	{"migration_accel/pages_offload", METRIC_PAGES_BY_DMA, 1},
	{"migration_accel/offload_ns", METRIC_DMA_TIME, 1e3},
	{"migration_accel/batches", METRIC_BATCHES, 1},
	{"migration_accel/batch_folios", METRIC_BATCHED_FOLIOS, 1},
	/* Pairs of base pages or of folios: each pair counts as two. */
	{"migration_accel/exchange/pages_threads", METRIC_PAGES_BY_THREADS, 0.5},
	{"migration_accel/exchange/pages_serial", METRIC_PAGES_BY_CALLER, 0.5},
	{"migration_accel/exchange/threads_fallback_cpus", METRIC_FALLBACK_CPUS, 1},
	{"migration_accel/exchange/threads_fallback_memory", METRIC_FALLBACK_NOMEM, 1},
	{"migration_accel/exchange/threads_fallback_size", METRIC_FALLBACK_SIZE, 1},
	{"migration_accel/exchange/batches", METRIC_BATCHES, 1},
	{"migration_accel/exchange/batch_folios", METRIC_BATCHED_FOLIOS, 0.5},
};

/* Why the CPU copied pages instead of a DMA engine. */
static const struct {
	const char *counter, *reason;
} DMA_FALLBACKS[] = {
	{"migration_accel/offload_fallback_provider", "no channel"},
	{"migration_accel/offload_fallback_memory", "out of memory"},
	{"migration_accel/offload_fallback_contents", "memory tags"},
	{"migration_accel/offload_fallback_align", "not aligned"},
	{"migration_accel/offload_fallback_map", "mapping failed"},
	{"migration_accel/offload_fallback_submit", "submission failed"},
	{"migration_accel/offload_fallback_error", "DMA error"},
	{"migration_accel/offload_fallback_timeout", "timed out"},
};
#define DMA_FALLBACK_COUNT (sizeof(DMA_FALLBACKS) / sizeof(DMA_FALLBACKS[0]))

/* Adds up the counters of the same metric. */
static void set_counter_metrics(struct trial *trial, const struct counter_metric *list,
				size_t count)
{
	int64_t delta;

	for (size_t i = 0; i < count; i++) {
		double so_far = trial->metrics.of[list[i].metric].value;

		if (vmstat_delta(&trial->before, &trial->after, list[i].counter, &delta))
			metric_set(&trial->metrics, list[i].metric,
				   so_far + (double)delta / list[i].divisor);
	}
}

static void set_dma_metrics(struct trial *trial)
{
	int64_t copies, channels, left = 0, delta;

	if (!vmstat_delta(&trial->before, &trial->after, "migration_accel/offload_copies",
			  &copies) ||
	    !vmstat_delta(&trial->before, &trial->after, "migration_accel/offload_lanes",
			  &channels))
		return;
	if (copies > 0)
		metric_set(&trial->metrics, METRIC_DMA_CHANNELS, (double)channels / (double)copies);
	for (size_t i = 0; i < DMA_FALLBACK_COUNT; i++)
		if (vmstat_delta(&trial->before, &trial->after, DMA_FALLBACKS[i].counter, &delta))
			left += delta;
	metric_set(&trial->metrics, METRIC_DMA_FALLBACK_PAGES, (double)left);
}

static bool phases_are_timed(const struct dialect *dialect)
{
	uint64_t on;

	return dialect->phase_knob && read_number(dialect->phase_knob, &on) && on;
}

/* Only copy threads of the kernel run one by one. Threads of this program and of software DMA
 * channels run at the same time, so nothing can be modelled for them. */
static bool only_kernel_threads(const struct trial *trial)
{
	return !trial->options->latency_probe && !trial->options->victim &&
	       !(trial->mode->features & FEATURE_DMA) &&
	       !(trial->mode->user_threads && trial->threads > 1);
}

void breakdown_modelled(struct trial *trial, double elapsed_ns, double bytes)
{
	struct metrics *metrics = &trial->metrics;
	double saved_us = metrics->of[METRIC_WORKER_SUM].value +
			  metrics->of[METRIC_WORKER_HANDOVER].value -
			  metrics->of[METRIC_WORKER_LONGEST].value;
	double modelled_us = elapsed_ns / 1e3 - saved_us;

	if (!trial->take_turns || !only_kernel_threads(trial))
		return;
	metric_set(metrics, METRIC_MODELLED_THROUGHPUT, bytes / GIB / (modelled_us / 1e6));
	if (metrics->of[METRIC_CALL_LATENCY].measured)
		metric_set(metrics, METRIC_MODELLED_LATENCY, modelled_us);
	if (metrics->of[METRIC_COPY_TIME].measured)
		metric_set(metrics, METRIC_COPY_MODELLED,
			   metrics->of[METRIC_COPY_TIME].value - saved_us);
}

void breakdown_metrics(struct trial *trial)
{
	if (phases_are_timed(trial->dialect))
		set_counter_metrics(trial, PHASES, sizeof(PHASES) / sizeof(PHASES[0]));
	set_counter_metrics(trial, COPY_COUNTERS, sizeof(COPY_COUNTERS) / sizeof(COPY_COUNTERS[0]));
	set_dma_metrics(trial);
}

/* 0 if the kernel has no such counter. */
static uint64_t count_of(const struct trial *trial, enum metric metric)
{
	return (uint64_t)trial->metrics.of[metric].value;
}

static void check_counted_threads(struct trial *trial)
{
	uint64_t cpus = count_of(trial, METRIC_FALLBACK_CPUS);
	uint64_t nomem = count_of(trial, METRIC_FALLBACK_NOMEM);

	if (cpus + nomem > 0)
		verdict_note(&trial->verdict, STATUS_DISTURBED,
			     "copies by the caller instead of threads: %" PRIu64
			     " (not enough CPUs), %" PRIu64 " (out of memory)",
			     cpus, nomem);
	else if (count_of(trial, METRIC_PAGES_BY_THREADS) > 0)
		return;
	else if (count_of(trial, METRIC_FALLBACK_SIZE) > 0)
		verdict_note(&trial->verdict, STATUS_UNSUPPORTED,
			     "this kernel does not copy single base pages with threads");
	else
		verdict_note(&trial->verdict, STATUS_DISTURBED, "no page was copied by threads");
}

/* Some kernels silently fall back to a copy by the caller. Their threads are kworkers. So if no
 * kworker used CPU time, the kernel fell back. The reverse is not true: kworkers do other work. */
static void check_uncounted_threads(struct trial *trial)
{
	if (trial->metrics.of[METRIC_KWORKER_CPU].measured &&
	    trial->metrics.of[METRIC_KWORKER_CPU].value == 0)
		verdict_note(&trial->verdict, STATUS_DISTURBED,
			     "no kworker ran: the kernel fell back to a copy by the caller");
}

static void check_dma(struct trial *trial)
{
	uint64_t by_dma = count_of(trial, METRIC_PAGES_BY_DMA);
	uint64_t moved = count_of(trial, METRIC_BYTES_MOVED) / base_page_size();
	char why[256] = "";
	int64_t delta;

	if (by_dma >= moved && count_of(trial, METRIC_DMA_FALLBACK_PAGES) == 0)
		return;
	for (size_t i = 0; i < DMA_FALLBACK_COUNT; i++) {
		size_t used = strlen(why);

		if (vmstat_delta(&trial->before, &trial->after, DMA_FALLBACKS[i].counter, &delta) &&
		    delta > 0)
			snprintf(why + used, sizeof(why) - used, "%s %" PRId64 " (%s)",
				 used ? "," : ":", delta, DMA_FALLBACKS[i].reason);
	}
	verdict_note(&trial->verdict, STATUS_DISTURBED,
		     "%" PRIu64 " of %" PRIu64 " base pages were copied by DMA; by the CPU%s",
		     by_dma, moved, why[0] ? why : ": unknown reason");
}

void breakdown_check(struct trial *trial)
{
	const struct metrics *metrics = &trial->metrics;
	unsigned features = trial->mode->features;

	if (features & FEATURE_THREADS && trial->threads > 1) {
		if (metrics->of[METRIC_PAGES_BY_THREADS].measured)
			check_counted_threads(trial);
		else
			check_uncounted_threads(trial);
	}
	if (features & FEATURE_DMA && metrics->of[METRIC_PAGES_BY_DMA].measured)
		check_dma(trial);
	if (features & FEATURE_BATCH && metrics->of[METRIC_BATCHED_FOLIOS].measured &&
	    count_of(trial, METRIC_BATCHED_FOLIOS) == 0)
		verdict_note(&trial->verdict, STATUS_DISTURBED, "no page was copied in a batch");
}
