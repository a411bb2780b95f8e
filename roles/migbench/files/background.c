// SPDX-License-Identifier: MIT
#include "background.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "memory.h"

#define BASELINE_MS  20
#define BUFFER_BYTES (1 << 20)
#define ROUND_BYTES  4096
#define STEP_BYTES   64

/* With fewer rounds during the call there is no rate. */
#define MIN_ROUNDS 20

enum phase { PHASE_BEFORE, PHASE_CALL, PHASE_AFTER };

static uint64_t own_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

static bool start(struct background *thread, int cpu, void *(*thread_main)(void *),
		  struct verdict *verdict)
{
	int error;

	if (cpu < 0)
		return verdict_set(verdict, STATUS_DISTURBED,
				   "no free CPU for the latency probe or the victim");
	thread->cpu = cpu;
	error = pthread_create(&thread->thread, NULL, thread_main, thread);
	if (error)
		return verdict_set(verdict, STATUS_FAILED, "cannot start a thread: %s",
				   strerror(error));
	thread->running = true;
	sleep_ms(BASELINE_MS);
	return true;
}

static void stop(struct background *thread)
{
	atomic_store(&thread->phase, PHASE_AFTER);
	pthread_join(thread->thread, NULL);
	thread->running = false;
}

/* A page under migration is not mapped. A read faults and waits until the page is mapped again. */
static void *latency_probe_main(void *argument)
{
	struct background *probe = argument;
	uint64_t last, faults = 0;
	int known = PHASE_BEFORE, phase;

	pin_to_cpu(probe->cpu);
	(void)*probe->page;
	last = now_ns();
	while ((phase = atomic_load_explicit(&probe->phase, memory_order_relaxed)) != PHASE_AFTER) {
		uint64_t *longest, time;

		if (phase != known) {
			faults = own_faults();
			known = phase;
			last = now_ns();
		}
		(void)*probe->page;
		time = now_ns();
		longest = phase == PHASE_CALL ? &probe->gap_ns : &probe->gap_before_ns;
		if (time - last > *longest) {
			*longest = time - last;
			probe->gap_end_ns = time;
		}
		last = time;
	}
	probe->faults = known == PHASE_CALL ? own_faults() - faults : 0;
	return NULL;
}

static void *victim_main(void *argument)
{
	struct background *victim = argument;
	const size_t words = BUFFER_BYTES / sizeof(uint64_t);
	size_t at = 0;

	pin_to_cpu(victim->cpu);
	while (atomic_load_explicit(&victim->phase, memory_order_relaxed) != PHASE_AFTER) {
		for (size_t i = 0; i < ROUND_BYTES / STEP_BYTES; i++) {
			(void)*(const volatile uint64_t *)&victim->buffer[at];
			at = (at + STEP_BYTES / sizeof(uint64_t)) % words;
		}
		atomic_fetch_add_explicit(&victim->rounds, 1, memory_order_relaxed);
	}
	return NULL;
}

bool latency_probe_start(struct background *probe, int cpu, const void *page,
			 struct verdict *verdict)
{
	probe->page = page;
	return start(probe, cpu, latency_probe_main, verdict);
}

bool victim_start(struct background *victim, int cpu, struct verdict *verdict)
{
	uint64_t rounds, begin;

	victim->buffer = buffer_alloc(BUFFER_BYTES);
	if (!victim->buffer)
		return verdict_set(verdict, STATUS_FAILED, "out of memory for the victim");
	if (!start(victim, cpu, victim_main, verdict))
		return false;
	rounds = atomic_load(&victim->rounds);
	begin = now_ns();
	sleep_ms(BASELINE_MS);
	victim->baseline_per_s = (double)(atomic_load(&victim->rounds) - rounds) * NS_PER_SECOND /
				 (double)(now_ns() - begin);
	return true;
}

void background_call_begins(struct background *thread)
{
	if (!thread->running)
		return;
	thread->rounds_in_call = -atomic_load(&thread->rounds);
	atomic_store(&thread->phase, PHASE_CALL);
}

void background_call_ended(struct background *thread)
{
	if (thread->running)
		thread->rounds_in_call += atomic_load(&thread->rounds);
}

void latency_probe_stop(struct background *probe, const struct span *call, struct metrics *metrics)
{
	if (!probe->running)
		return;
	stop(probe);
	metric_set(metrics, METRIC_LATENCY_PROBE_FAULTS, (double)probe->faults);
	metric_set(metrics, METRIC_LATENCY_PROBE_IDLE_GAP, (double)probe->gap_before_ns / 1e3);
	/* Without a fault the gaps between reads are noise. */
	if (probe->faults == 0 || probe->gap_end_ns < call->start_ns)
		return;
	metric_set(metrics, METRIC_UNAVAILABLE_WINDOW, (double)probe->gap_ns / 1e3);
	metric_set(metrics, METRIC_FIRST_PAGE_LATENCY,
		   (double)(probe->gap_end_ns - call->start_ns) / 1e3);
}

void victim_stop(struct background *victim, const struct span *call, struct metrics *metrics)
{
	double rounds = (double)victim->rounds_in_call;

	if (victim->running) {
		stop(victim);
		metric_set(metrics, METRIC_VICTIM_RATE_ALONE,
			   victim->baseline_per_s * (ROUND_BYTES / STEP_BYTES));
		if (rounds >= MIN_ROUNDS)
			metric_set(metrics, METRIC_VICTIM_SLOWDOWN,
				   victim->baseline_per_s *
					   (double)(call->end_ns - call->start_ns) /
					   (rounds * NS_PER_SECOND));
	}
	buffer_free(victim->buffer, BUFFER_BYTES);
	victim->buffer = NULL;
}
