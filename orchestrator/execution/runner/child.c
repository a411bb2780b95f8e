// SPDX-License-Identifier: MIT
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "identity.h"
#include "strays.h"

#define OUT_LIMIT (96 << 10) /* bytes that are kept */
#define ERR_LIMIT (16 << 10)
#define GROUP_LINE \
	1024 /* bytes of the group file, always: a file that keeps its size is cheap to write */

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

static void say(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
}

/* Who it is: the next runner of the block ends it if this one dies. */
static void write_group(int file, const char *control_group)
{
	char *identity = identity_of(getpid());
	char line[GROUP_LINE + 1];

	snprintf(line, sizeof(line), "%s %s", identity ? identity : "",
		 control_group ? control_group : "");
	memset(line + strlen(line), ' ', sizeof(line) - strlen(line));
	line[GROUP_LINE - 1] = '\n';
	if (pwrite(file, line, GROUP_LINE, 0) != GROUP_LINE)
		say("group"); /* if the runner dies, nobody will know of this program */
	free(identity);
}

bool child_forget(int group_file)
{
	char line[GROUP_LINE];

	memset(line, ' ', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	return pwrite(group_file, line, sizeof(line), 0) == (ssize_t)sizeof(line);
}

/* The new process, until it is the program. */
__attribute__((noreturn)) static void become(const struct child *child,
					     const struct program *program)
{
	int input = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setsid();
	write_group(program->group_file, child->group.path);
	dup2(input, STDIN_FILENO);
	dup2(child->out.its_file, STDOUT_FILENO);
	dup2(child->err.its_file, STDERR_FILENO);
	signals_default();
	if (chdir(program->folder) != 0) {
		say(program->folder);
		_exit(126);
	}
	execvp(program->argv[0], program->argv);
	say(program->argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

/* fork(2), the new process in the group from its first instruction on: to move it there later costs
 * milliseconds. */
static pid_t fork_into(struct control_group *group)
{
	struct clone_args arguments = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)group->folder,
	};
	long pid = -1;

	if (group->folder >= 0)
		pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	if (pid < 0) {
		control_group_remove(group); /* a kernel before 5.7, or a filter of system calls */
		pid = fork();
	}
	return (pid_t)pid;
}

static void set_timer(int timer, double seconds)
{
	struct itimerspec time = {.it_value.tv_sec = (time_t)seconds};

	time.it_value.tv_nsec = (long)((seconds - (double)time.it_value.tv_sec) * 1e9);
	if (!time.it_value.tv_sec && !time.it_value.tv_nsec)
		time.it_value.tv_nsec = 1; /* zero is never */
	timerfd_settime(timer, 0, &time, NULL);
}

/* A process that has not called setsid(2) yet has no group of its own. */
static void signal_group(pid_t pid, int number)
{
	if (kill(-pid, number) != 0)
		kill(pid, number);
}

static void take_usage(struct child *child, const struct rusage *used)
{
	child->usage = (struct usage){
		.user = (double)used->ru_utime.tv_sec + (double)used->ru_utime.tv_usec / 1e6,
		.system = (double)used->ru_stime.tv_sec + (double)used->ru_stime.tv_usec / 1e6,
		.memory_peak = (int64_t)used->ru_maxrss * 1024, /* KiB: getrusage(2) */
		.processes_peak = -1,
	};
}

/* Waits for others too: they are ours since their parent has ended. */
static bool has_ended(struct child *child)
{
	struct rusage used;
	pid_t pid;
	int status;

	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0)
		if (pid == child->pid) {
			clock_gettime(CLOCK_BOOTTIME, &child->end);
			child->status = status;
			take_usage(child, &used);
			return true;
		}
	return false;
}

static void read_output(struct pollfd *poll, struct output *output)
{
	if (poll->revents && !output_read(output))
		poll->fd = -1;
}

static void wait_for(struct child *child, double limit, struct signals *signals)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct pollfd polls[] = {
		{signals->file, POLLIN, 0},
		{timer, POLLIN, 0},
		{child->out.file, POLLIN, 0},
		{child->err.file, POLLIN, 0},
	};
	bool ending = false;

	set_timer(timer, limit);
	while (!has_ended(child)) {
		uint64_t expired = 0;

		if (poll(polls, 4, -1) < 0)
			continue;
		signals_read(signals);
		if (polls[1].revents && read(timer, &expired, sizeof(expired)) > 0 && ending) {
			signal_group(child->pid, SIGKILL);
		} else if ((expired || signals->stopping) && !ending) {
			ending = true;
			child->timed_out = expired && !signals->stopping;
			child->stopped = signals->stopping;
			signal_group(child->pid, SIGTERM);
			set_timer(timer, GRACE_SECONDS);
		}
		read_output(&polls[2], &child->out);
		read_output(&polls[3], &child->err);
	}
	close(timer);
}

bool child_prepare(struct child *child)
{
	control_group_make(&child->group);
	return output_open(&child->out, OUT_LIMIT) && output_open(&child->err, ERR_LIMIT);
}

static void close_its_ends(struct child *child)
{
	close(child->out.its_file);
	close(child->err.its_file);
	child->out.its_file = child->err.its_file = -1;
}

bool child_run(struct child *child, const struct program *program, struct signals *signals)
{
	clock_gettime(CLOCK_BOOTTIME, &child->start);
	child->pid = fork_into(&child->group);
	if (child->pid == 0)
		become(child, program);
	if (child->pid < 0)
		return false;
	close_its_ends(child);
	wait_for(child, program->limit, signals);
	return true;
}

void child_finish(struct child *child, struct signals *signals)
{
	child->strays = strays_end(child->pid, &child->group, signals);
	control_group_usage(&child->group, &child->usage);
	control_group_remove(&child->group);
	output_read(&child->out);
	output_read(&child->err);
	output_close(&child->out);
	output_close(&child->err);
}

void child_free(struct child *child)
{
	control_group_remove(&child->group);
	output_free(&child->out);
	output_free(&child->err);
}

void child_clean_up(int group_file)
{
	char line[GROUP_LINE + 1] = "", boot[64] = "", path[GROUP_LINE] = "", *identity, *now;
	long pid = 0;
	unsigned long long start = 0;

	if (pread(group_file, line, GROUP_LINE, 0) <= 0 ||
	    sscanf(line, "%ld %llu %63s %1023s", &pid, &start, boot, path) < 3 ||
	    strcmp(boot, boot_id()) != 0)
		return;
	if (path[0] == '/')
		control_group_kill(path);
	/* A group outlives its leader; a leader of another birth means that the number was given
	 * away again. */
	identity = format("%ld %llu %s", pid, start, boot);
	now = identity_of((pid_t)pid);
	if (pid > 1 && (!now || strcmp(now, identity) == 0))
		strays_end_group((pid_t)pid);
	free(identity);
	free(now);
	if (path[0] == '/') {
		struct control_group group = {copy_text(path), -1};

		strays_wait_for_group(&group);
		control_group_remove(&group);
	}
	child_forget(group_file);
}
