// SPDX-License-Identifier: MIT
#include "metrics.h"

static const struct {
	const char *name, *unit, *better, *help;
} METRICS[METRIC_COUNT] = {
	[METRIC_THROUGHPUT] = {"throughput_gib_per_s", "GiB/s", "higher",
			       "bytes_moved divided by the time of the timed region"},
	[METRIC_CALL_LATENCY] = {"call_latency_us", "us", "lower",
				 "from the start of the first call to the end of the last"},
	[METRIC_BYTES_MOVED] = {"bytes_moved", "bytes", "none",
				"bytes moved to another node; in a swap, of both directions"},
	[METRIC_COPY_THROUGHPUT] = {"copy_throughput_gib_per_s", "GiB/s", "higher",
				    "memcpy of the same size from source to target node"},
	[METRIC_COPY_ELAPSED] =
		{"copy_elapsed_us", "us", "lower",
		 "memcpy, from the start of the first thread to the end of the last"},
	[METRIC_EFFICIENCY] = {"efficiency", "ratio", "higher",
			       "throughput divided by copy_throughput"},
	[METRIC_CPU_PER_GIB] = {"cpu_seconds_per_gib", "s/GiB", "lower",
				"CPU time of the calling threads and of all kworkers"},
	[METRIC_CALLER_CPU] = {"caller_cpu_seconds", "s", "lower",
			       "CPU time of the calling threads (thread clock)"},
	[METRIC_KWORKER_CPU] = {"kworker_cpu_seconds", "s", "lower",
				"CPU time of all kworkers (schedstat), including other work"},
	[METRIC_THREAD_SUM] = {"thread_sum_us", "us", "lower",
			       "sum of the elapsed times of all user threads"},
	[METRIC_THREAD_LONGEST] = {"thread_longest_us", "us", "lower",
				   "elapsed time of the slowest user thread"},
	[METRIC_TLB_SHOOTDOWNS] = {"tlb_shootdowns", "count", "lower",
				   "TLB shootdown interrupts of all CPUs (/proc/interrupts)"},
	[METRIC_CONTEXT_SWITCHES] = {"context_switches", "count", "lower",
				     "context switches of the calling threads"},
	[METRIC_SYSTEM_CONTEXT_SWITCHES] = {"system_context_switches", "count", "lower",
					    "system-wide context switches (/proc/stat)"},
	[METRIC_FIRST_PAGE_LATENCY] =
		{"first_page_latency_us", "us", "lower",
		 "from the start of the call until the first page is accessible "
		 "again"},
	[METRIC_UNAVAILABLE_WINDOW] = {"unavailable_window_us", "us", "lower",
				       "longest time that the first page was not accessible"},
	[METRIC_LATENCY_PROBE_FAULTS] = {"latency_probe_faults", "count", "lower",
					 "page faults of the latency probe during the call"},
	[METRIC_LATENCY_PROBE_IDLE_GAP] = {"latency_probe_idle_gap_us", "us", "lower",
					   "longest gap between two reads before the call (noise)"},
	[METRIC_VICTIM_SLOWDOWN] = {"victim_slowdown", "ratio", "lower",
				    "rate of the victim before the call divided by that during it"},
	[METRIC_VICTIM_RATE_ALONE] = {"victim_rate_alone_per_s", "1/s", "none",
				      "reads per second of the victim before the call"},
	[METRIC_MODELLED_THROUGHPUT] = {"modelled_throughput_gib_per_s", "GiB/s", "higher",
					"bytes_moved divided by modelled_latency"},
	[METRIC_MODELLED_LATENCY] =
		{"modelled_latency_us", "us", "lower",
		 "call_latency - worker_sum - worker_handover + worker_longest: "
		 "call_latency with one CPU per copy thread; only with "
		 "--take-turns"},
	[METRIC_UNMAP_TIME] = {"unmap_time_us", "us", "lower",
			       "kernel: allocating, locking and unmapping"},
	[METRIC_FLUSH_TIME] = {"flush_time_us", "us", "lower", "kernel: deferred TLB flushes"},
	[METRIC_COPY_TIME] = {"copy_time_us", "us", "lower", "kernel: copying"},
	[METRIC_COPY_MODELLED] = {"copy_modelled_us", "us", "lower",
				  "copy_time - worker_sum - worker_handover + worker_longest: "
				  "copy_time with one CPU per copy thread"},
	[METRIC_REMAP_TIME] = {"remap_time_us", "us", "lower",
			       "kernel: remapping and all other work after the copy"},
	[METRIC_WORKER_SUM] = {"worker_sum_us", "us", "lower",
			       "kernel: sum of the times of all copy threads"},
	[METRIC_WORKER_HANDOVER] = {"worker_handover_us", "us", "lower",
				    "kernel: sum of the times from queueing to start of all copy "
				    "threads"},
	[METRIC_WORKER_LONGEST] = {"worker_longest_us", "us", "lower",
				   "kernel: longest thread of each copy including its hand-over, "
				   "summed over copies"},
	[METRIC_WORKER_SPAN] = {"worker_span_us", "us", "lower",
				"kernel: first start to last end of the threads of each copy, "
				"summed over copies"},
	[METRIC_PAGES_BY_THREADS] = {"pages_by_threads", "count", "none",
				     "base pages copied by kernel threads"},
	[METRIC_PAGES_BY_CALLER] = {"pages_by_caller", "count", "none",
				    "base pages copied by the calling thread"},
	[METRIC_FALLBACK_CPUS] = {"fallback_cpus", "count", "lower",
				  "copies by the caller: fewer than two CPUs or threads"},
	[METRIC_FALLBACK_NOMEM] = {"fallback_nomem", "count", "lower",
				   "copies by the caller: out of memory for work items"},
	[METRIC_FALLBACK_SIZE] = {"fallback_size", "count", "lower",
				  "copies by the caller: a single base page"},
	[METRIC_PAGES_BY_DMA] = {"pages_by_dma", "count", "none", "base pages copied by DMA"},
	[METRIC_DMA_FALLBACK_PAGES] = {"dma_fallback_pages", "count", "lower",
				       "base pages copied by the CPU instead of DMA"},
	[METRIC_DMA_CHANNELS] = {"dma_channels", "count", "none",
				 "average number of channels of a DMA copy"},
	[METRIC_DMA_TIME] = {"dma_time_us", "us", "lower",
			     "first submission to last completion of each DMA copy, summed over "
			     "copies"},
	[METRIC_BATCHES] = {"batches", "count", "none", "number of batches"},
	[METRIC_BATCHED_FOLIOS] = {"batched_folios", "count", "none",
				   "number of folios in batches"},
};

void metric_set(struct metrics *metrics, enum metric metric, double value)
{
	metrics->of[metric].measured = true;
	metrics->of[metric].value = value;
}

void metrics_json(const struct metrics *metrics, struct json *json)
{
	json_object(json, "metrics");
	for (int i = 0; i < METRIC_COUNT; i++)
		if (metrics->of[i].measured)
			json_number(json, METRICS[i].name, metrics->of[i].value);
	json_end_object(json);
}

void metrics_list(struct json *json)
{
	json_array(json, "metrics");
	for (int i = 0; i < METRIC_COUNT; i++) {
		json_object(json, NULL);
		json_string(json, "name", METRICS[i].name);
		json_string(json, "unit", METRICS[i].unit);
		json_string(json, "better", METRICS[i].better);
		json_string(json, "help", METRICS[i].help);
		json_end_object(json);
	}
	json_end_array(json);
}
