// SPDX-License-Identifier: MIT
#include "threads.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static void usage_now(struct usage *usage)
{
	struct rusage rusage;

	getrusage(RUSAGE_THREAD, &rusage);
	usage->context_switches = (uint64_t)(rusage.ru_nvcsw + rusage.ru_nivcsw);
	usage->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void span_begin(struct span *span)
{
	usage_now(&span->usage);
	span->start_ns = now_ns();
}

void span_end(struct span *span)
{
	struct usage usage;

	span->end_ns = now_ns();
	usage_now(&usage);
	span->usage.cpu_ns = usage.cpu_ns - span->usage.cpu_ns;
	span->usage.context_switches = usage.context_switches - span->usage.context_switches;
}

/* Affinity that the process was started with, and the CPUs of it that are not isolated. */
static struct cpus process_cpus, balanced_cpus;

static void read_process_cpus(void)
{
	struct cpus isolated;

	cpus_allowed(&process_cpus);
	cpus_allowed(&balanced_cpus);
	cpus_read("/sys/devices/system/cpu/isolated", &isolated);
	cpus_filter(&balanced_cpus, &isolated, false);
	cpus_free(&isolated);
}

bool pin_to_cpu(int cpu)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_process_cpus);
	if (!cpus_run_on(&(struct cpus){.ids = &cpu, .count = 1}))
		return false;
	return sched_getcpu() == cpu || sched_getcpu() < 0;
}

bool relax_affinity(int cpu)
{
	if (balanced_cpus.count > 1 && cpus_contain(&balanced_cpus, cpu))
		return pin_to_cpu(cpu);
	return unpin();
}

bool unpin(void)
{
	return cpus_run_on(&process_cpus);
}

void leave_mm_cpumask(int cpu)
{
	pid_t child = fork();

	if (child == 0) {
		pin_to_cpu(cpu);
		_exit(0);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void *worker_main(void *argument)
{
	struct worker *worker = argument;

	worker->pinned = pin_to_cpu(worker->cpu);
	pthread_barrier_wait(&worker->team->barrier); /* ready */
	pthread_barrier_wait(&worker->team->barrier); /* start */
	if (worker->team->cancelled)
		return NULL;
	span_begin(&worker->span);
	worker->work(worker);
	span_end(&worker->span);
	return NULL;
}

bool team_create(struct team *team, unsigned count, const struct cpus *cpus,
		 void (*work)(struct worker *), void *data, struct verdict *verdict)
{
	*team = (struct team){.count = count};
	team->workers = calloc(count, sizeof(*team->workers));
	if (!team->workers || pthread_barrier_init(&team->barrier, NULL, count + 1) != 0)
		return verdict_set(verdict, STATUS_FAILED, "out of memory for %u threads", count);
	for (unsigned i = 0; i < count; i++) {
		struct worker *worker = &team->workers[i];
		int error;

		*worker = (struct worker){.index = i,
					  .cpu = cpus_pick(cpus, i),
					  .data = data,
					  .work = work,
					  .team = team};
		error = pthread_create(&worker->thread, NULL, worker_main, worker);
		if (error) {
			/* Threads at the barrier still use the team. They end with the process. */
			team->workers = NULL;
			return verdict_set(verdict, STATUS_FAILED,
					   "cannot start thread %u of %u: %s", i + 1, count,
					   strerror(error));
		}
	}
	pthread_barrier_wait(&team->barrier);
	for (unsigned i = 0; i < count && !team->cancelled; i++)
		if (!team->workers[i].pinned) {
			team->cancelled = true;
			verdict_note(verdict, STATUS_DISTURBED,
				     "cannot run thread %u of %u on CPU %d", i + 1, count,
				     team->workers[i].cpu);
		}
	if (team->cancelled) {
		team_run(team);
		team_free(team);
		return false;
	}
	return true;
}

struct span team_run(struct team *team)
{
	struct span all = {.start_ns = UINT64_MAX};

	pthread_barrier_wait(&team->barrier);
	for (unsigned i = 0; i < team->count; i++) {
		struct span *span = &team->workers[i].span;

		pthread_join(team->workers[i].thread, NULL);
		if (span->start_ns < all.start_ns)
			all.start_ns = span->start_ns;
		if (span->end_ns > all.end_ns)
			all.end_ns = span->end_ns;
		all.usage.cpu_ns += span->usage.cpu_ns;
		all.usage.context_switches += span->usage.context_switches;
	}
	return all;
}

void team_free(struct team *team)
{
	if (!team->workers)
		return;
	pthread_barrier_destroy(&team->barrier);
	free(team->workers);
	*team = (struct team){0};
}
