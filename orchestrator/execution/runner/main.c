// SPDX-License-Identifier: MIT
/* Runs the trials of a block on a host, and changes its settings. RUNNER_VERSION: the hash of its
 * sources. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verbs.h"

#ifndef RUNNER_VERSION
#define RUNNER_VERSION "development"
#endif

static int print_version(int count, char **words)
{
	(void)count;
	(void)words;
	puts(RUNNER_VERSION);
	return EXIT_SUCCESS;
}

static const struct verb {
	const char *name;
	int (*call)(int count, char **words);
	int min, max; /* number of words */
	const char *words, *help;
} VERBS[] = {
	{"start", start, 2, 3, "BASE BLOCK [CLOCK]",
	 "run in the background; 3: this block runs already, 4: another one runs here"},
	{"run", run, 2, 3, "BASE BLOCK [CLOCK]", "run in the foreground; the same exit codes"},
	{"stop", stop, 1, 2, "BLOCK [now]",
	 "after the trial that runs; or now, and return when settings are restored"},
	{"status", status, 1, 1, "BLOCK",
	 "print running, complete, stopped, failed, dead (no last word) or new"},
	{"follow", follow, 1, 1, "BLOCK", "print the journal as it grows, until stdin ends"},
	{"who", who, 1, 1, "BASE", "print pid and block of the active runner, if there is one"},
	{"settings", settings, 2, 2, "apply|check|restore|diff BASE",
	 "settings of the host; apply and check read PATH VALUE required|optional|off from stdin"},
	{"version", print_version, 0, 0, "", "print the hash of the sources"},
};

static int usage(void)
{
	fputs("BASE: the folder of the host. BLOCK: a folder with the file \"trials\"; its journal "
	      "is "
	      "BLOCK/journal.jsonl.\nCLOCK: what the host's time counts, wall or instructions: "
	      "ORCHESTRATE_CLOCK of trials.\n\n",
	      stderr);
	for (size_t i = 0; i < sizeof(VERBS) / sizeof(*VERBS); i++)
		fprintf(stderr, "usage: runner %s %s\n\t%s\n", VERBS[i].name, VERBS[i].words,
			VERBS[i].help);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	int file;

	do { /* so that no file of ours gets the number of a standard one that is closed */
		file = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (file >= 0 && file <= STDERR_FILENO);
	close(file);
	for (size_t i = 0; argc > 1 && i < sizeof(VERBS) / sizeof(*VERBS); i++)
		if (strcmp(argv[1], VERBS[i].name) == 0 && argc - 2 >= VERBS[i].min &&
		    argc - 2 <= VERBS[i].max) {
			int code = VERBS[i].call(argc - 2, argv + 2);

			return code == EXIT_USAGE ? usage() : code;
		}
	return usage();
}
