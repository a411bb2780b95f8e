/*
 * What any runner has to do at least: start a program, read what it prints, write that to a file,
 * wait until it is on disk.
 *
 *     loop COUNT JOURNAL PROGRAM
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t run(char *const argv[], char *output, size_t size)
{
	posix_spawn_file_actions_t actions;
	size_t length = 0;
	ssize_t got;
	int ends[2];
	int status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		err(1, "pipe2");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ))
		errx(1, "cannot start %s", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (length < size && (got = read(ends[0], output + length, size - length)) > 0)
		length += (size_t)got;
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "%s failed", argv[0]);
	return length;
}

int main(int argc, char *argv[])
{
	char output[4096];
	int journal;

	if (argc != 4)
		errx(2, "usage: loop COUNT JOURNAL PROGRAM");
	journal = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (journal < 0)
		err(1, "%s", argv[2]);
	for (long left = strtol(argv[1], NULL, 10); left > 0; left--) {
		size_t length = run(argv + 3, output, sizeof(output));

		if (write(journal, output, length) != (ssize_t)length || fdatasync(journal))
			err(1, "%s", argv[2]);
		if (write(STDOUT_FILENO, output, length) != (ssize_t)length)
			err(1, "stdout");
	}
	return 0;
}
