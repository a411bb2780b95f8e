// SPDX-License-Identifier: MIT
#include "busiest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define TICKS_PER_SECOND 100 /* of /proc/PID/stat: USER_HZ, proc(5) */
#define MOST		 5
#define LEAST_CPUS	 0.01

static void add(const struct process *process, void *context)
{
	struct busiest *list = context;

	if (process->pid == getpid())
		return;
	if (list->count == list->size) {
		list->size = list->size ? 2 * list->size : 256;
		list->process = allocate(list->process, list->size * sizeof(*list->process));
	}
	list->process[list->count++] = *process;
}

void busiest_begin(struct busiest *busiest, const char *proc, double now)
{
	busiest->since = now;
	processes_each(proc, add, busiest);
}

void busiest_free(struct busiest *busiest)
{
	free(busiest->process);
	*busiest = (struct busiest){0};
}

static int by_identity(const void *one, const void *other)
{
	const struct process *left = one, *right = other;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return (left->start > right->start) - (left->start < right->start);
}

static int by_ticks(const void *one, const void *other)
{
	const struct process *left = one, *right = other;

	if (left->ticks != right->ticks)
		return left->ticks > right->ticks ? -1 : 1;
	return by_identity(one, other);
}

/* Those of a process that began later are all of this time. */
static void subtract(struct busiest *now, const struct busiest *before)
{
	qsort(before->process, before->count, sizeof(*before->process), by_identity);
	for (size_t i = 0; i < now->count; i++) {
		const struct process *old =
			bsearch(&now->process[i], before->process, before->count,
				sizeof(*before->process), by_identity);

		if (old)
			now->process[i].ticks -= old->ticks;
	}
}

void busiest_tell(const struct busiest *busiest, const char *proc, double now, struct json *json)
{
	struct busiest list = {0};
	double ticks = (now - busiest->since) * TICKS_PER_SECOND;

	if (busiest->count && ticks > 0) {
		processes_each(proc, add, &list);
		subtract(&list, busiest);
		if (list.count)
			qsort(list.process, list.count, sizeof(*list.process), by_ticks);
	}
	json_array(json, "busy");
	for (size_t i = 0; i < list.count && i < MOST; i++) {
		double cpus = (double)list.process[i].ticks / ticks;
		struct text command = {0};

		if (cpus < LEAST_CPUS)
			break;
		text_clean(&command, list.process[i].command, strlen(list.process[i].command));
		json_object(json, NULL);
		json_string(json, "command", text_bytes(&command));
		json_integer(json, "pid", list.process[i].pid);
		json_decimal(json, "cpus", cpus, 2);
		json_end_object(json);
		text_free(&command);
	}
	json_end_array(json);
	busiest_free(&list);
}
