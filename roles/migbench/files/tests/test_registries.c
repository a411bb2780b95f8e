// SPDX-License-Identifier: MIT
/* Verdicts, modes, names and threads. */
#include "check.h"
#include "levenshtein.h"
#include "mode.h"
#include "threads.h"
#include "verdict.h"

static void test_verdict(void)
{
	struct verdict verdict = {0};

	CHECK(status_exit_code(verdict.status) == EXIT_OK);
	CHECK(!verdict_set(&verdict, STATUS_DISTURBED, "node %d", 1));
	CHECK(!verdict_set(&verdict, STATUS_FAILED, "later"));
	CHECK_TEXT(verdict.reason, "node 1");
	CHECK(status_exit_code(verdict.status) == EXIT_DISTURBED);
	CHECK_TEXT(status_name(verdict.status), "disturbed");
}

static void test_modes(void)
{
	const char *nearest = NULL;
	unsigned rank = 0;

	for (const struct mode *mode = mode_first(); mode; mode = mode->next) {
		CHECK(mode->rank > rank); /* unique, independent of the link order */
		rank = mode->rank;
		CHECK(mode_find(mode->name, &nearest) == mode);
		CHECK(mode->run && mode->help);
	}
	CHECK(!mode_find("paralel+concurent", &nearest));
	CHECK_TEXT(nearest, "parallel+concurrent");
}

static void work(struct worker *worker)
{
	unsigned *done = worker->data;

	done[worker->index]++;
}

static void test_team(void)
{
	struct verdict verdict = {0};
	unsigned done[5] = {0};
	struct team team;
	struct span span;
	struct cpus cpus;

	CHECK(cpus_allowed(&cpus));
	CHECK(team_create(&team, COUNT(done), &cpus, work, done, &verdict));
	span = team_run(&team);
	for (size_t i = 0; i < COUNT(done); i++)
		CHECK(done[i] == 1);
	CHECK(span.start_ns > 0 && span.end_ns >= span.start_ns);
	team_free(&team);

	/* A CPU that does not exist is not replaced by another one. */
	cpus_free(&cpus);
	CHECK(cpus_parse("99999", &cpus));
	CHECK(!team_create(&team, 2, &cpus, work, done, &verdict));
	CHECK(verdict.status == STATUS_DISTURBED && !team.workers);
	CHECK_TEXT(verdict.reason, "cannot run thread 1 of 2 on CPU 99999");
	CHECK(done[0] == 1);
	cpus_free(&cpus);
}

int main(void)
{
	test_verdict();
	test_modes();
	test_team();
	return 0;
}
