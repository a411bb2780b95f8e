// SPDX-License-Identifier: MIT
#include "trial.h"

#include <sched.h>
#include <string.h>

#include "background.h"
#include "breakdown.h"
#include "clock.h"
#include "places.h"
#include "size.h"
#include "take_turns.h"
#include "threads.h"

/* After the warm-up, wait until the CPUs that it woke are idle again. Otherwise their ticks would
 * interrupt the timed call, and RCU grace periods in it would have to wait for each of them. */
#define IDLE_MS 40

/* The warm-up pass: the same code path with a few pages. */
static bool warm_up(struct trial *trial)
{
	struct pass pass;
	bool done;

	if (trial->options->warmup_pages == 0)
		return true;
	done = pass_create(&pass, trial, trial->options->warmup_pages, &trial->verdict) &&
	       (!trial->mode->setup || trial->mode->setup(trial, &pass));
	if (done)
		trial->mode->run(trial, &pass);
	pass_free(&pass);
	sleep_ms(IDLE_MS);
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

/* Only of a call that moved all pages. Others have no throughput, latency or bytes moved. */
static void set_rates(struct trial *trial, double bytes, double ns)
{
	struct metrics *metrics = &trial->metrics;

	metric_set(metrics, METRIC_BYTES_MOVED, bytes);
	metric_set(metrics, METRIC_THROUGHPUT, bytes / GIB / (ns / 1e9));
	if (trial->mode->layout == LAYOUT_COPY) {
		metric_set(metrics, METRIC_COPY_THROUGHPUT, bytes / GIB / (ns / 1e9));
		metric_set(metrics, METRIC_COPY_ELAPSED, ns / 1e3);
	} else {
		metric_set(metrics, METRIC_CALL_LATENCY, ns / 1e3);
	}
	if (metrics->of[METRIC_KWORKER_CPU].measured)
		metric_set(metrics, METRIC_CPU_PER_GIB,
			   (metrics->of[METRIC_CALLER_CPU].value +
			    metrics->of[METRIC_KWORKER_CPU].value) /
				   (bytes / GIB));
}

static void set_metrics(struct trial *trial, const struct pass *pass)
{
	struct metrics *metrics = &trial->metrics;
	double bytes = (double)pass_bytes(pass, trial);
	double ns = (double)(pass->span.end_ns - pass->span.start_ns);
	uint64_t kworker_ns;

	metric_set(metrics, METRIC_CALLER_CPU, (double)pass->span.usage.cpu_ns / 1e9);
	if (kworker_cpu_ns(&trial->before, &trial->after, &kworker_ns))
		metric_set(metrics, METRIC_KWORKER_CPU, (double)kworker_ns / 1e9);
	metric_set(metrics, METRIC_CONTEXT_SWITCHES, (double)pass->span.usage.context_switches);
	if (trial->before.has_context_switches)
		metric_set(
			metrics, METRIC_SYSTEM_CONTEXT_SWITCHES,
			(double)(trial->after.context_switches - trial->before.context_switches));
	if (trial->before.has_tlb_shootdowns)
		metric_set(metrics, METRIC_TLB_SHOOTDOWNS,
			   (double)(trial->after.tlb_shootdowns - trial->before.tlb_shootdowns));
	set_thread_metrics(&pass->team, metrics);
	breakdown_metrics(trial);
	if (pass->error || !verification_all_moved(&trial->verification))
		return;
	set_rates(trial, bytes, ns);
	breakdown_modelled(trial, ns, bytes);
}

static struct free_bytes read_free_bytes(const struct trial *trial)
{
	return (struct free_bytes){node_free_bytes(trial->source), node_free_bytes(trial->target)};
}

/* The CPU of the call as it was. Threads of the program are pinned each. */
static void check_caller(struct trial *trial)
{
	int cpu = sched_getcpu();

	if (cpu < 0 || trial->mode->user_threads)
		return;
	trial->caller_cpu = cpu;
	if (!cpus_contain(trial->cpus, cpu))
		verdict_note(&trial->verdict, STATUS_DISTURBED,
			     "the call ended on CPU %d, which is not one of its node", cpu);
}

/* The timed region between two reads of the counters. */
static bool run_timed(struct trial *trial, struct pass *pass)
{
	struct background probe = {0}, victim = {0};
	const struct options *options = trial->options;
	bool ready;

	ready = (!options->latency_probe ||
		 latency_probe_start(&probe, trial_spare_cpu(trial, 0), pass->regions[0].start,
				     &trial->verdict)) &&
		(!options->victim ||
		 victim_start(&victim, trial_spare_cpu(trial, options->latency_probe),
			      &trial->verdict)) &&
		(!trial->mode->setup || trial->mode->setup(trial, pass));
	if (ready) {
		trial->free_before = read_free_bytes(trial);
		counters_read_before(&trial->before);
		background_call_begins(&probe);
		background_call_begins(&victim);
		trial->mode->run(trial, pass);
		background_call_ended(&victim);
		background_call_ended(&probe);
		check_caller(trial);
		counters_read_at_once(&trial->after);
		places_query_at_once(trial, pass);
		counters_read_after(&trial->after);
		trial->free_after = read_free_bytes(trial);
		trial->counted = true;
	}
	latency_probe_stop(&probe, &pass->span, &trial->metrics);
	victim_stop(&victim, &pass->span, &trial->metrics);
	return ready;
}

static void run_pass(struct trial *trial, struct pass *pass)
{
	if (!pass_create(pass, trial, trial->options->pages, &trial->verdict) ||
	    !verify_before(trial, pass))
		return;
	if (!run_timed(trial, pass))
		return;
	if (pass->error)
		verdict_note(&trial->verdict, STATUS_FAILED, "%s: %s", pass->call,
			     strerror(pass->error));
	verify_after(trial, pass);
	set_metrics(trial, pass);
	breakdown_check(trial); /* last, because failed pages are the more precise reason */
}

/* The memcpy is a separate trial after the migration, with the same number of threads. */
static void run_copy(struct trial *trial)
{
	struct options options = *trial->options;
	struct trial copy = {0};
	double throughput = trial->metrics.of[METRIC_THROUGHPUT].value, limit;

	options.threads = trial->threads;
	options.with_copy = options.latency_probe = options.victim = false;
	options.source_node = trial->source;
	options.target_node = trial->target;
	unpin(); /* CPUs are chosen again for the threads of the copy */
	if (trial_prepare(&copy, &options, mode_find("copy", NULL)))
		trial_run(&copy);
	limit = copy.metrics.of[METRIC_COPY_THROUGHPUT].value;
	if (copy.verdict.status == STATUS_OK) {
		metric_set(&trial->metrics, METRIC_COPY_THROUGHPUT, limit);
		metric_set(&trial->metrics, METRIC_COPY_ELAPSED,
			   copy.metrics.of[METRIC_COPY_ELAPSED].value);
		metric_set(&trial->metrics, METRIC_EFFICIENCY, throughput / limit);
	} else {
		verdict_note(&trial->verdict, copy.verdict.status, "--with-copy: %.400s",
			     copy.verdict.reason);
	}
	trial_free(&copy);
}

void trial_run(struct trial *trial)
{
	const char *take_turns_knob = trial->dialect->take_turns_knob;
	struct pass pass = {0};

	if (trial->mode->prepare)
		trial->mode->prepare(trial);
	if ((!take_turns_knob ||
	     take_turns_set(take_turns_knob, trial->take_turns, &trial->verdict)) &&
	    warm_up(trial))
		run_pass(trial, &pass);
	take_turns_restore();
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
