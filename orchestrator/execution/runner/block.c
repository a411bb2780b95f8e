// SPDX-License-Identifier: MIT
#include "block.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "claim.h"
#include "strays.h"
#include "trial.h"
#include "uptime.h"
#include "words.h"

#define FORMAT 1 /* of the journal; see host_journal.py */

static int open_group(const char *block, int flags)
{
	char *path = format("%s/group", block);
	int file = open(path, flags | O_CLOEXEC, 0666);

	free(path);
	return file;
}

char *block_clean_up(const char *base, const char *block)
{
	char *record = format("%s/settings.trial", base), *why = NULL;
	struct outcomes outcomes = {0};
	int group_file = open_group(block, O_RDWR | O_CREAT);

	if (group_file < 0) /* nothing can be written any more; it can be read */
		group_file = open_group(block, O_RDONLY);
	if (group_file >= 0) {
		child_clean_up(group_file);
		close(group_file);
	}
	settings_restore(record, &outcomes);
	if (outcomes.failures.used)
		why = copy_text(outcomes.failures.bytes);
	outcomes_free(&outcomes);
	free(record);
	return why;
}

static double epoch(void)
{
	return (double)clock_ns(CLOCK_REALTIME) / 1e9;
}

/* Which boot the lines after it belong to, and what time an uptime means. */
static bool write_begin(struct journal *journal)
{
	struct json json = {0};

	json_object(&json, NULL);
	json_string(&json, "event", "begin");
	json_integer(&json, "format", FORMAT);
	json_string(&json, "boot", boot_id());
	json_decimal(&json, "epoch", epoch(), 6);
	json_decimal(&json, "uptime", seconds_since_boot(), 6);
	json_end_object(&json);
	return journal_add(journal, &json) && journal_sync(journal);
}

static void write_end(struct journal *journal, const char *reason, const char *detail)
{
	struct json json = {0};

	json_object(&json, NULL);
	json_string(&json, "event", "end");
	json_string(&json, "reason", reason);
	json_string(&json, "detail", detail);
	json_decimal(&json, "uptime", seconds_since_boot(), 6);
	json_end_object(&json);
	if (!journal_end(journal, &json))
		fprintf(stderr, "%s: %s\n", journal->path, strerror(journal->fault));
}

/* Whether trials are to begin no more: "stop" makes a file. */
static bool is_stopped(struct host *host)
{
	char *path = format("%s/stop", host->block);

	signals_read(&host->signals);
	if (access(path, F_OK) == 0)
		host->signals.stopping = true;
	free(path);
	return host->signals.stopping;
}

/* Runs the trials that have no line yet. Returns the reason of the end. */
static const char *run_trials(struct host *host, FILE *trials)
{
	const char *reason = "complete";
	size_t size = 0;
	char *line = NULL;
	struct ids done;

	journal_trials(&host->journal, &done);
	while (getline(&line, &size, trials) > 0) {
		struct words words;
		struct trial trial;

		if (!words_read(&words, line) || !trial_read(&trial, words.word, words.count)) {
			text_print(&host->fault, "trials: a line cannot be read: %s", line);
			reason = "failed";
		} else if (!ids_contain(&done, trial.id)) {
			if (is_stopped(host))
				reason = "stopped";
			else if (!trial_run(&trial, host))
				reason = "failed";
			else if (host->signals.stopping)
				reason = "stopped";
		}
		words_free(&words);
		if (strcmp(reason, "complete") != 0)
			break;
	}
	free(line);
	ids_free(&done);
	return reason;
}

static void close_host(struct host *host)
{
	kernel_log_close(&host->kernel_log);
	if (host->journal.path)
		journal_close(&host->journal);
	outcomes_free(&host->outcomes);
	text_free(&host->fault);
	if (host->group_file >= 0)
		close(host->group_file);
	close(host->signals.file);
	free(host->record);
}

/* The group file has its size from now on, so that no trial fails because of it. */
static bool open_host(struct host *host, const char *base, const char *block)
{
	char *seen = format("%s/kernel_log.%s", block, boot_id());

	host->base = base;
	host->block = block;
	host->record = format("%s/settings.trial", base);
	kernel_log_open(&host->kernel_log, seen);
	free(seen);
	host->group_file = open_group(block, O_RDWR | O_CREAT);
	return host->group_file >= 0 && child_forget(host->group_file) &&
	       journal_open(&host->journal, block);
}

static void forget_stop(const char *block)
{
	char *stop = format("%s/stop", block);

	unlink(stop);
	free(stop);
}

/* The claim is released before the last line is written: whoever reads that may start the next
 * block. */
static void run(struct host *host, FILE *trials)
{
	const char *reason = "failed";

	strays_adopt();
	if (write_begin(&host->journal))
		reason = run_trials(host, trials);
	else
		text_print(&host->fault, "%s: %s", host->journal.path,
			   strerror(host->journal.fault));
	claim_release(host->base);
	write_end(&host->journal, reason, text_bytes(&host->fault));
}

static char *refusal(enum claim claim, const struct runner *other, const char *base)
{
	switch (claim) {
	case CLAIM_SAME_BLOCK:
		return format("this block is already running (pid %d)", (int)other->pid);
	case CLAIM_OTHER_BLOCK:
		return format("another run is active on this host (pid %d, %s)", (int)other->pid,
			      other->block);
	default:
		return format("cannot write to %s: %m", base);
	}
}

/* As the host's runner. Returns why it cannot run, allocated, or NULL when it has run. */
static char *run_claimed(const char *base, const char *block, FILE *trials,
			 void (*begun)(int code, const char *message))
{
	struct host host = {
		.group_file = -1,
		.journal.file = -1,
		.kernel_log = {-1, -1, 0},
	};
	char *why, *message = NULL;

	forget_stop(block);
	signals_open(
		&host.signals); /* whoever stops us while settings are restored waits for that */
	why = block_clean_up(base, block);
	if (why)
		message = format("cannot restore settings of an earlier trial: %s", why);
	else if (!open_host(&host, base, block))
		message = format("cannot write to %s: %m", block);
	if (message) {
		claim_release(base);
	} else {
		begun(ANSWER_OK, "");
		run(&host, trials);
	}
	close_host(&host);
	free(why);
	return message;
}

int block_run(const char *base, const char *block, void (*begun)(int code, const char *message))
{
	char *path = format("%s/trials", block), *message;
	FILE *trials = fopen(path, "re");
	struct runner other = {0};
	enum claim claim = CLAIM_FAILED;
	int code;

	if (!trials) {
		message = format("%s: cannot be read: %m", path);
	} else {
		claim = claim_host(base, block, &other);
		message = claim == CLAIM_TAKEN ? run_claimed(base, block, trials, begun)
					       : refusal(claim, &other, base);
		fclose(trials);
	}
	code = !message ? ANSWER_OK : claim == CLAIM_TAKEN ? ANSWER_FAILED : (int)claim;
	if (message)
		begun(code, message);
	runner_free(&other);
	free(message);
	free(path);
	return code;
}
