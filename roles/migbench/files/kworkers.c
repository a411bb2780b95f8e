// SPDX-License-Identifier: MIT
#include "kworkers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"

static bool add(struct kworker_times *times, struct kworker worker)
{
	if (times->count == times->size) {
		size_t size = 2 * times->size + 64;
		struct kworker *workers = realloc(times->workers, size * sizeof(*workers));

		if (!workers)
			return false;
		times->workers = workers;
		times->size = size;
	}
	times->workers[times->count++] = worker;
	return true;
}

/* Includes the threads that emulate a DMA engine. */
static bool is_kworker(const char *name)
{
	return strncmp(name, "kworker/", 8) == 0 || strncmp(name, "softdma/", 8) == 0;
}

/* The first number of schedstat is the time on a CPU in nanoseconds. */
static bool read_kworker(const char *pid, struct kworker *worker)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	if (!read_text(path, text, sizeof(text)) || !is_kworker(text))
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/schedstat", pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	worker->pid = (pid_t)atol(pid);
	worker->cpu_ns = strtoull(text, NULL, 10);
	return true;
}

struct kworker_times *kworkers_read(void)
{
	struct kworker_times *times = calloc(1, sizeof(*times));
	struct kworker worker;
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc || !times) {
		free(times);
		if (proc)
			closedir(proc);
		return NULL;
	}
	while (times && (entry = readdir(proc))) {
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    !read_kworker(entry->d_name, &worker) || add(times, worker))
			continue;
		kworkers_free(times); /* no partial sums */
		times = NULL;
	}
	closedir(proc);
	return times;
}

void kworkers_free(struct kworker_times *times)
{
	if (times)
		free(times->workers);
	free(times);
}

/* /proc lists processes by ascending pid, so both tables are sorted. */
uint64_t kworkers_used_ns(const struct kworker_times *before, const struct kworker_times *after)
{
	uint64_t used = 0;
	size_t i = 0;

	for (size_t j = 0; j < after->count; j++) {
		const struct kworker *now = &after->workers[j];

		while (i < before->count && before->workers[i].pid < now->pid)
			i++;
		used += now->cpu_ns;
		if (i < before->count && before->workers[i].pid == now->pid)
			used -= before->workers[i].cpu_ns;
	}
	return used;
}
