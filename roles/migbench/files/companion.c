// SPDX-License-Identifier: MIT
#include "companion.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "memory.h"

#define ALONE_MS     20
#define BUFFER_BYTES (1 << 20)
#define ROUND_BYTES  4096
#define STEP_BYTES   64

/* Fewer rounds than this during the call say nothing about a rate. */
#define LEAST_ROUNDS 20

enum phase { PHASE_BEFORE, PHASE_CALL, PHASE_AFTER };

static uint64_t own_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

static bool start(struct companion *companion, int cpu, void *(*thread_main)(void *),
		  struct verdict *verdict)
{
	int error;

	if (cpu < 0)
		return verdict_set(verdict, STATUS_DISTURBED,
				   "no CPU is left for the toucher or the victim");
	companion->cpu = cpu;
	error = pthread_create(&companion->thread, NULL, thread_main, companion);
	if (error)
		return verdict_set(verdict, STATUS_FAILED, "cannot start a thread: %s",
				   strerror(error));
	companion->running = true;
	sleep_ms(ALONE_MS);
	return true;
}

static void stop(struct companion *companion)
{
	atomic_store(&companion->phase, PHASE_AFTER);
	pthread_join(companion->thread, NULL);
	companion->running = false;
}

/* A page under migration is not mapped: a read of it faults and waits until it is. */
static void *toucher_main(void *argument)
{
	struct companion *toucher = argument;
	uint64_t last, faults = 0;
	int known = PHASE_BEFORE, phase;

	pin_to_cpu(toucher->cpu);
	(void)*toucher->page;
	last = now_ns();
	while ((phase = atomic_load_explicit(&toucher->phase, memory_order_relaxed)) !=
	       PHASE_AFTER) {
		uint64_t *longest, time;

		if (phase != known) {
			faults = own_faults();
			known = phase;
			last = now_ns();
		}
		(void)*toucher->page;
		time = now_ns();
		longest = phase == PHASE_CALL ? &toucher->gap_ns : &toucher->gap_before_ns;
		if (time - last > *longest) {
			*longest = time - last;
			toucher->gap_end_ns = time;
		}
		last = time;
	}
	toucher->faults = known == PHASE_CALL ? own_faults() - faults : 0;
	return NULL;
}

static void *victim_main(void *argument)
{
	struct companion *victim = argument;
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

bool toucher_start(struct companion *toucher, int cpu, const void *page, struct verdict *verdict)
{
	toucher->page = page;
	return start(toucher, cpu, toucher_main, verdict);
}

bool victim_start(struct companion *victim, int cpu, struct verdict *verdict)
{
	uint64_t rounds, begin;

	victim->buffer = buffer_alloc(BUFFER_BYTES);
	if (!victim->buffer)
		return verdict_set(verdict, STATUS_FAILED, "no memory for the victim");
	if (!start(victim, cpu, victim_main, verdict))
		return false;
	rounds = atomic_load(&victim->rounds);
	begin = now_ns();
	sleep_ms(ALONE_MS);
	victim->alone_per_s = (double)(atomic_load(&victim->rounds) - rounds) * NS_PER_SECOND /
			      (double)(now_ns() - begin);
	return true;
}

void companion_call_begins(struct companion *companion)
{
	if (!companion->running)
		return;
	companion->rounds_in_call = -atomic_load(&companion->rounds);
	atomic_store(&companion->phase, PHASE_CALL);
}

void companion_call_ended(struct companion *companion)
{
	if (companion->running)
		companion->rounds_in_call += atomic_load(&companion->rounds);
}

void toucher_stop(struct companion *toucher, const struct span *call, struct metrics *metrics)
{
	if (!toucher->running)
		return;
	stop(toucher);
	metric_set(metrics, METRIC_TOUCHER_FAULTS, (double)toucher->faults);
	metric_set(metrics, METRIC_TOUCHER_GAP_BEFORE, (double)toucher->gap_before_ns / 1e3);
	/* Without a fault the page was never found away: its gaps are noise. */
	if (toucher->faults == 0 || toucher->gap_end_ns < call->start_ns)
		return;
	metric_set(metrics, METRIC_UNAVAILABLE_WINDOW, (double)toucher->gap_ns / 1e3);
	metric_set(metrics, METRIC_FIRST_PAGE_LATENCY,
		   (double)(toucher->gap_end_ns - call->start_ns) / 1e3);
}

void victim_stop(struct companion *victim, const struct span *call, struct metrics *metrics)
{
	double rounds = (double)victim->rounds_in_call;

	if (victim->running) {
		stop(victim);
		metric_set(metrics, METRIC_VICTIM_RATE_ALONE,
			   victim->alone_per_s * (ROUND_BYTES / STEP_BYTES));
		if (rounds >= LEAST_ROUNDS)
			metric_set(metrics, METRIC_VICTIM_SLOWDOWN,
				   victim->alone_per_s * (double)(call->end_ns - call->start_ns) /
					   (rounds * NS_PER_SECOND));
	}
	buffer_free(victim->buffer, BUFFER_BYTES);
	victim->buffer = NULL;
}
