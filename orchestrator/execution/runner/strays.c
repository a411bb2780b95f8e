// SPDX-License-Identifier: MIT
#include "strays.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

#define PATIENCE_SECONDS 7 /* for processes that do not die, as they wait for a device */

struct process {
	pid_t pid, parent, group;
	char state;
	unsigned long long start;
};

/* Children that are not of a trial: those that the runner has from whoever became it, and those
 * that could not be ended, as they are another user's, or wait for a device. Each trial would be
 * charged with them. */
static struct process *known;
static size_t known_count;

/* Fields of proc(5): state, parent and group are the first behind the name, the start is the 20th.
 */
static bool read_process(const char *name, struct process *process)
{
	char *path = format("/proc/%s/stat", name), *rest;
	struct text stat = {0};
	bool is_read =
		read_file(path, &stat) && (rest = strrchr(text_bytes(&stat), ')')) &&
		sscanf(rest + 1,
		       " %c %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		       "%*s %*s %llu",
		       &process->state, &process->parent, &process->group, &process->start) == 4;

	process->pid = (pid_t)atol(name);
	text_free(&stat);
	free(path);
	return is_read && !strchr("ZX", process->state);
}

static bool is_known(const struct process *process)
{
	for (size_t i = 0; i < known_count; i++)
		if (known[i].pid == process->pid && known[i].start == process->start)
			return true;
	return false;
}

/* Calls take with each living process of a group, or child of ours if group is 0; returns how many
 * there were. */
static size_t each_process(pid_t group, void (*take)(const struct process *process))
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	struct process process;
	size_t count = 0;

	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_process(entry->d_name, &process) &&
		    (group ? process.group == group : process.parent == getpid()) &&
		    !is_known(&process)) {
			take(&process);
			count++;
		}
	if (folder)
		closedir(folder);
	return count;
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
