// SPDX-License-Identifier: MIT
/*
 * Copies a journal to stdout as it grows, whole lines only, a few times a second at most: each time
 * costs the host what a shell and sshd do for it, and disturbs a trial that runs. The line that a
 * trial starts is sent at once, with the end of the one before, so that nothing happens later in a
 * trial that takes its time. It ends with its input, and with the runner that writes the journal.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "identity.h"
#include "journal.h"
#include "text.h"
#include "verbs.h"

#define INTERVAL_MS 50	  /* between two times */
#define POLL_MS	    200	  /* between two looks at a file that cannot be watched */
#define ALIVE_MS    2000  /* between two looks at a runner that cannot be watched */
#define MOST	    65536 /* bytes that are read, and sent, at once */

struct follower {
	int journal, watch; /* watch: -1 if the kernel cannot tell of changes */
	int process; /* of the runner: -1 if the kernel cannot tell of its end (before 5.3) */
	struct runner runner; /* pid 0: nobody writes the journal that is known */
	off_t offset;	      /* in the journal, of what was not sent */
	struct text text;     /* from there, as far as it was read */
	size_t whole;	      /* bytes of it in whole lines */
	long since, sent;     /* when there was a whole line first; when lines were sent last */
};

static long now_ms(void)
{
	return (long)(clock_ns(CLOCK_MONOTONIC) / 1000000);
}

/* False with errno. */
static bool open_journal(struct follower *follower, const char *block)
{
	char *path = format("%s/journal.jsonl", block);

	follower->journal = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0666);
	if (follower->journal < 0) {
		perror(path);
	} else {
		follower->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (follower->watch >= 0 &&
		    inotify_add_watch(follower->watch, path, IN_MODIFY) < 0) {
			close(follower->watch);
			follower->watch = -1;
		}
	}
	free(path);
	return follower->journal >= 0;
}

/* Whether the runner of the block is alive, if one is known. */
static bool find_runner(struct follower *follower, const char *block)
{
	char *path = format("%s/runner", block);
	bool is_known = runner_read(&follower->runner, path);

	free(path);
	if (is_known)
		follower->process = runner_open(&follower->runner);
	return !is_known || runner_is_alive(&follower->runner);
}

static size_t whole_lines(const struct text *text)
{
	size_t end = text->used;

	while (end && text->bytes[end - 1] != '\n')
		end--;
	return end;
}

/* A journal that was replaced by a shorter one is sent from its start. */
static void find_start(struct follower *follower)
{
	struct stat status;

	if (fstat(follower->journal, &status) == 0 && status.st_size < follower->offset)
		follower->offset = 0;
}

/* Reads what was not sent, at least a line if there is one. What was read before is read again: a
 * runner that could not write a whole line takes it back. */
static void look(struct follower *follower)
{
	size_t before = follower->whole;
	char bytes[MOST];
	ssize_t count;

	find_start(follower);
	text_clear(&follower->text);
	do {
		count = pread(follower->journal, bytes, sizeof(bytes),
			      follower->offset + (off_t)follower->text.used);
		text_add(&follower->text, bytes, count > 0 ? (size_t)count : 0);
		follower->whole = whole_lines(&follower->text);
	} while (count == sizeof(bytes) && !follower->whole);
	if (!before)
		follower->since = now_ms();
}

static bool trial_starts(const struct follower *follower)
{
	static const char start[] = "{\"event\":\"start\"";
	size_t line = follower->whole - 1;

	while (line && follower->text.bytes[line - 1] != '\n')
		line--;
	return follower->whole - line >= sizeof(start) &&
	       memcmp(follower->text.bytes + line, start, sizeof(start) - 1) == 0;
}

/* Milliseconds until the whole lines are to be sent. */
static int time_left(const struct follower *follower)
{
	long from = trial_starts(follower) ? follower->sent : follower->since;
	long left = from + INTERVAL_MS - now_ms();

	return left > 0 && follower->text.used < MOST ? (int)left : 0;
}

static bool send_lines(struct follower *follower)
{
	if (!write_all(STDOUT_FILENO, follower->text.bytes, follower->whole))
		return false;
	follower->offset += (off_t)follower->whole;
	follower->whole = 0;
	follower->sent = now_ms();
	return true;
}

/* Waits for more of the journal, or for a time (-1: none). Whether stdin is still open, and the
 * runner alive. */
static bool wait_for_more(const struct follower *follower, int limit)
{
	char bytes[4096];
	/* Nothing is to be seen before the time is over, if it is that of a trial that starts. */
	bool is_start = follower->whole && trial_starts(follower);
	struct pollfd ends[] = {
		{STDIN_FILENO, POLLIN, 0},
		{follower->process, POLLIN, 0},
		{is_start ? -1 : follower->watch, POLLIN, 0},
	};

	if (follower->watch < 0 && limit < 0)
		limit = POLL_MS;
	if (follower->runner.pid && follower->process < 0 && limit < 0)
		limit = ALIVE_MS;
	if (poll(ends, sizeof(ends) / sizeof(*ends), limit) < 0)
		return errno == EINTR;
	if (ends[2].revents && read(follower->watch, bytes, sizeof(bytes)) < 0 && errno != EAGAIN)
		return false;
	if (ends[1].revents ||
	    (follower->runner.pid && follower->process < 0 && !runner_is_alive(&follower->runner)))
		return false;
	return !ends[0].revents || read(STDIN_FILENO, bytes, sizeof(bytes)) > 0;
}

int follow(int count, char **words)
{
	struct follower follower = {.watch = -1, .process = -1};
	bool goes_on = open_journal(&follower, words[0]);
	int code = goes_on ? EXIT_SUCCESS : EXIT_FAILURE;

	(void)count;
	goes_on = goes_on && find_runner(&follower, words[0]);
	while (goes_on) {
		int limit = -1;

		look(&follower);
		if (follower.whole)
			limit = time_left(&follower);
		if (limit != 0)
			goes_on = wait_for_more(&follower, limit);
		else if (!send_lines(&follower))
			break;
	}
	while (code == EXIT_SUCCESS && (look(&follower), follower.whole))
		code = send_lines(&follower) ? EXIT_SUCCESS : EXIT_FAILURE;
	text_free(&follower.text);
	runner_free(&follower.runner);
	return code;
}
