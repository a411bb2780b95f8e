// SPDX-License-Identifier: MIT
#include "checks.h"
#include "counters.h"
#include "kernel.h"
#include "memory.h"
#include "move.h"
#include "require.h"

#define MAX_WORDS 16

static struct job parse_line(char *line)
{
	char *word[MAX_WORDS];
	int words = 0;

	for (char *next = strtok(line, " \n"); next; next = strtok(NULL, " \n")) {
		REQUIRE(words < MAX_WORDS, "too many words");
		word[words++] = next;
	}
	return job_parse(words, word);
}

static void run_cell(const struct job *job, unsigned seed)
{
	struct counters before;
	struct region region;

	knobs_apply(job);
	region = region_create(job->kind, job->pages, job->from, seed);
	counters_read(&before);
	move_all_of(&region, job->to, job);
	counters_print_since(&before);
	region_check(&region, seed);
	region_free(&region);
}

void for_each_line(void (*run)(const struct job *job, unsigned seed))
{
	char line[256], copy[256];
	unsigned seed = 0;

	while (fgets(line, sizeof(line), stdin)) {
		struct job cell;

		line[strcspn(line, "\n")] = '\0';
		strcpy(copy, line);
		context = line;
		cell = parse_line(copy);
		run(&cell, ++seed);
		putchar('\n');
	}
}

void check_cells(const struct job *job)
{
	(void)job;
	for_each_line(run_cell);
}
