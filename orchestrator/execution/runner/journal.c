// SPDX-License-Identifier: MIT
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define RESERVE_SIZE (16 << 10)
#define TRIAL	     "{\"event\":\"trial\",\"trial\":\""
#define END	     "{\"event\":\"end\","

/* The last line of what is read, with its line end if it has one. */
static const char *last_line(const struct text *text)
{
	const char *bytes = text_bytes(text);
	size_t start = text->used;

	if (start)
		start--;
	while (start && bytes[start - 1] != '\n')
		start--;
	return bytes + start;
}

/* Reads the last bytes of a file, as many as a line of ours has at most. */
#define TAIL (1 << 20)

static off_t read_tail(int file, struct text *tail)
{
	struct stat status;
	off_t from;
	char *bytes = allocate(NULL, TAIL);
	ssize_t count;

	if (fstat(file, &status) != 0)
		status.st_size = 0;
	from = status.st_size > TAIL ? status.st_size - TAIL : 0;
	count = pread(file, bytes, TAIL, from);
	text_add(tail, bytes, count > 0 ? (size_t)count : 0);
	free(bytes);
	return status.st_size;
}

/* NUL bytes of a power cut do not matter: lines are found by their ends. */
static bool mend(int file)
{
	for (;;) {
		struct text tail = {0};
		off_t size = read_tail(file, &tail);
		const char *line = last_line(&tail);
		size_t length = tail.used - (size_t)(line - text_bytes(&tail));
		bool is_torn = length && tail.bytes[tail.used - 1] != '\n';
		bool is_end = strncmp(line, END, strlen(END)) == 0;

		text_free(&tail);
		if (!is_torn && !is_end)
			return true;
		if (ftruncate(file, size - (off_t)length) != 0)
			return false;
	}
}

static void make_reserve(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (file < 0)
		return;
	errno = posix_fallocate(file, 0, RESERVE_SIZE);
	if (errno)
		unlink(path);
	close(file);
}

bool journal_open(struct journal *journal, const char *block)
{
	*journal = (struct journal){
		.path = format("%s/journal.jsonl", block),
		.reserve = format("%s/reserve", block),
	};
	journal->file = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (journal->file < 0 || !mend(journal->file))
		return false;
	make_reserve(journal->reserve); /* without it the last line may be lost, and no more */
	return true;
}

void journal_close(struct journal *journal)
{
	unlink(journal->reserve);
	if (journal->file >= 0)
		close(journal->file);
	free(journal->path);
	free(journal->reserve);
	*journal = (struct journal){.file = -1};
}

bool journal_add(struct journal *journal, struct json *event)
{
	off_t size = lseek(journal->file, 0, SEEK_END);
	struct text line = {event->text, event->used, event->size};
	bool is_written;

	text_add(&line, "\n", 1);
	is_written = size >= 0 && write_all(journal->file, line.bytes, line.used);
	if (!is_written) {
		int fault = errno;

		if (size >= 0 && ftruncate(journal->file, size) != 0)
			perror(journal->path);
		journal->fault = fault;
	}
	text_free(&line);
	*event = (struct json){0};
	return is_written;
}

bool journal_sync(struct journal *journal)
{
	if (fdatasync(journal->file) == 0)
		return true;
	journal->fault = errno;
	return false;
}

bool journal_end(struct journal *journal, struct json *event)
{
	unlink(journal->reserve);
	return journal_add(journal, event) && journal_sync(journal);
}

static int compare_ids(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

void journal_trials(const struct journal *journal, struct ids *ids)
{
	FILE *stream = fopen(journal->path, "re");
	size_t size = 0;
	char *line = NULL;

	*ids = (struct ids){0};
	while (stream && getline(&line, &size, stream) > 0)
		if (strncmp(line, TRIAL, strlen(TRIAL)) == 0) {
			char *id = line + strlen(TRIAL);

			id[strcspn(id, "\"")] = '\0';
			if (!(ids->count & (ids->count - 1)))
				ids->id =
					allocate(ids->id, (2 * ids->count + 1) * sizeof(*ids->id));
			ids->id[ids->count++] = copy_text(id);
		}
	free(line);
	if (stream)
		fclose(stream);
	if (ids->count)
		qsort(ids->id, ids->count, sizeof(*ids->id), compare_ids);
}

bool ids_contain(const struct ids *ids, const char *id)
{
	return ids->count && bsearch(&id, ids->id, ids->count, sizeof(*ids->id), compare_ids);
}

void ids_free(struct ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		free(ids->id[i]);
	free(ids->id);
	*ids = (struct ids){0};
}

char *journal_last_line(const char *block)
{
	char *path = format("%s/journal.jsonl", block), *line;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct text tail = {0};

	if (file >= 0) {
		read_tail(file, &tail);
		close(file);
	}
	strip_line_ends(&tail);
	line = copy_text(last_line(&tail));
	text_free(&tail);
	free(path);
	return line;
}
