// SPDX-License-Identifier: MIT
#include <pthread.h>

#include "checks.h"
#include "counters.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "require.h"

struct plugger {
	const char *cpus; /* "2,3" */
	bool stop;
	unsigned long cycles;
};

static void set_online(const char *cpu, const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%s/online", cpu);
	file_write(path, value);
}

static void for_each_cpu(const char *cpus, const char *value)
{
	char list[64];

	snprintf(list, sizeof(list), "%s", cpus);
	for (char *cpu = strtok(list, ","); cpu; cpu = strtok(NULL, ","))
		set_online(cpu, value);
}

static void *plug_cpus(void *argument)
{
	struct plugger *plugger = argument;

	while (!__atomic_load_n(&plugger->stop, __ATOMIC_RELAXED)) {
		for_each_cpu(plugger->cpus, "0");
		for_each_cpu(plugger->cpus, "1");
		__atomic_fetch_add(&plugger->cycles, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

void check_hotplug(const struct job *job)
{
	struct region region = region_create(job->kind, job->pages, job->from, 1);
	struct plugger plugger = {.cpus = job->cpus};
	struct counters before;
	unsigned moves = 0;
	pthread_t thread;

	counters_read(&before);
	MUST(pthread_create(&thread, NULL, plug_cpus, &plugger) == 0);
	while (__atomic_load_n(&plugger.cycles, __ATOMIC_RELAXED) < job->rounds) {
		move_all_of(&region, job->to, job);
		region_check(&region, 1);
		move_all_of(&region, job->from, job);
		region_check(&region, 1);
		moves += 2;
	}
	__atomic_store_n(&plugger.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("cycles=%lu moves=%u", plugger.cycles, moves);
	counters_print_since(&before);
	region_free(&region);
}
