// SPDX-License-Identifier: MIT
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Fields of proc(5): behind the name, which may have any bytes, state, parent and group are the
 * first, user and system time the 12th and 13th, the start is the 20th. */
static bool process_read(const char *proc, const char *name, struct process *process)
{
	char *path = format("%s/%s/stat", proc, name), state, *open, *rest;
	struct text stat = {0};
	uint64_t user, system;
	bool is_read = read_file(path, &stat) && (open = strchr(text_bytes(&stat), '(')) &&
		       (rest = strrchr(open, ')')) &&
		       sscanf(rest + 1,
			      " %c %d %d %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64
			      " %*s %*s %*s %*s %*s %*s %llu",
			      &state, &process->parent, &process->group, &user, &system,
			      &process->start) == 6;

	if (is_read) {
		process->pid = (pid_t)atol(name);
		process->ticks = user + system;
		snprintf(process->command, sizeof(process->command), "%.*s", (int)(rest - open - 1),
			 open + 1);
	}
	text_free(&stat);
	free(path);
	return is_read && !strchr("ZX", state);
}

void processes_each(const char *proc, void (*take)(const struct process *process, void *context),
		    void *context)
{
	DIR *folder = opendir(proc);
	struct dirent *entry;
	struct process process;

	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_read(proc, entry->d_name, &process))
			take(&process, context);
	if (folder)
		closedir(folder);
}
