// SPDX-License-Identifier: MIT
#include "setting_value.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program.h"
#include "words.h"

static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static const char *unit_of(const char *path)
{
	const char *service = after(path, "service:");

	return service ? service : after(path, "enabled:");
}

static bool is_file(const char *path)
{
	return !unit_of(path) && !after(path, "module:");
}

/* Finds the value of a line NAME=VALUE. */
static bool find_property(const char *text, const char *name, struct text *value)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *found;

		line += *line == '\n';
		found = after(line, name);
		if (found && *found == '=') {
			text_add(value, found + 1, strcspn(found + 1, "\n"));
			return value->used > 0;
		}
	}
	return false;
}

/* States of a unit that is, or will soon be, active: systemctl(1). */
static bool is_active(const char *state)
{
	return strcmp(state, "active") == 0 || strcmp(state, "activating") == 0 ||
	       strcmp(state, "reloading") == 0;
}

static bool read_unit(const char *path, struct text *value)
{
	char *const command[] = {
		"systemctl", "show",	      "-p", "LoadState",	   "-p", "ActiveState",
		"-p",	     "UnitFileState", "--", (char *)unit_of(path), NULL};
	struct text shown = {0}, load = {0}, active = {0};
	bool is_read = program_output(command, &shown) == 0 &&
		       find_property(text_bytes(&shown), "LoadState", &load) &&
		       strcmp(load.bytes, "not-found") != 0;

	if (is_read && after(path, "service:")) {
		find_property(shown.bytes, "ActiveState", &active);
		text_print(value, "%s", is_active(text_bytes(&active)) ? "active" : "inactive");
	} else if (is_read) {
		is_read = find_property(shown.bytes, "UnitFileState", value);
	}
	text_free(&shown);
	text_free(&load);
	text_free(&active);
	return is_read;
}

static void read_module(const char *name, struct text *value)
{
	char *path = format("/sys/module/%s", name);

	for (char *next = path + strlen("/sys/module/"); *next; next++)
		if (*next == '-')
			*next = '_';
	text_print(value, "%s", access(path, F_OK) == 0 ? "loaded" : "absent");
	free(path);
}

/* The text between the first bracket and the next closing one, if they are a word's: " [" … "] ".
 */
static void choose_bracketed(struct text *value)
{
	char *padded = format(" %s ", text_bytes(value)), *open = strstr(padded, " ["), *close;

	if (open && strstr(open + 2, "] ")) {
		open = strchr(padded, '[') + 1;
		close = strchr(open, ']');
		text_clear(value);
		text_add(value, open, (size_t)(close - open));
	}
	free(padded);
}

bool setting_read(const char *path, struct text *value)
{
	text_clear(value);
	if (unit_of(path))
		return read_unit(path, value);
	if (!is_file(path)) {
		read_module(after(path, "module:"), value);
		return true;
	}
	if (!read_file(path, value))
		return false;
	strip_line_ends(value);
	choose_bracketed(value);
	for (size_t i = 0; i < value->used; i++)
		if (value->bytes[i] == '\n')
			value->bytes[i] = ' ';
	return true;
}

bool setting_exists(const char *path)
{
	struct text value = {0};
	bool exists;

	if (is_file(path))
		return access(path, F_OK) == 0;
	exists = setting_read(path, &value);
	text_free(&value);
	return exists;
}

bool setting_acts(const char *path)
{
	struct stat status;

	if (!is_file(path))
		return false;
	if (strcmp(path, "/proc/sys/vm/drop_caches") == 0 ||
	    strcmp(path, "/proc/sys/vm/compact_memory") == 0)
		return true;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	       !(status.st_mode & (S_IRUSR | S_IRGRP | S_IROTH));
}

static bool write_value(const char *path, const char *value)
{
	int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	char *line = format("%s\n", value);
	bool is_written = file >= 0 && write_all(file, line, strlen(line));

	free(line);
	return file >= 0 && close(file) == 0 && is_written;
}

/* What a program does with a unit or module: KIND, VALUE, its words. */
static const struct {
	const char *kind, *value;
	char *program, *verb;
} ACTIONS[] = {
	{"service:", "active", "systemctl", "start"},
	{"service:", "inactive", "systemctl", "stop"},
	{"enabled:", "enabled", "systemctl", "enable"},
	{"enabled:", "disabled", "systemctl", "disable"},
	{"module:", "loaded", "modprobe", NULL},
	{"module:", "absent", "modprobe", "-r"},
};

bool setting_write(const char *path, const char *value)
{
	bool is_done = false;

	if (is_file(path))
		return write_value(path, value);
	for (size_t i = 0; i < sizeof(ACTIONS) / sizeof(*ACTIONS); i++) {
		const char *name = after(path, ACTIONS[i].kind);
		char *command[5] = {ACTIONS[i].program, ACTIONS[i].verb};
		size_t words = ACTIONS[i].verb ? 2 : 1;

		if (!name || strcmp(value, ACTIONS[i].value) != 0)
			continue;
		command[words++] = "--";
		command[words] = (char *)name;
		is_done = program_run(command) == 0;
	}
	return is_done;
}

static bool is_any_of(const char *word, size_t length, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == length && strncmp(word, *list, length) == 0)
			return true;
	return false;
}

/* Adds a word in the form in which it is compared. */
static void add_plain(struct text *plain, const char *word, size_t length)
{
	static const char *const yes[] = {"Y", "y", "true", NULL}, *const no[] = {"N", "n", "false",
										  NULL};

	if (is_any_of(word, length, yes)) {
		text_add(plain, "1", 1);
		return;
	}
	if (is_any_of(word, length, no)) {
		text_add(plain, "0", 1);
		return;
	}
	if (strspn(word, "0123456789abcdef,") >= length)
		while (length > 1 && word[0] == '0') {
			size_t skip = length > 9 && strncmp(word, "00000000,", 9) == 0 ? 9 : 1;

			if (word[skip] == ',')
				break;
			word += skip;
			length -= skip;
		}
	text_add(plain, word, length);
}

/* Words such as "parallel batch", of which files print those that are set in an order of their own.
 */
static bool is_set_of_names(const char *value)
{
	return strspn(value, "abcdefghijklmnopqrstuvwxyz_- \t\n") == strlen(value);
}

static int by_name(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static void add_names(struct text *plain, const char *value)
{
	struct words words;

	words_read(&words, value);
	qsort(words.word, words.count, sizeof(*words.word), by_name);
	for (size_t i = 0; i < words.count; i++) {
		add_plain(plain, words.word[i], strlen(words.word[i]));
		text_add(plain, " ", 1);
	}
	words_free(&words);
}

static void add_plain_words(struct text *plain, const char *value)
{
	if (is_set_of_names(value)) {
		add_names(plain, value);
		return;
	}
	for (const char *word = value + strspn(value, " \t\n"); *word;) {
		size_t length = strcspn(word, " \t\n");

		add_plain(plain, word, length);
		text_add(plain, " ", 1);
		word += length;
		word += strspn(word, " \t\n");
	}
}

bool setting_same(const char *one, const char *other)
{
	struct text left = {0}, right = {0};
	bool is_same;

	add_plain_words(&left, one);
	add_plain_words(&right, other);
	is_same = strcmp(text_bytes(&left), text_bytes(&right)) == 0;
	text_free(&left);
	text_free(&right);
	return is_same;
}
