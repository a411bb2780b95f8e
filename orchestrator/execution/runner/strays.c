// SPDX-License-Identifier: MIT
#include "strays.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "process.h"
#include "snapshot.h"
#include "text.h"

#define PATIENCE_SECONDS 7 /* for processes that do not die, as they wait for a device */

/* Children that are not of a trial: those that the runner has from whoever became it, and those
 * that could not be ended, as they are another user's, or wait for a device. Each trial would be
 * charged with them. */
static struct process *known;
static size_t known_count;

static bool is_known(const struct process *process)
{
	for (size_t i = 0; i < known_count; i++)
		if (known[i].pid == process->pid && known[i].start == process->start)
			return true;
	return false;
}

struct search {
	pid_t group;
	void (*take)(const struct process *process);
	size_t count;
};

static void take_if_meant(const struct process *process, void *context)
{
	struct search *search = context;

	if ((search->group ? process->group == search->group : process->parent == getpid()) &&
	    !is_known(process)) {
		search->take(process);
		search->count++;
	}
}

/* Calls take with each living process of a group, or child of ours if group is 0; returns how many
 * there were. */
static size_t each_process(pid_t group, void (*take)(const struct process *process))
{
	struct search search = {.group = group, .take = take};

	processes_each(HOST_PLACES.proc, take_if_meant, &search);
	return search.count;
}

static void end(const struct process *process)
{
	kill(process->pid, SIGKILL);
}

static void remember(const struct process *process)
{
	known = allocate(known, (known_count + 1) * sizeof(*known));
	known[known_count++] = *process;
}

void strays_adopt(void)
{
	each_process(0, remember);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static double seconds(void)
{
	return (double)clock_ns(CLOCK_MONOTONIC) / 1e9;
}

/* Waits for those that have ended; returns whether we have children still. */
static bool reap(void)
{
	pid_t pid;

	do {
		pid = waitpid(-1, NULL, WNOHANG);
	} while (pid > 0);
	return pid == 0 || errno != ECHILD;
}

bool strays_end(pid_t group, const struct control_group *control_group, struct signals *signals)
{
	double until;
	bool found = false;

	/* Nearly always there is nobody, and these cheap calls tell. */
	if (!reap() && kill(-group, 0) != 0 && !control_group_is_populated(control_group))
		return false;
	until = seconds() + PATIENCE_SECONDS;
	if (control_group_is_populated(control_group)) {
		found = true;
		control_group_kill(control_group->path);
	}
	/* All that the trial has left is ours: it has lost its parent. */
	while (reap() && each_process(0, end)) {
		found = true;
		if (seconds() > until) {
			each_process(0, remember);
			break;
		}
		signals_wait(signals, 100);
	}
	return found;
}

#define PAUSE_MS 20

void strays_end_group(pid_t group)
{
	double until = seconds() + PATIENCE_SECONDS;

	while (each_process(group, end) && seconds() < until)
		sleep_ms(PAUSE_MS);
}

void strays_wait_for_group(const struct control_group *group)
{
	double until = seconds() + PATIENCE_SECONDS;

	while (control_group_is_populated(group) && seconds() < until)
		sleep_ms(PAUSE_MS);
}
