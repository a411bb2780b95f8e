// SPDX-License-Identifier: MIT
#include "trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "child.h"
#include "settle.h"
#include "snapshot.h"
#include "uptime.h"

enum { ID, LIMIT, TAG, FOLDER, SETTLE, COUNT, FIELDS };

#define SETTING_WORDS 3

/* What becomes of a trial. */
struct result {
	bool ran;
	struct wait wait;
	char *refused;	      /* why it was not run */
	struct text settings; /* objects, a line each */
	struct json busy;     /* who used the CPUs, if they were not idle before it */
	struct json activity; /* counters and noise */
	struct child child;
};

bool trial_read(struct trial *trial, char **words, size_t count)
{
	if (count <= FIELDS)
		return false;
	*trial = (struct trial){
		.id = words[ID],
		.limit = strtod(words[LIMIT], NULL),
		.tag = words[TAG],
		.folder = words[FOLDER],
		.settle = strtod(words[SETTLE], NULL),
		.settings_count = strtoul(words[COUNT], NULL, 10),
		.settings = words + FIELDS,
	};
	if (trial->settings_count >= (count - FIELDS) / SETTING_WORDS + 1 ||
	    FIELDS + SETTING_WORDS * trial->settings_count >= count)
		return false;
	trial->argv = trial->settings + SETTING_WORDS * trial->settings_count;
	return true;
}

static double seconds_of(const struct timespec *time)
{
	return (double)time->tv_sec + (double)time->tv_nsec / 1e9;
}

static bool write_start(const struct trial *trial, struct host *host)
{
	struct json json = {0};

	json_object(&json, NULL);
	json_string(&json, "event", "start");
	json_string(&json, "trial", trial->id);
	json_decimal(&json, "uptime", seconds_since_boot(), 6);
	json_end_object(&json);
	return journal_add(&host->journal, &json) && journal_sync(&host->journal);
}

static void execute(const struct trial *trial, struct host *host, struct result *result)
{
	const struct program program = {
		.argv = trial->argv,
		.folder = trial->folder,
		.limit = trial->limit,
		.group_file = host->group_file,
	};
	struct snapshot before;

	if (!child_prepare(&result->child)) {
		result->refused = format("cannot make a pipe: %m");
		return;
	}
	snapshot_take(&before, &HOST_PLACES);
	result->ran = child_run(&result->child, &program, &host->signals);
	if (result->ran) {
		snapshot_compare(&before, &result->activity);
		child_finish(&result->child, &host->signals);
		child_forget(host->group_file);
	} else {
		result->refused = format("cannot start a process: %m");
	}
	snapshot_free(&before);
}

static void end_block(struct host *host, const char *why)
{
	text_print(&host->fault, "%s%s", host->fault.used ? "; " : "", why);
}

struct waiting {
	const struct trial *trial;
	struct host *host;
};

/* Whoever follows the journal may be looking at a host that is never idle. If it cannot be written,
 * neither can the line of the trial. */
static void write_waiting(const struct wait *wait, void *context)
{
	const struct waiting *waiting = context;
	struct json json = {0};

	json_object(&json, NULL);
	json_string(&json, "event", "waiting");
	json_string(&json, "trial", waiting->trial->id);
	json_decimal(&json, "waited", wait->waited, 2);
	json_decimal(&json, "limit", waiting->trial->settle, 2);
	busiest_tell(&wait->busiest, HOST_PLACES.proc, seconds_since_boot(), &json);
	json_end_object(&json);
	journal_add(&waiting->host->journal, &json);
	journal_sync(&waiting->host->journal);
}

static void try(const struct trial *trial, struct host *host, struct result *result)
{
	struct stat status;

	settings_apply(host->record, trial->settings, trial->settings_count, &host->outcomes);
	text_add(&result->settings, text_bytes(&host->outcomes.objects),
		 host->outcomes.objects.used);
	if (host->outcomes.unrecorded) {
		end_block(host, host->outcomes.failures.bytes);
	} else if (host->outcomes.failures.used) {
		result->refused = format("setting %s", host->outcomes.failures.bytes);
	} else if (stat(trial->folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
		result->refused = format("%s: No such file or directory", trial->folder);
	} else {
		struct waiting waiting = {trial, host};

		settle(trial->settle, &result->wait, &host->signals, write_waiting, &waiting);
		if (!result->wait.settled)
			busiest_tell(&result->wait.busiest, HOST_PLACES.proc, seconds_since_boot(),
				     &result->busy);
		if (!host->signals.stopping)
			execute(trial, host, result);
	}
}

static void tell_ending(const struct result *result, struct json *json)
{
	int status = result->child.status;

	if (result->ran && WIFEXITED(status))
		json_integer(json, "exit", WEXITSTATUS(status));
	else
		json_null(json, "exit");
	if (result->ran && WIFSIGNALED(status))
		json_integer(json, "signal", WTERMSIG(status));
	else
		json_null(json, "signal");
}

static void tell_time(const struct result *result, struct json *json)
{
	if (result->ran) {
		json_decimal(json, "start", seconds_of(&result->child.start), 6);
		json_decimal(json, "end", seconds_of(&result->child.end), 6);
	} else {
		json_null(json, "start");
		json_null(json, "end");
	}
}

static void tell_settings(const struct result *result, struct json *json)
{
	const char *line, *end;

	json_array(json, "settings");
	for (line = text_bytes(&result->settings); (end = strchr(line, '\n')); line = end + 1) {
		char *object = format("%.*s", (int)(end - line), line);

		json_raw(json, NULL, object);
		free(object);
	}
	json_end_array(json);
}

static void tell_number(struct json *json, const char *key, int64_t number)
{
	if (number < 0)
		json_null(json, key);
	else
		json_integer(json, key, number);
}

static void tell_usage(const struct result *result, struct json *json)
{
	const struct usage *usage = &result->child.usage;

	if (!result->ran) {
		json_null(json, "usage");
		return;
	}
	json_object(json, "usage");
	json_string(json, "of", usage->of_group ? "cgroup" : "waited");
	json_decimal(json, "user", usage->user, 6);
	json_decimal(json, "system", usage->system, 6);
	tell_number(json, "memory_peak", usage->memory_peak);
	tell_number(json, "processes_peak", usage->processes_peak);
	json_end_object(json);
}

static void tell_output(const struct result *result, const struct output *output, struct json *json,
			const char *key)
{
	struct text kept = {0}, clean = {0};
	char *cut_key = format("%s_cut", key);
	bool is_cut = result->ran && output_kept(output, &kept);

	text_clean(&clean, text_bytes(&kept), kept.used);
	json_string(json, key, text_bytes(&clean));
	json_bool(json, cut_key, is_cut);
	text_free(&kept);
	text_free(&clean);
	free(cut_key);
}

static bool write_line(const struct trial *trial, struct host *host, struct result *result)
{
	struct json json = {0};

	json_object(&json, NULL);
	json_string(&json, "event", "trial");
	json_string(&json, "trial", trial->id);
	json_raw(&json, "tag", trial->tag);
	tell_ending(result, &json);
	json_bool(&json, "timed_out", result->child.timed_out);
	json_string(&json, "refused", result->refused ? result->refused : "");
	tell_time(result, &json);
	json_bool(&json, "settled", result->wait.settled);
	json_decimal(&json, "waited", result->wait.waited, 2);
	if (!result->wait.settled)
		json_raw(&json, NULL, result->busy.text);
	json_bool(&json, "strays", result->child.strays);
	tell_settings(result, &json);
	json_raw(&json, NULL,
		 result->ran ? result->activity.text : "\"counters\":{},\"noise\":null");
	tell_usage(result, &json);
	kernel_log_tell(&host->kernel_log, &json);
	tell_output(result, &result->child.out, &json, "stdout");
	tell_output(result, &result->child.err, &json, "stderr");
	json_end_object(&json);
	return journal_add(&host->journal, &json);
}

static void result_free(struct result *result)
{
	free(result->refused);
	busiest_free(&result->wait.busiest);
	free(result->busy.text);
	free(result->activity.text);
	text_free(&result->settings);
	child_free(&result->child);
}

/* A trial that ended by itself just before the runner was stopped counts. */
static bool was_stopped(const struct result *result, const struct host *host)
{
	if (!host->signals.stopping)
		return false;
	return result->ran ? result->child.stopped : !result->refused;
}

bool trial_run(const struct trial *trial, struct host *host)
{
	struct result result = {
		.wait.settled = true,
		.child = {.out.file = -1,
			  .out.its_file = -1,
			  .err.file = -1,
			  .err.its_file = -1,
			  .group.folder = -1},
	};
	bool is_written = write_start(trial, host);

	if (is_written) {
		try(trial, host, &result);
		settings_restore(host->record, &host->outcomes);
		if (!host->fault.used && !was_stopped(&result, host))
			is_written = write_line(trial, host, &result);
		if (host->outcomes.failures.used)
			end_block(host, host->outcomes.failures.bytes);
		result_free(&result);
	}
	if (!is_written) {
		char *why = format("%s: %s", host->journal.path, strerror(host->journal.fault));

		end_block(host, why);
		free(why);
	}
	return !host->fault.used;
}
