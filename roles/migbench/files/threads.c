// SPDX-License-Identifier: MIT
#include "threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "sysfs.h"
#include "topology.h"

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

int cpu_pick(const cpu_set_t *cpus, unsigned number)
{
	unsigned left = number % (unsigned)CPU_COUNT(cpus);

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, cpus) && left-- == 0)
			return cpu;
	return -1;
}

/* Affinity that the process was started with, and the CPUs of it that are not isolated. */
static cpu_set_t process_cpus, balanced_cpus;

static void read_process_cpus(void)
{
	cpu_set_t isolated;
	char text[4096];

	if (sched_getaffinity(0, sizeof(process_cpus), &process_cpus) != 0)
		CPU_ZERO(&process_cpus);
	if (!read_text("/sys/devices/system/cpu/isolated", text, sizeof(text)) ||
	    !cpu_list_parse(text, &isolated))
		CPU_ZERO(&isolated);
	/* Allowed CPUs without the isolated ones. */
	CPU_AND(&isolated, &isolated, &process_cpus);
	CPU_XOR(&balanced_cpus, &process_cpus, &isolated);
}

bool pin_to_cpu(int cpu)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	cpu_set_t set;

	pthread_once(&once, read_process_cpus);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

bool relax_affinity(int cpu)
{
	if (CPU_ISSET(cpu, &balanced_cpus) && CPU_COUNT(&balanced_cpus) > 1)
		return pin_to_cpu(cpu);
	return unpin();
}

bool unpin(void)
{
	return sched_setaffinity(0, sizeof(process_cpus), &process_cpus) == 0;
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

	pin_to_cpu(worker->cpu);
	pthread_barrier_wait(&worker->team->barrier); /* ready */
	pthread_barrier_wait(&worker->team->barrier); /* start */
	span_begin(&worker->span);
	worker->work(worker);
	span_end(&worker->span);
	return NULL;
}

bool team_create(struct team *team, unsigned count, const cpu_set_t *cpus,
		 void (*work)(struct worker *), void *data, struct verdict *verdict)
{
	team->count = count;
	team->workers = calloc(count, sizeof(*team->workers));
	if (!team->workers || pthread_barrier_init(&team->barrier, NULL, count + 1) != 0)
		return verdict_set(verdict, STATUS_FAILED, "out of memory for %u threads", count);
	for (unsigned i = 0; i < count; i++) {
		struct worker *worker = &team->workers[i];
		int error;

		*worker = (struct worker){.index = i,
					  .cpu = cpu_pick(cpus, i),
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
