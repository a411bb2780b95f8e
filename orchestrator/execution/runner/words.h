/* SPDX-License-Identifier: MIT */
/* Lines of words as a POSIX shell quotes them: the files "trials" and "settings.*", and the input
 * of "settings apply". */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

struct words {
	char **word; /* ends with NULL */
	size_t count;
};

/* Splits a line. Quotes are '…', "…" and \; "$nl" stands for a line end. False if a quote is not
 * closed. */
bool words_read(struct words *words, const char *line);
void words_free(struct words *words);

/* Adds a word in single quotes. */
void quote_word(struct text *line, const char *word);

#endif
