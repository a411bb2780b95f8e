/* SPDX-License-Identifier: MIT */
/* Text that grows, and small files. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *bytes; /* ends with NUL; NULL if nothing was added */
	size_t used, size;
};

void text_add(struct text *text, const char *bytes, size_t count);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_clear(struct text *text);
void text_free(struct text *text);
/* The bytes, "" if there are none. */
const char *text_bytes(const struct text *text);

/* Allocated text in the given format. */
char *format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Memory or the end of the program. */
void *allocate(void *old, size_t size);
char *copy_text(const char *text);

/* Reads a whole file without NUL bytes; false with errno if it cannot be read. */
bool read_file(const char *path, struct text *text);
/* Removes line ends at the end. */
void strip_line_ends(struct text *text);
/* Makes a folder and those above it. False with errno if it is not there then. */
bool make_folder(const char *path);
/* Writes all bytes; false with errno. */
bool write_all(int file, const char *bytes, size_t count);

/* What the output of a program becomes in a document: without NUL bytes and line ends at the end;
 * each byte that is not UTF-8 as U+FFFD. */
void text_clean(struct text *clean, const char *bytes, size_t count);

#endif
