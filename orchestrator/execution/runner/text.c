// SPDX-License-Identifier: MIT
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

void *allocate(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (!memory) {
		fputs("runner: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return memory;
}

char *copy_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(allocate(NULL, size), text, size);
}

static void make_room(struct text *text, size_t count)
{
	if (text->used + count + 1 <= text->size)
		return;
	text->size = 2 * text->size + count + 256;
	text->bytes = allocate(text->bytes, text->size);
}

void text_add(struct text *text, const char *bytes, size_t count)
{
	make_room(text, count);
	memcpy(text->bytes + text->used, bytes, count);
	text->used += count;
	text->bytes[text->used] = '\0';
}

static void print(struct text *text, const char *format, va_list args)
{
	va_list again;
	int count;

	va_copy(again, args);
	count = vsnprintf(NULL, 0, format, again);
	va_end(again);
	make_room(text, (size_t)count);
	vsnprintf(text->bytes + text->used, (size_t)count + 1, format, args);
	text->used += (size_t)count;
}

void text_print(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(text, format, args);
	va_end(args);
}

char *format(const char *format, ...)
{
	struct text text = {0};
	va_list args;

	va_start(args, format);
	print(&text, format, args);
	va_end(args);
	return text.bytes;
}

void text_clear(struct text *text)
{
	text->used = 0;
	if (text->bytes)
		text->bytes[0] = '\0';
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}

const char *text_bytes(const struct text *text)
{
	return text->bytes ? text->bytes : "";
}

static void drop_nuls(struct text *text, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < text->used; i++)
		if (text->bytes[i])
			text->bytes[kept++] = text->bytes[i];
	text->used = kept;
	text->bytes[kept] = '\0';
}

/* In as few reads as possible: many files of /proc say all at the first, and cost as much at each.
 */
bool read_file(const char *path, struct text *text)
{
	size_t room = 16 << 10, before = text->used;
	int file = open(path, O_RDONLY | O_CLOEXEC), fault;
	ssize_t count;

	if (file < 0)
		return false;
	do {
		make_room(text, room);
		count = read(file, text->bytes + text->used, room);
		if (count > 0)
			text->used += (size_t)count;
	} while (count > 0 || (count < 0 && errno == EINTR));
	fault = errno;
	close(file);
	drop_nuls(text, before);
	errno = fault;
	return count == 0;
}

void strip_line_ends(struct text *text)
{
	while (text->used && text->bytes[text->used - 1] == '\n')
		text->bytes[--text->used] = '\0';
}

bool make_folder(const char *path)
{
	char *copy = copy_text(path);

	for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		mkdir(copy, 0777);
		*slash = '/';
	}
	mkdir(copy, 0777);
	free(copy);
	return access(path, F_OK) == 0;
}

bool write_all(int file, const char *bytes, size_t count)
{
	while (count) {
		ssize_t written = write(file, bytes, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes += written;
		count -= (size_t)written;
	}
	return true;
}

void text_clean(struct text *clean, const char *bytes, size_t count)
{
	struct text raw = {0};

	text_add(&raw, bytes, count);
	drop_nuls(&raw, 0);
	strip_line_ends(&raw);
	for (const char *next = raw.bytes; *next;) {
		size_t length = json_utf8_length(next);

		if (length)
			text_add(clean, next, length);
		else
			text_add(clean, "\xef\xbf\xbd", 3);
		next += length ? length : 1;
	}
	text_free(&raw);
}
