// SPDX-License-Identifier: MIT
#include "metrics.h"

static const struct {
	const char *name, *unit, *better, *help;
} METRICS[METRIC_COUNT] = {
	[METRIC_THROUGHPUT] = {"throughput_gib_per_s", "GiB/s", "higher",
			       "bytes_moved by the time of the timed region"},
	[METRIC_CALL_LATENCY] = {"call_latency_us", "us", "lower",
				 "from the start of the first call to the end of the last"},
	[METRIC_BYTES_MOVED] = {"bytes_moved", "bytes", "none",
				"bytes that changed node, both ways where a mode has two"},
	[METRIC_COPY_THROUGHPUT] = {"copy_throughput_gib_per_s", "GiB/s", "higher",
				    "plain memory copy of as many bytes, source to target node"},
	[METRIC_COPY_ELAPSED] = {"copy_elapsed_us", "us", "lower",
				 "plain copy, from the first thread's start to the last one's end"},
	[METRIC_EFFICIENCY] = {"efficiency", "ratio", "higher",
			       "throughput by that of the plain copy with as many threads"},
	[METRIC_CPU_PER_GIB] = {"cpu_seconds_per_gib", "s/GiB", "lower",
				"CPU time of the calling threads and of all kworkers"},
	[METRIC_CALLER_CPU] = {"caller_cpu_seconds", "s", "lower",
			       "CPU time of the calling threads (thread clock)"},
	[METRIC_KWORKER_CPU] = {"kworker_cpu_seconds", "s", "lower",
				"CPU time of all kworkers (schedstat), background work included"},
	[METRIC_THREAD_SUM] = {"thread_sum_us", "us", "lower",
			       "elapsed time of all user threads, added up"},
	[METRIC_THREAD_LONGEST] = {"thread_longest_us", "us", "lower",
				   "elapsed time of the slowest user thread"},
	[METRIC_TLB_SHOOTDOWNS] = {"tlb_shootdowns", "count", "lower",
				   "TLB interrupts on all CPUs (/proc/interrupts)"},
	[METRIC_CONTEXT_SWITCHES] = {"context_switches", "count", "lower",
				     "switches of the calling threads"},
	[METRIC_SYSTEM_CONTEXT_SWITCHES] = {"system_context_switches", "count", "lower",
					    "switches of the whole machine, readings included"},
	[METRIC_FIRST_PAGE_LATENCY] = {"first_page_latency_us", "us", "lower",
				       "from the start of the call until the first page is back"},
	[METRIC_UNAVAILABLE_WINDOW] = {"unavailable_window_us", "us", "lower",
				       "longest time that the first page could not be read"},
	[METRIC_TOUCHER_FAULTS] = {"toucher_faults", "count", "lower",
				   "faults of the toucher during the call"},
	[METRIC_TOUCHER_GAP_BEFORE] = {"toucher_gap_before_us", "us", "lower",
				       "longest gap between reads before the call: the noise"},
	[METRIC_VICTIM_SLOWDOWN] = {"victim_slowdown", "ratio", "lower",
				    "rate of the victim alone by its rate during the call"},
	[METRIC_VICTIM_RATE_ALONE] = {"victim_rate_alone_per_s", "1/s", "none",
				      "reads per second of the victim before the call"},
	[METRIC_MODELLED_THROUGHPUT] = {"modelled_throughput_gib_per_s", "GiB/s", "higher",
					"bytes_moved by modelled_latency"},
	[METRIC_MODELLED_LATENCY] =
		{"modelled_latency_us", "us", "lower",
		 "call_latency - worker_sum - worker_handover + worker_longest: "
		 "with a CPU for each thread of a copy; only where they took "
		 "turns"},
	[METRIC_UNMAP_TIME] = {"unmap_time_us", "us", "lower",
			       "kernel: allocating, locking and unmapping"},
	[METRIC_FLUSH_TIME] = {"flush_time_us", "us", "lower",
			       "kernel: the TLB flushes that were deferred"},
	[METRIC_COPY_TIME] = {"copy_time_us", "us", "lower", "kernel: copying"},
	[METRIC_COPY_MODELLED] = {"copy_modelled_us", "us", "lower",
				  "copy_time - worker_sum - worker_handover + worker_longest, as "
				  "modelled_latency"},
	[METRIC_REMAP_TIME] = {"remap_time_us", "us", "lower",
			       "kernel: remapping and all else after the copy"},
	[METRIC_WORKER_SUM] = {"worker_sum_us", "us", "lower",
			       "time of all copying threads of the kernel, added up"},
	[METRIC_WORKER_HANDOVER] = {"worker_handover_us", "us", "lower",
				    "from queueing each such thread until it begins, added up"},
	[METRIC_WORKER_LONGEST] = {"worker_longest_us", "us", "lower",
				   "time of the longest thread of each copy, hand-over "
				   "included, added up"},
	[METRIC_WORKER_SPAN] = {"worker_span_us", "us", "lower",
				"first start to last end of the threads of each copy, added up"},
	[METRIC_PAGES_BY_THREADS] = {"pages_by_threads", "count", "none",
				     "base pages that threads copied"},
	[METRIC_PAGES_BY_CALLER] = {"pages_by_caller", "count", "none",
				    "base pages that whoever migrated copied alone"},
	[METRIC_FALLBACK_CPUS] = {"fallback_cpus", "count", "lower",
				  "copies not shared: fewer than two CPUs or threads"},
	[METRIC_FALLBACK_NOMEM] = {"fallback_nomem", "count", "lower",
				   "copies not shared: no memory for the work items"},
	[METRIC_FALLBACK_SIZE] = {"fallback_size", "count", "lower",
				  "copies not shared: a single base page"},
	[METRIC_PAGES_BY_DMA] = {"pages_by_dma", "count", "none",
				 "base pages that were copied by DMA"},
	[METRIC_PAGES_LEFT_BY_DMA] = {"pages_left_by_dma", "count", "lower",
				      "base pages that the CPU copied instead, for any reason"},
	[METRIC_DMA_CHANNELS] = {"dma_channels", "count", "none",
				 "channels that a copy by DMA used, on average"},
	[METRIC_DMA_TIME] = {"dma_time_us", "us", "lower",
			     "first submission to last completion of each copy by DMA, added up"},
	[METRIC_BATCHES] = {"batches", "count", "none", "batches that were copied at once"},
	[METRIC_BATCHED_FOLIOS] = {"batched_folios", "count", "none", "pages in these batches"},
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
