// SPDX-License-Identifier: MIT
#include "words.h"

#include <stdlib.h>
#include <string.h>

static void end_word(struct words *words, struct text *word)
{
	words->word = allocate(words->word, (words->count + 2) * sizeof(*words->word));
	words->word[words->count++] = copy_text(text_bytes(word));
	words->word[words->count] = NULL;
	text_clear(word);
}

/* Adds what is in quotes; returns the closing quote, or NULL. */
static const char *read_quoted(struct text *word, const char *open)
{
	const char *close = strchr(open + 1, *open);

	if (!close)
		return NULL;
	if (*open == '"' && strncmp(open, "\"$nl\"", 5) == 0)
		text_add(word, "\n", 1);
	else
		text_add(word, open + 1, (size_t)(close - open - 1));
	return close;
}

bool words_read(struct words *words, const char *line)
{
	struct text word = {0};
	bool in_word = false, closed = true;

	*words = (struct words){allocate(NULL, sizeof(*words->word)), 0};
	words->word[0] = NULL;
	for (const char *next = line; *next && closed; next++) {
		if (strchr(" \t\n", *next)) {
			if (in_word)
				end_word(words, &word);
			in_word = false;
			continue;
		}
		in_word = true;
		if (*next == '\'' || *next == '"') {
			const char *end = read_quoted(&word, next);

			closed = end;
			next = end ? end : next;
		} else if (*next == '\\' && next[1]) {
			text_add(&word, ++next, 1);
		} else {
			text_add(&word, next, 1);
		}
	}
	if (in_word)
		end_word(words, &word);
	text_free(&word);
	return closed;
}

void words_free(struct words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->word[i]);
	free(words->word);
	*words = (struct words){0};
}

void quote_word(struct text *line, const char *word)
{
	text_add(line, "'", 1);
	for (; *word; word++) {
		if (*word == '\'')
			text_add(line, "'\\''", 4);
		else
			text_add(line, word, 1);
	}
	text_add(line, "'", 1);
}
