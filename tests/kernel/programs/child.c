// SPDX-License-Identifier: MIT
#include "child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "require.h"

static int read_fd = -1, write_fd = -1;

struct child child_start(void (*act)(void *data), void *data)
{
	struct child child;
	int down[2], up[2];
	char byte;

	MUST(pipe(down) == 0 && pipe(up) == 0);
	fflush(NULL);
	child.pid = fork();
	MUST(child.pid >= 0);
	if (child.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(down[1]);
		close(up[0]);
		read_fd = down[0];
		write_fd = up[1];
		child_wait();
		act(data);
		_exit(0);
	}
	close(down[0]);
	close(up[1]);
	child.to = down[1];
	child.from = up[0];
	MUST(read(child.from, &byte, 1) == 1);
	return child;
}

void child_wait(void)
{
	char byte = 0;

	MUST(write(write_fd, &byte, 1) == 1);
	if (read(read_fd, &byte, 1) != 1)
		_exit(1);
}

void child_step(struct child *child)
{
	char byte = 0;

	MUST(write(child->to, &byte, 1) == 1);
	MUST(read(child->from, &byte, 1) >= 0);
}

void child_end(struct child *child)
{
	int status;

	close(child->to);
	MUST(waitpid(child->pid, &status, 0) == child->pid);
	close(child->from);
	REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child exited with status %#x",
		(unsigned)status);
}
