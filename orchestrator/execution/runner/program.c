// SPDX-License-Identifier: MIT
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* output: a descriptor, or -1 for /dev/null. Our signals are not the program's. */
static int spawn(char *const command[], int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int fault;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (output < 0)
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	else
		posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	fault = posix_spawnp(pid, command[0], &actions, &attributes, command, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return fault;
}

static int wait_for(pid_t pid)
{
	int status = 127 << 8;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int program_run(char *const command[])
{
	pid_t pid;

	return spawn(command, -1, &pid) == 0 ? wait_for(pid) : 127;
}

int program_output(char *const command[], struct text *output)
{
	char buffer[4096];
	int pipe_ends[2];
	ssize_t count;
	pid_t pid;

	if (pipe2(pipe_ends, O_CLOEXEC) != 0)
		return 127;
	if (spawn(command, pipe_ends[1], &pid) != 0)
		pid = -1;
	close(pipe_ends[1]);
	while ((count = read(pipe_ends[0], buffer, sizeof(buffer))) > 0 ||
	       (count < 0 && errno == EINTR))
		if (count > 0)
			text_add(output, buffer, (size_t)count);
	close(pipe_ends[0]);
	return pid < 0 ? 127 : wait_for(pid);
}
