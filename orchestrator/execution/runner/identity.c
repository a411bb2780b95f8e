// SPDX-License-Identifier: MIT
#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

const char *boot_id(void)
{
	static struct text id;

	if (!id.used) {
		read_file("/proc/sys/kernel/random/boot_id", &id);
		strip_line_ends(&id);
	}
	return text_bytes(&id);
}

/* The command name, in brackets, may contain anything; of the fields behind it the first is the
 * state, and the 20th the start: proc(5). */
char *identity_of(pid_t pid)
{
	char *path = format("/proc/%d/stat", (int)pid), *identity = NULL, *field;
	struct text stat = {0};

	if (read_file(path, &stat) && (field = strrchr(text_bytes(&stat), ')')) && field[1]) {
		bool is_zombie = field[2] == 'Z' || field[2] == 'X';

		for (int i = 0; i < 20 && field; i++)
			field = strchr(field + 1, ' ');
		if (field && !is_zombie)
			identity = format("%d %.*s %s", (int)pid, (int)strcspn(field + 1, " "),
					  field + 1, boot_id());
	}
	text_free(&stat);
	free(path);
	return identity;
}

bool runner_read(struct runner *runner, const char *path)
{
	struct text text = {0};
	char *line[3] = {"", "", ""}, *rest;
	bool found = read_file(path, &text) && text.used;

	rest = text.bytes;
	for (int i = 0; i < 3 && found && rest; i++)
		line[i] = strsep(&rest, "\n");
	*runner = (struct runner){
		.pid = (pid_t)atol(line[0]),
		.identity = copy_text(line[0]),
		.base = copy_text(line[1]),
		.block = copy_text(line[2]),
	};
	text_free(&text);
	return found;
}

bool runner_is_alive(const struct runner *runner)
{
	char *identity = runner->pid > 0 ? identity_of(runner->pid) : NULL;
	bool is_alive = identity && strcmp(identity, runner->identity) == 0;

	free(identity);
	return is_alive;
}

void runner_free(struct runner *runner)
{
	free(runner->identity);
	free(runner->base);
	free(runner->block);
	*runner = (struct runner){0};
}

int runner_open(const struct runner *runner)
{
	int process = (int)syscall(SYS_pidfd_open, runner->pid, 0);

	if (process >= 0 &&
	    !runner_is_alive(runner)) { /* the number was given away before it was opened */
		close(process);
		process = -1;
	}
	return process;
}
