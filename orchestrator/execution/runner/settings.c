// SPDX-License-Identifier: MIT
#include "settings.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "json.h"
#include "record.h"
#include "series_names.h"
#include "setting_value.h"

#define FAILURES_LIMIT 1000 /* bytes after which no more failures are told */

struct setting {
	char *path, *before, *requested;
	bool is_optional, acts, is_renamed;
};

struct plan {
	struct setting *setting;
	size_t count;
	struct text record;
};

void outcomes_clear(struct outcomes *outcomes)
{
	text_clear(&outcomes->objects);
	text_clear(&outcomes->failures);
	outcomes->unrecorded = false;
}

void outcomes_free(struct outcomes *outcomes)
{
	text_free(&outcomes->objects);
	text_free(&outcomes->failures);
}

/* Tells of a record what cannot be done with it, why (errno), and what follows. */
static void fail(struct outcomes *outcomes, const char *record, const char *what, const char *then)
{
	const char *why = errno == EBADMSG ? "invalid line" : strerror(errno);

	text_print(&outcomes->failures, "%s%s: cannot %s the record: %s%s",
		   outcomes->failures.used ? "; " : "", record, what, why, then);
	outcomes->unrecorded = true;
}

static bool is_failure(const char *verdict)
{
	return strcmp(verdict, "refused") == 0 || strcmp(verdict, "clamped") == 0 ||
	       strcmp(verdict, "missing") == 0 || strcmp(verdict, "drifted") == 0 ||
	       strcmp(verdict, "conflicting") == 0;
}

/* Returns whether the requested value is set, or need not be. */
static bool report(struct outcomes *outcomes, const char *path, const char *before,
		   const char *requested, const char *actual, const char *verdict)
{
	struct json json = {0};
	struct text *failures = &outcomes->failures;

	json_object(&json, NULL);
	json_string(&json, "path", path);
	json_string(&json, "before", before);
	json_string(&json, "asked", requested);
	json_string(&json, "found", actual);
	json_string(&json, "verdict", verdict);
	json_end_object(&json);
	text_print(&outcomes->objects, "%s\n", json.text);
	free(json.text);
	if (!is_failure(verdict))
		return true;
	if (failures->used > FAILURES_LIMIT)
		return false;
	text_print(failures, "%s%s: ", failures->used ? "; " : "", path);
	if (strcmp(verdict, "missing") == 0 && *path == '/')
		text_print(failures, "No such file or directory (requested '%s')", requested);
	else
		text_print(failures, "%s, requested '%s', actual '%s'", verdict, requested, actual);
	return false;
}

static void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->setting[i].path);
		free(plan->setting[i].before);
		free(plan->setting[i].requested);
	}
	free(plan->setting);
	text_free(&plan->record);
}

static void plan_add(struct plan *plan, const char *path, const char *before, const char *requested,
		     bool is_optional, bool acts, bool is_renamed)
{
	plan->setting = allocate(plan->setting, (plan->count + 1) * sizeof(*plan->setting));
	plan->setting[plan->count++] = (struct setting){
		.path = copy_text(path),
		.before = copy_text(before),
		.requested = copy_text(requested),
		.is_optional = is_optional,
		.acts = acts,
		.is_renamed = is_renamed,
	};
}

/* One file under its two names, with two values: the first one would be lost. The same name twice
 * is not looked at, for wildcards may overlap. */
static const struct setting *conflicting(const struct plan *plan, const char *path,
					 const char *requested, bool is_renamed)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->setting[i].is_renamed != is_renamed &&
		    strcmp(plan->setting[i].path, path) == 0 &&
		    !setting_same(plan->setting[i].requested, requested))
			return &plan->setting[i];
	return NULL;
}

static void record_setting(struct text *record, const char *path, const char *before,
			   const char *requested)
{
	text_print(record, "%s ", boot_id());
	quote_word(record, path);
	text_print(record, " ");
	quote_word(record, before);
	text_print(record, " ");
	quote_word(record, requested);
	text_print(record, "\n");
}

/* kind: required, optional or off. is_renamed: whether it was asked for by its name as a sysctl. */
static void plan_file(struct plan *plan, const char *path, const char *requested, const char *kind,
		      bool is_renamed, struct outcomes *outcomes)
{
	const struct setting *other = conflicting(plan, path, requested, is_renamed);
	bool is_optional = strcmp(kind, "optional") == 0;
	struct text value = {0};

	if (other) {
		report(outcomes, path, other->requested, requested, other->requested,
		       "conflicting");
	} else if (!setting_exists(path)) {
		if (strcmp(kind, "required") == 0)
			report(outcomes, path, "", requested, "", "missing");
	} else if (setting_acts(path)) {
		plan_add(plan, path, "", requested, is_optional, true, is_renamed);
	} else if (!setting_read(path, &value)) { /* so it could not be restored */
		report(outcomes, path, "", requested, "", "refused");
	} else {
		plan_add(plan, path, text_bytes(&value), requested, is_optional, false, is_renamed);
		record_setting(&plan->record, path, text_bytes(&value), requested);
	}
	text_free(&value);
}

static void plan_setting(struct plan *plan, const char *path, const char *requested,
			 const char *kind, struct outcomes *outcomes)
{
	/* One file of all that a wildcard means may have a value of its own. */
	bool is_renamed = to_series(&path, &requested) && !strchr(path, '*');
	glob_t found;

	if (path[0] != '/' || glob(path, GLOB_NOESCAPE, NULL, &found) != 0) {
		plan_file(plan, path, requested, kind, is_renamed, outcomes);
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		plan_file(plan, found.gl_pathv[i], requested, kind, is_renamed, outcomes);
	globfree(&found);
}

static void plan_settings(struct plan *plan, char *const *words, size_t count,
			  struct outcomes *outcomes)
{
	outcomes_clear(outcomes);
	for (size_t i = 0; i < count; i++)
		plan_setting(plan, words[3 * i], words[3 * i + 1], words[3 * i + 2], outcomes);
}

static void write_to_acting(const struct setting *setting, struct outcomes *outcomes)
{
	const char *verdict = "written";

	if (!setting_write(setting->path, setting->requested))
		verdict = setting->is_optional ? "kept" : "refused";
	report(outcomes, setting->path, "", setting->requested, "", verdict);
}

static const char *verdict_of(const struct setting *setting, const char *actual)
{
	bool was_set = setting_same(setting->before, setting->requested);

	if (setting_same(actual, setting->requested))
		return was_set ? "unchanged" : "changed";
	if (setting_same(actual, setting->before))
		return setting->is_optional ? "kept" : "refused";
	return "clamped";
}

static bool change(const struct setting *setting, struct outcomes *outcomes)
{
	struct text value = {0};
	bool was_set = setting_same(setting->before, setting->requested), is_set;

	if (!was_set)
		setting_write(setting->path, setting->requested);
	setting_read(setting->path, &value);
	if (was_set && !setting_same(text_bytes(&value), setting->requested)) {
		/* An earlier line of the same list has changed it. */
		setting_write(setting->path, setting->requested);
		setting_read(setting->path, &value);
	}
	is_set = report(outcomes, setting->path, setting->before, setting->requested,
			text_bytes(&value), verdict_of(setting, text_bytes(&value)));
	text_free(&value);
	return is_set;
}

void settings_apply(const char *record, char *const *words, size_t count, struct outcomes *outcomes)
{
	struct plan plan = {0};

	plan_settings(&plan, words, count, outcomes);
	if (plan.record.used && !record_append(record, &plan.record)) {
		text_clear(&outcomes->failures);
		fail(outcomes, record, "write", "; nothing was changed");
		plan_free(&plan);
		return;
	}
	for (size_t i = 0; i < plan.count; i++) {
		if (plan.setting[i].acts)
			write_to_acting(&plan.setting[i], outcomes);
		else
			change(&plan.setting[i], outcomes);
	}
	plan_free(&plan);
}

void settings_check(char *const *words, size_t count, struct outcomes *outcomes)
{
	struct plan plan = {0};

	plan_settings(&plan, words, count, outcomes);
	for (size_t i = 0; i < plan.count; i++) {
		const struct setting *setting = &plan.setting[i];
		bool is_set = !setting->acts && setting_same(setting->before, setting->requested);

		report(outcomes, setting->path, setting->before, setting->requested,
		       setting->before, is_set ? "unchanged" : "differs");
	}
	plan_free(&plan);
}

/* Returns whether a line of a record is done with. After a reboot a setting that this kernel
 * refuses need not be restored. */
static bool restore(const struct words *line, struct outcomes *outcomes)
{
	bool this_boot = strcmp(line->word[RECORD_BOOT], boot_id()) == 0, is_set = true;
	size_t failures = outcomes->failures.used;
	struct text value = {0};
	struct setting setting = {
		.path = line->word[RECORD_PATH],
		.requested = line->word[RECORD_BEFORE],
	};

	if (setting_exists(setting.path) && setting_read(setting.path, &value)) {
		setting.before = (char *)text_bytes(&value);
		is_set = change(&setting, outcomes);
	} else if (this_boot) {
		is_set = report(outcomes, setting.path, "", setting.requested, "", "missing");
	}
	text_free(&value);
	if (!is_set && !this_boot) {
		outcomes->failures.used = failures;
		outcomes->failures.bytes[failures] = '\0';
	}
	return is_set || !this_boot;
}

/* Puts a line in front of the others, as it was. */
static void keep(struct text *kept, const struct words *line)
{
	struct text all = {0};

	record_setting(&all, line->word[RECORD_PATH], line->word[RECORD_BEFORE],
		       line->word[RECORD_REQUESTED]);
	text_add(&all, text_bytes(kept), kept->used);
	text_free(kept);
	*kept = all;
}

/* A record that cannot be read stays as it is. */
static bool read_record(struct record *record, const char *path, struct outcomes *outcomes)
{
	if (record_read(record, path))
		return true;
	fail(outcomes, path, "read", "");
	return false;
}

void settings_restore(const char *path, struct outcomes *outcomes)
{
	struct record record = {0};
	struct text kept = {0};

	outcomes_clear(outcomes);
	if (read_record(&record, path, outcomes) && record.count) {
		record_keep_first(&record);
		for (size_t i = 0; i < record.count; i++)
			if (!restore(&record.line[i], outcomes))
				keep(&kept, &record.line[i]);
		if (!record_replace(path, &kept))
			fail(outcomes, path, "write", "");
	}
	text_free(&kept);
	record_free(&record);
}

void settings_diff(const char *path, const char *trial_path, struct outcomes *outcomes)
{
	struct record record = {0};
	struct text value = {0};

	outcomes_clear(outcomes);
	read_record(&record, path, outcomes);
	read_record(&record, trial_path, outcomes);
	record_keep_last(&record);
	for (size_t i = 0; i < record.count; i++) {
		char **word = record.line[i].word;

		if (!setting_read(word[RECORD_PATH], &value))
			text_clear(&value);
		report(outcomes, word[RECORD_PATH], word[RECORD_BEFORE], word[RECORD_REQUESTED],
		       text_bytes(&value),
		       setting_same(text_bytes(&value), word[RECORD_REQUESTED]) ? "unchanged"
										: "drifted");
	}
	text_free(&value);
	record_free(&record);
}
