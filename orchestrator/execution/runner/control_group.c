// SPDX-License-Identifier: MIT
#include "control_group.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "text.h"

#define ROOT "/sys/fs/cgroup"

/* A path for a group of its own, allocated; NULL if there can be none. Ours is a line "0::/PATH":
 * cgroups(7). */
static char *new_path(void)
{
	static unsigned int number;
	struct text groups = {0};
	char *path = NULL, *own;

	if (access(ROOT "/cgroup.controllers", F_OK) == 0 &&
	    read_file("/proc/self/cgroup", &groups) && (own = strstr(groups.bytes, "0::/"))) {
		own[strcspn(own, "\n")] = '\0';
		own += strlen("0::");
		path = format(ROOT "%s/orchestrate-%d-%u", strcmp(own, "/") == 0 ? "" : own,
			      (int)getpid(), ++number);
	}
	text_free(&groups);
	return path;
}

void control_group_make(struct control_group *group)
{
	*group = (struct control_group){new_path(), -1};
	if (!group->path)
		return;
	if (mkdir(group->path, 0755) == 0)
		group->folder = open(group->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group->folder < 0)
		control_group_remove(group);
}

static bool read_from(const char *folder, const char *name, struct text *text)
{
	char *path = format("%s/%s", folder, name);
	bool is_read = read_file(path, text);

	free(path);
	return is_read;
}

/* Kernels before 5.14 have no cgroup.kill: there each process is ended, until none is left that
 * started another. */
static void kill_each(const char *folder)
{
	for (int round = 0; round < 10; round++) {
		struct text processes = {0};
		char *rest, *line;

		if (!read_from(folder, "cgroup.procs", &processes) || !processes.used)
			round = 10;
		rest = processes.bytes;
		while (rest && (line = strsep(&rest, "\n")) && *line)
			kill((pid_t)atol(line), SIGKILL);
		text_free(&processes);
	}
}

/* A program may make groups below its own: they are ended and removed with it. */
static void each_below(const char *path, void (*call)(const char *path))
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
			char *below = format("%s/%s", path, entry->d_name);

			call(below);
			free(below);
		}
	if (folder)
		closedir(folder);
}

void control_group_kill(const char *path)
{
	char *name = format("%s/cgroup.kill", path);
	int file = open(name, O_WRONLY | O_CLOEXEC);

	if (file < 0 || !write_all(file, "1", 1)) {
		each_below(path, control_group_kill);
		kill_each(path);
	}
	if (file >= 0)
		close(file);
	free(name);
}

static int64_t find_number(const char *folder, const char *file, const char *key)
{
	struct text text = {0};
	const char *found;
	int64_t number = -1;

	if (read_from(folder, file, &text) && (found = strstr(text_bytes(&text), key)))
		number = strtoll(found + strlen(key), NULL, 10);
	text_free(&text);
	return number;
}

bool control_group_is_populated(const struct control_group *group)
{
	return group->path && find_number(group->path, "cgroup.events", "populated ") == 1;
}

void control_group_usage(const struct control_group *group, struct usage *usage)
{
	int64_t user, system, peak;

	if (!group->path)
		return;
	user = find_number(group->path, "cpu.stat", "user_usec ");
	system = find_number(group->path, "cpu.stat", "system_usec ");
	if (user < 0 || system < 0)
		return;
	usage->of_group = true;
	usage->user = (double)user / 1e6;
	usage->system = (double)system / 1e6;
	usage->processes_peak = find_number(group->path, "pids.peak", "");
	peak = find_number(group->path, "memory.peak", "");
	if (peak >= 0)
		usage->memory_peak = peak;
}

static void remove_at(const char *path)
{
	each_below(path, remove_at);
	rmdir(path);
}

void control_group_remove(struct control_group *group)
{
	if (group->folder >= 0)
		close(group->folder);
	if (group->path)
		remove_at(group->path);
	free(group->path);
	*group = (struct control_group){NULL, -1};
}
