/* SPDX-License-Identifier: MIT */
/* Records of changed settings; settings.h describes a line. */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>

#include "text.h"
#include "words.h"

enum { RECORD_BOOT, RECORD_PATH, RECORD_BEFORE, RECORD_REQUESTED, RECORD_FIELDS };

struct record {
	struct words *line;
	size_t count;
};

/* Adds the lines of a file, if there is one, without a last line that a crash has torn: what it is
 * of was not changed yet. False with errno if it cannot be read, EBADMSG if a line is none. */
bool record_read(struct record *record, const char *path);
void record_free(struct record *record);

/* Leaves one line for each path, the first or the last one; the newest path comes first. */
void record_keep_first(struct record *record);
void record_keep_last(struct record *record);

/* Appends to a file, and to disk. If that fails the file is as before, without a torn last line. */
bool record_append(const char *path, const struct text *lines);

/* Makes a file have these lines. Needs no room on disk if there are none. */
bool record_replace(const char *path, const struct text *lines);

#endif
