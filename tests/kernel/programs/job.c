// SPDX-License-Identifier: MIT
#include "job.h"

#include "require.h"

static const char *const KINDS[] = {"base", "thp", "hugetlb", "shmem", "block", NULL};
/* Indexed by the bits. */
static const char *const MODES[MODE_COUNT + 1] = {
	"serial", "parallel",	  "concurrent",	    "parallel+concurrent",
	"dma",	  "dma+parallel", "dma+concurrent", "dma+parallel+concurrent",
};
static const char *const INTERFACES[] = {"move_pages", "mbind", "policy", NULL};

static unsigned choose(const char *const *names, const char *value)
{
	for (unsigned i = 0; names[i]; i++)
		if (strcmp(names[i], value) == 0)
			return i;
	FAIL("unknown value %s", value);
}

static unsigned number(const char *value)
{
	char *end;
	unsigned long result = strtoul(value, &end, 10);

	REQUIRE(*value && !*end, "not a number: %s", value);
	return (unsigned)result;
}

static void parse_word(struct job *job, const char *name, const char *value)
{
	if (strcmp(name, "page") == 0)
		job->kind = choose(KINDS, value);
	else if (strcmp(name, "mode") == 0)
		job->mode = choose(MODES, value);
	else if (strcmp(name, "interface") == 0)
		job->interface = choose(INTERFACES, value);
	else if (strcmp(name, "pages") == 0)
		job->pages = number(value);
	else if (strcmp(name, "all") == 0)
		job->all = number(value) != 0;
	else if (strcmp(name, "threads") == 0)
		job->threads = number(value);
	else if (strcmp(name, "batch") == 0)
		job->batch = number(value);
	else if (strcmp(name, "copy_node") == 0)
		job->copy_node = number(value);
	else if (strcmp(name, "bounce") == 0)
		job->bounce = number(value);
	else if (strcmp(name, "channels") == 0)
		job->channels = (int)number(value);
	else if (strcmp(name, "seed") == 0)
		job->seed = number(value);
	else if (strcmp(name, "rounds") == 0)
		job->rounds = number(value);
	else if (strcmp(name, "seconds") == 0)
		job->seconds = number(value);
	else if (strcmp(name, "helpers") == 0)
		job->helpers = number(value);
	else if (strcmp(name, "from") == 0)
		job->from = (int)number(value);
	else if (strcmp(name, "to") == 0)
		job->to = (int)number(value);
	else if (strcmp(name, "free_kib") == 0)
		job->free_kib = number(value);
	else if (strcmp(name, "cpus") == 0)
		job->cpus = value;
	else if (strcmp(name, "share") == 0)
		job->share = value;
	else
		FAIL("unknown name %s", name);
}

struct job job_parse(int words, char **word)
{
	struct job job = {
		.kind = KIND_THP,
		.pages = 3,
		.threads = 8,
		.batch = 512,
		.bounce = 1,
		.rounds = 2,
		.helpers = 2,
		.channels = -1,
		.seed = 1,
		.to = 1,
		.share = "memory",
		.cpus = "",
	};

	for (int i = 0; i < words; i++) {
		char *value = strchr(word[i], '=');

		REQUIRE(value, "expected name=value: %s", word[i]);
		*value = '\0';
		parse_word(&job, word[i], value + 1);
		*value = '=';
	}
	return job;
}
