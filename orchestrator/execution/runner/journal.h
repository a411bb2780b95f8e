/* SPDX-License-Identifier: MIT */
/* The journal of a block: BLOCK/journal.jsonl, a line of JSON for each event. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

struct journal {
	char *path, *reserve; /* reserve: a file whose room on disk is given to the last line, if
				 the disk is full */
	int file;
	int fault; /* errno, if a line could not be written */
};

/* Opens the journal, without a last line that a power cut has torn, and without an end that was not
 * the end. False with errno. */
bool journal_open(struct journal *journal, const char *block);
void journal_close(struct journal *journal);

/* Appends an event, all of it or nothing, and frees it. It is on disk after journal_sync only. */
bool journal_add(struct journal *journal, struct json *event);
bool journal_sync(struct journal *journal);
/* Appends the last event, on a full disk too. */
bool journal_end(struct journal *journal, struct json *event);

/* Ids of the trials that have a line. */
struct ids {
	char **id; /* sorted */
	size_t count;
};

void journal_trials(const struct journal *journal, struct ids *ids);
bool ids_contain(const struct ids *ids, const char *id);
void ids_free(struct ids *ids);

/* The last line of a block's journal, allocated; "" if there is none. */
char *journal_last_line(const char *block);

#endif
