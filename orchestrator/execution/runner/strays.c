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
#include <time.h>
#include <unistd.h>

#include "text.h"

#define PATIENCE_SECONDS 7 /* for processes that do not die, as they wait for a device */

void strays_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

struct process {
	pid_t pid, parent, group;
	char state;
};

static bool read_process(const char *name, struct process *process)
{
	char *path = format("/proc/%s/stat", name), *rest;
	struct text stat = {0};
	bool is_read = read_file(path, &stat) && (rest = strrchr(text_bytes(&stat), ')')) &&
		       sscanf(rest + 1, " %c %d %d", &process->state, &process->parent,
			      &process->group) == 3;

	process->pid = (pid_t)atol(name);
	text_free(&stat);
	free(path);
	return is_read && !strchr("ZX", process->state);
}

/* Kills each living process of a group, or child of ours if group is 0; returns how many there
 * were. */
static size_t kill_all(pid_t group)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	struct process process;
	size_t count = 0;

	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_process(entry->d_name, &process) &&
		    (group ? process.group == group : process.parent == getpid())) {
			kill(process.pid, SIGKILL);
			count++;
		}
	if (folder)
		closedir(folder);
	return count;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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
	bool found;

	/* Nearly always there is nobody, and these two cheap calls tell. */
	if (!reap() && kill(-group, 0) != 0 && !control_group_is_populated(control_group))
		return false;
	until = seconds() + PATIENCE_SECONDS;
	found = kill_all(group) > 0;
	if (control_group->path && control_group_is_populated(control_group)) {
		found = true;
		control_group_kill(control_group->path);
	}
	while (reap() && seconds() < until) {
		if (kill_all(0))
			found = true;
		signals_wait(signals, 100);
	}
	return found;
}

void strays_end_group(pid_t group)
{
	static const struct timespec pause = {.tv_nsec = 20000000};
	double until = seconds() + PATIENCE_SECONDS;

	while (kill_all(group) && seconds() < until)
		nanosleep(&pause, NULL);
}
