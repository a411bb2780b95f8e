// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings.h"
#include "text.h"
#include "verbs.h"
#include "words.h"

/* Settings of the standard input, a line each. */
static bool read_settings(struct words *all)
{
	size_t size = 0;
	char *line = NULL;
	bool is_read = true;

	*all = (struct words){0};
	while (is_read && getline(&line, &size, stdin) > 0) {
		struct words words;

		is_read = words_read(&words, line) && words.count == 3;
		if (!is_read) {
			fprintf(stderr, "a line is not PATH VALUE KIND: %s", line);
			words_free(&words);
			break;
		}
		all->word = allocate(all->word, (all->count + 3) * sizeof(*all->word));
		memcpy(all->word + all->count, words.word, 3 * sizeof(*all->word));
		all->count += 3;
		free(words.word);
	}
	free(line);
	return is_read;
}

static bool print_outcomes(struct outcomes *outcomes)
{
	bool is_set = !outcomes->failures.used;

	/* What is told of each setting is in its object; what is told of a record is not. */
	if (!is_set && (outcomes->unrecorded || !outcomes->objects.used))
		fprintf(stderr, "%s\n", outcomes->failures.bytes);
	if (!write_all(STDOUT_FILENO, text_bytes(&outcomes->objects), outcomes->objects.used))
		is_set = false;
	outcomes_free(outcomes);
	return is_set;
}

int settings(int count, char **words)
{
	const char *verb = words[0];
	char *record = format("%s/settings.record", words[1]);
	char *trial_record = format("%s/settings.trial", words[1]);
	struct outcomes outcomes = {0};
	bool is_set = true;
	struct words read = {0};
	int code = EXIT_USAGE;

	(void)count;
	if (strcmp(verb, "apply") == 0 || strcmp(verb, "check") == 0) {
		if (!read_settings(&read))
			return EXIT_USAGE;
		if (strcmp(verb, "check") == 0)
			settings_check(read.word, read.count / 3, &outcomes);
		else if (make_folder(words[1]))
			settings_apply(record, read.word, read.count / 3, &outcomes);
		else
			text_print(&outcomes.failures, "%s: %m", words[1]);
		code = EXIT_SUCCESS;
	} else if (strcmp(verb, "restore") == 0) {
		/* First: the trial changed settings after the host was tuned. */
		settings_restore(trial_record, &outcomes);
		is_set = print_outcomes(&outcomes);
		settings_restore(record, &outcomes);
		code = EXIT_SUCCESS;
	} else if (strcmp(verb, "diff") == 0) {
		settings_diff(record, trial_record, &outcomes);
		code = EXIT_SUCCESS;
	}
	is_set = print_outcomes(&outcomes) && is_set;
	words_free(&read);
	free(record);
	free(trial_record);
	return code ? code : is_set ? EXIT_SUCCESS : EXIT_FAILURE;
}
