// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "block.h"
#include "identity.h"
#include "journal.h"
#include "text.h"
#include "verbs.h"

#define STOP_SECONDS 60 /* the grace of a trial, and settings that take their time */

/* Ends a runner and its trial; waits until it is gone, by a pidfd (Linux 5.3) or by asking. */
static bool end_runner(const struct runner *runner)
{
	static const struct timespec pause = {.tv_nsec = 50000000};
	struct pollfd process = {runner_open(runner), POLLIN, 0};

	if (process.fd >= 0) {
		syscall(SYS_pidfd_send_signal, process.fd, SIGTERM, NULL, 0);
		poll(&process, 1, STOP_SECONDS * 1000);
		close(process.fd);
	} else if (runner_is_alive(runner)) {
		kill(runner->pid, SIGTERM);
		for (int i = 0; i < STOP_SECONDS * 20 && runner_is_alive(runner); i++)
			nanosleep(&pause, NULL);
	}
	if (!runner_is_alive(runner))
		return true;
	fprintf(stderr, "timed out: the runner (pid %d) is still running\n", (int)runner->pid);
	return false;
}

static bool mark_stopped(const char *block)
{
	char *path = format("%s/stop", block);
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (file < 0)
		perror(path);
	else
		close(file);
	free(path);
	return file >= 0;
}

/* What lies below BASE belongs to another block if one runs. */
static bool clean_up_dead(const struct runner *dead, const char *block)
{
	char *running = format("%s/running", dead->base), *why = NULL;
	struct runner other;

	runner_read(&other, running);
	if (*dead->base && !runner_is_alive(&other))
		why = block_clean_up(dead->base, block);
	if (why)
		fprintf(stderr, "cannot restore settings: %s\n", why);
	runner_free(&other);
	free(running);
	free(why);
	return !why;
}

static bool read_runner(const char *folder, const char *name, struct runner *runner)
{
	char *path = format("%s/%s", folder, name);

	runner_read(runner, path);
	free(path);
	return runner_is_alive(runner);
}

int stop(int count, char **words)
{
	const char *block = words[0];
	struct runner runner;
	bool is_done;

	if (count > 1 && strcmp(words[1], "now") != 0)
		return EXIT_USAGE;
	if (!read_runner(block, "runner", &runner)) {
		is_done = clean_up_dead(&runner, block);
	} else {
		is_done = mark_stopped(block);
		/* It restores its settings before it ends, unless something else has ended it. */
		if (count > 1)
			is_done = end_runner(&runner) && clean_up_dead(&runner, block);
	}
	runner_free(&runner);
	return is_done ? EXIT_SUCCESS : EXIT_FAILURE;
}

int status(int count, char **words)
{
	static const char *const reasons[] = {"complete", "stopped", "failed"};
	const char *status = "dead"; /* no last word */
	struct runner runner;
	char *line;

	(void)count;
	if (read_runner(words[0], "runner", &runner)) {
		status = "running";
	} else {
		line = journal_last_line(words[0]);
		if (!*line)
			status = "new";
		for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
			char *end = format("{\"event\":\"end\",\"reason\":\"%s\"", reasons[i]);

			if (strncmp(line, end, strlen(end)) == 0)
				status = reasons[i];
			free(end);
		}
		free(line);
	}
	puts(status);
	runner_free(&runner);
	return EXIT_SUCCESS;
}

int who(int count, char **words)
{
	struct runner runner;

	(void)count;
	if (read_runner(words[0], "running", &runner))
		printf("%d\n%s\n", (int)runner.pid, runner.block);
	runner_free(&runner);
	return EXIT_SUCCESS;
}
