// SPDX-License-Identifier: MIT
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#define MAX_HOGS 16

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void run_on(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static pid_t start_hog(unsigned cpu, bool real_time)
{
	struct sched_param param = {.sched_priority = 50};
	pid_t pid = fork();

	MUST(pid >= 0);
	if (pid > 0)
		return pid;
	run_on(cpu);
	if (real_time)
		MUST(sched_setscheduler(0, SCHED_FIFO, &param) == 0);
	for (;;)
		continue;
}

static uint64_t time_of_move(const struct job *job, unsigned mode)
{
	struct job changed = *job;
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	uint64_t start;

	changed.mode = mode;
	start = now();
	move_all_of(&region, job->to, &changed);
	start = now() - start;
	region_free(&region);
	return start;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

/*
 * Times of moves, serial ones and ones of the job's mode in turns, while an endless loop runs on
 * each of the CPUs given, as an ordinary process or, with share=fifo, a real-time one. Prints both
 * medians in ns.
 */
void check_busy(const struct job *job)
{
	uint64_t *plain = calloc(job->rounds, sizeof(*plain));
	uint64_t *other = calloc(job->rounds, sizeof(*other));
	pid_t hogs[MAX_HOGS];
	unsigned count = 0;
	char *cpus = strdup(job->cpus);

	MUST(plain && other && cpus);
	run_on(0);
	for (char *cpu = strtok(cpus, ","); cpu; cpu = strtok(NULL, ",")) {
		REQUIRE(count < MAX_HOGS, "at most %d hogs", MAX_HOGS);
		hogs[count++] = start_hog((unsigned)atoi(cpu), strcmp(job->share, "fifo") == 0);
	}
	usleep(300000);
	for (unsigned round = 0; round < job->rounds; round++) {
		plain[round] = time_of_move(job, 0);
		other[round] = time_of_move(job, job->mode);
	}
	for (unsigned i = 0; i < count; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
	qsort(plain, job->rounds, sizeof(*plain), compare);
	qsort(other, job->rounds, sizeof(*other), compare);
	printf("plain=%lu other=%lu", (unsigned long)plain[job->rounds / 2],
	       (unsigned long)other[job->rounds / 2]);
	free(plain);
	free(other);
	free(cpus);
}
