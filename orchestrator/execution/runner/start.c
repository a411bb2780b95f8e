// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "block.h"
#include "text.h"
#include "verbs.h"

/* Where "start" and "run" give their answer; -1: it was given, and nobody waits. */
static int answer_file = STDERR_FILENO;

static void answer(int code, const char *message)
{
	char *line = answer_file == STDERR_FILENO ? format("%s\n", message)
						  : format("%d\n%s\n", code, message);

	if (code || answer_file != STDERR_FILENO)
		write_all(answer_file, line, strlen(line));
	free(line);
	if (answer_file != STDERR_FILENO)
		close(answer_file);
}

static char *absolute(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return real;
}

/* What a trial finds in its environment, and nothing else. */
static void clean_environment(const char *clock)
{
	const char *home = getenv("HOME"), *path = getenv("PATH");
	char *kept_home = copy_text(home ? home : "/"),
	     *kept_path = copy_text(path ? path : "/usr/sbin:/usr/bin:/sbin:/bin");

	clearenv();
	setenv("HOME", kept_home, 1);
	setenv("PATH", kept_path, 1);
	setenv("LC_ALL", "C", 1);
	setenv("LANG", "C", 1);
	setenv("ORCHESTRATE_CLOCK", clock, 1);
	free(kept_home);
	free(kept_path);
}

/* close_range(2) is of Linux 5.9; a session over SSH has no more descriptors than these. */
static void close_from(int first)
{
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	for (int file = first; file < 256; file++)
		close(file);
}

struct folders {
	char *base, *block; /* absolute */
};

static void free_folders(struct folders *folders)
{
	free(folders->base);
	free(folders->block);
}

static bool find_folders(char **words, struct folders *folders)
{
	if (!make_folder(words[0])) {
		fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
		return false;
	}
	*folders = (struct folders){absolute(words[0]), absolute(words[1])};
	if (folders->base && folders->block)
		return true;
	free_folders(folders);
	return false;
}

int run(int count, char **words)
{
	struct folders folders;
	int code;

	if (!find_folders(words, &folders))
		return EXIT_FAILURE;
	clean_environment(count > 2 ? words[2] : "wall");
	close_from(3);
	code = block_run(folders.base, folders.block, answer);
	free_folders(&folders);
	return code;
}

/* In the background: a session of its own, no terminal, and answers on descriptor 3. */
static int run_detached(const struct folders *folders, int answers)
{
	char *log = format("%s/runner.log", folders->block);
	int output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);

	setsid();
	answer_file = 3;
	dup2(answers, answer_file);
	fcntl(answer_file, F_SETFD, FD_CLOEXEC);
	if (output < 0) {
		char *message = format("%s: %m", log);

		answer(ANSWER_FAILED, message);
		free(message);
		free(log);
		return EXIT_FAILURE;
	}
	free(log);
	dup2(output, STDERR_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	close_from(4);
	return block_run(folders->base, folders->block, answer);
}

static int read_answer(int file)
{
	struct text text = {0};
	char buffer[4096], *message;
	ssize_t count;
	int code;

	while ((count = read(file, buffer, sizeof(buffer))) > 0 || (count < 0 && errno == EINTR))
		if (count > 0)
			text_add(&text, buffer, (size_t)count);
	if (!text.used)
		text_print(&text, "%d\nthe runner ended before its first trial\n", EXIT_FAILURE);
	code = atoi(text.bytes);
	message = strchr(text.bytes, '\n') + 1;
	if (code)
		fputs(message, stderr);
	text_free(&text);
	return code;
}

int start(int count, char **words)
{
	struct folders folders;
	int answers[2], code = EXIT_FAILURE;
	pid_t pid;

	if (!find_folders(words, &folders))
		return EXIT_FAILURE;
	clean_environment(count > 2 ? words[2] : "wall");
	signal(SIGHUP, SIG_IGN);
	pid = pipe2(answers, O_CLOEXEC) == 0 ? fork() : -1;
	if (pid == 0) {
		code = run_detached(&folders, answers[1]);
	} else if (pid > 0) {
		close(answers[1]);
		code = read_answer(answers[0]);
	} else {
		perror("cannot start a process");
	}
	free_folders(&folders);
	return code;
}
