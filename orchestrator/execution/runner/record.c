// SPDX-License-Identifier: MIT
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool record_read(struct record *record, const char *path)
{
	struct text text = {0};
	struct words words;
	char *line, *end;
	bool is_read = read_file(path, &text) || errno == ENOENT;

	for (line = text.bytes; is_read && line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (words_read(&words, line) && words.count >= RECORD_FIELDS) {
			record->line = allocate(record->line, (record->count + 1) * sizeof(words));
			record->line[record->count++] = words;
		} else {
			words_free(&words);
			errno = EBADMSG;
			is_read = false;
		}
	}
	text_free(&text);
	return is_read;
}

void record_free(struct record *record)
{
	for (size_t i = 0; i < record->count; i++)
		words_free(&record->line[i]);
	free(record->line);
	*record = (struct record){0};
}

static void reverse(struct record *record)
{
	for (size_t i = 0; i < record->count / 2; i++) {
		struct words line = record->line[i];

		record->line[i] = record->line[record->count - 1 - i];
		record->line[record->count - 1 - i] = line;
	}
}

static bool has_path(const struct record *record, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(record->line[i].word[RECORD_PATH], path) == 0)
			return true;
	return false;
}

static void drop_repeated(struct record *record)
{
	size_t kept = 0;

	for (size_t i = 0; i < record->count; i++) {
		if (has_path(record, kept, record->line[i].word[RECORD_PATH]))
			words_free(&record->line[i]);
		else
			record->line[kept++] = record->line[i];
	}
	record->count = kept;
}

void record_keep_first(struct record *record)
{
	drop_repeated(record);
	reverse(record);
}

void record_keep_last(struct record *record)
{
	reverse(record);
	drop_repeated(record);
	reverse(record);
}

/* Bytes of the whole lines of a file. */
static off_t whole_lines(const char *path)
{
	struct text text = {0};
	const char *end;
	off_t size;

	if (!read_file(path, &text))
		text_clear(&text);
	end = strrchr(text_bytes(&text), '\n');
	size = end ? (off_t)(end + 1 - text.bytes) : 0;
	text_free(&text);
	return size;
}

bool record_append(const char *path, const struct text *lines)
{
	off_t size = whole_lines(path);
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	bool is_kept;
	int fault;

	if (file < 0)
		return false;
	is_kept = ftruncate(file, size) == 0 && write_all(file, text_bytes(lines), lines->used) &&
		  fdatasync(file) == 0;
	fault = errno;
	if (!is_kept && ftruncate(file, size) != 0)
		perror(path);
	close(file);
	errno = fault;
	return is_kept;
}

bool record_replace(const char *path, const struct text *lines)
{
	char *new = format("%s.new", path);
	int file;
	bool is_kept;

	if (!lines->used) {
		free(new);
		return truncate(path, 0) == 0;
	}
	file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	is_kept = file >= 0 && write_all(file, lines->bytes, lines->used) && fdatasync(file) == 0;
	if (file >= 0)
		close(file);
	is_kept = is_kept && rename(new, path) == 0;
	if (!is_kept)
		unlink(new);
	free(new);
	return is_kept;
}
