// SPDX-License-Identifier: MIT
#include "trial.h"

#include <string.h>

#include "breakdown.h"
#include "clock.h"
#include "companion.h"
#include "size.h"
#include "threads.h"
#include "turns.h"

/* CPUs that the warm-up woke are awake for the kernel until a tick or two have passed: their timers
 * would strike within the timed call, and RCU, which it waits for, would ask each of them. */
#define REST_MS 40

/* The warm-up: the same path with a few pages, so that the clock sees no first call. */
static bool warm_up(struct trial *trial)
{
	struct pass pass;
	bool done;

	if (trial->options->warmup_pages == 0)
		return true;
	done = pass_create(&pass, trial, trial->options->warmup_pages, &trial->verdict) &&
	       (!trial->mode->arm || trial->mode->arm(trial, &pass));
	if (done)
		trial->mode->run(trial, &pass);
	pass_free(&pass);
	sleep_ms(REST_MS);
	return done;
}

static void set_thread_metrics(const struct team *team, struct metrics *metrics)
{
	uint64_t sum = 0, longest = 0;

	for (unsigned i = 0; i < team->count; i++) {
		uint64_t ns = team->workers[i].span.end_ns - team->workers[i].span.start_ns;

		sum += ns;
		longest = ns > longest ? ns : longest;
	}
	if (team->count == 0)
		return;
	metric_set(metrics, METRIC_THREAD_SUM, (double)sum / 1e3);
	metric_set(metrics, METRIC_THREAD_LONGEST, (double)longest / 1e3);
}

static void set_metrics(struct trial *trial, const struct pass *pass)
{
	struct metrics *metrics = &trial->metrics;
	double bytes = (double)pass_bytes(pass, trial);
	double ns = (double)(pass->span.end_ns - pass->span.start_ns);
	double caller_s = (double)pass->span.usage.cpu_ns / 1e9;
	uint64_t kworker_ns;

	metric_set(metrics, METRIC_BYTES_MOVED, bytes);
	metric_set(metrics, METRIC_THROUGHPUT, bytes / GIB / (ns / 1e9));
	if (trial->mode->layout == LAYOUT_COPY) {
		metric_set(metrics, METRIC_COPY_THROUGHPUT, bytes / GIB / (ns / 1e9));
		metric_set(metrics, METRIC_COPY_ELAPSED, ns / 1e3);
	} else {
		metric_set(metrics, METRIC_CALL_LATENCY, ns / 1e3);
	}
	metric_set(metrics, METRIC_CALLER_CPU, caller_s);
	if (kworker_cpu_ns(&trial->before, &trial->after, &kworker_ns)) {
		metric_set(metrics, METRIC_KWORKER_CPU, (double)kworker_ns / 1e9);
		metric_set(metrics, METRIC_CPU_PER_GIB,
			   (caller_s + (double)kworker_ns / 1e9) / (bytes / GIB));
	}
	metric_set(metrics, METRIC_CONTEXT_SWITCHES, (double)pass->span.usage.context_switches);
	if (trial->before.has_context_switches)
		metric_set(
			metrics, METRIC_SYSTEM_CONTEXT_SWITCHES,
			(double)(trial->after.context_switches - trial->before.context_switches));
	if (trial->before.has_tlb_shootdowns)
		metric_set(metrics, METRIC_TLB_SHOOTDOWNS,
			   (double)(trial->after.tlb_shootdowns - trial->before.tlb_shootdowns));
	set_thread_metrics(&pass->team, metrics);
	breakdown_metrics(trial, ns, bytes);
}

static struct room_left room_left(const struct trial *trial)
{
	return (struct room_left){node_free_bytes(trial->source), node_free_bytes(trial->target)};
}

/* The part that the clock sees, between the readings of the counters. */
static bool run_timed(struct trial *trial, struct pass *pass)
{
	struct companion toucher = {0}, victim = {0};
	const struct options *options = trial->options;
	bool ready;

	ready = (!options->toucher || toucher_start(&toucher, trial_spare_cpu(trial, 0),
						    pass->regions[0].start, &trial->verdict)) &&
		(!options->victim || victim_start(&victim, trial_spare_cpu(trial, options->toucher),
						  &trial->verdict)) &&
		(!trial->mode->arm || trial->mode->arm(trial, pass));
	if (ready) {
		trial->free_before = room_left(trial);
		counters_read_before(&trial->before);
		companion_call_begins(&toucher);
		companion_call_begins(&victim);
		trial->mode->run(trial, pass);
		companion_call_ended(&victim);
		companion_call_ended(&toucher);
		counters_read_after(&trial->after);
		trial->free_after = room_left(trial);
		trial->counted = true;
	}
	toucher_stop(&toucher, &pass->span, &trial->metrics);
	victim_stop(&victim, &pass->span, &trial->metrics);
	return ready;
}

static void run_pass(struct trial *trial, struct pass *pass)
{
	if (!pass_create(pass, trial, trial->options->pages, &trial->verdict) ||
	    !truth_before(trial, pass))
		return;
	if (!run_timed(trial, pass))
		return;
	set_metrics(trial, pass);
	if (pass->error)
		verdict_note(&trial->verdict, STATUS_FAILED, "%s: %s", pass->call,
			     strerror(pass->error));
	truth_after(trial, pass);
	breakdown_check(trial); /* last: pages that did not move explain what was not copied */
}

/* The plain copy is a trial of its own, after the migration, with as many threads. */
static void run_copy(struct trial *trial)
{
	struct options options = *trial->options;
	struct trial copy = {0};
	double throughput = trial->metrics.of[METRIC_THROUGHPUT].value, limit;

	options.threads = trial->threads;
	options.with_copy = options.toucher = options.victim = false;
	options.source_node = trial->source;
	options.target_node = trial->target;
	unpin(); /* it chooses CPUs for its threads anew */
	if (trial_prepare(&copy, &options, mode_find("copy", NULL)))
		trial_run(&copy);
	limit = copy.metrics.of[METRIC_COPY_THROUGHPUT].value;
	if (copy.verdict.status == STATUS_OK) {
		metric_set(&trial->metrics, METRIC_COPY_THROUGHPUT, limit);
		metric_set(&trial->metrics, METRIC_COPY_ELAPSED,
			   copy.metrics.of[METRIC_COPY_ELAPSED].value);
		metric_set(&trial->metrics, METRIC_EFFICIENCY, throughput / limit);
	} else {
		verdict_note(&trial->verdict, copy.verdict.status, "the plain copy: %.400s",
			     copy.verdict.reason);
	}
	trial_free(&copy);
}

void trial_run(struct trial *trial)
{
	const char *turns_knob = trial->dialect->turns_knob;
	struct pass pass = {0};

	if (trial->mode->prepare)
		trial->mode->prepare(trial);
	if ((!turns_knob || turns_begin(turns_knob, trial->turns, &trial->verdict)) &&
	    warm_up(trial))
		run_pass(trial, &pass);
	turns_end();
	pass_free(&pass);
	if (trial->options->with_copy && trial->verdict.status == STATUS_OK &&
	    trial->mode->layout != LAYOUT_COPY)
		run_copy(trial);
}

void trial_free(struct trial *trial)
{
	counters_free(&trial->before);
	counters_free(&trial->after);
	topology_free(&trial->topology);
}
