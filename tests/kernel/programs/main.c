// SPDX-License-Identifier: MIT
/* checks NAME [name=value]...: exit code 0 if all holds, else 1 and a line on standard error. */
#include "checks.h"

#include "kernel.h"
#include "require.h"

static const struct {
	const char *name;
	void (*run)(const struct job *job);
} CHECKS[] = {
	{"cells", check_cells},	      {"writers", check_writers}, {"sharing", check_sharing},
	{"forks", check_forks},	      {"locked", check_locked},	  {"swapped", check_swapped},
	{"pinned", check_pinned},     {"full", check_full},	  {"pressure", check_pressure},
	{"rivals", check_rivals},     {"hotplug", check_hotplug}, {"faults", check_faults},
	{"refusals", check_refusals},
};

const char *context = "checks";

int main(int words, char **word)
{
	struct job job;

	REQUIRE(words > 1, "which one?");
	job = job_parse(words - 2, word + 2);
	for (unsigned i = 0; i < COUNT(CHECKS); i++) {
		if (strcmp(CHECKS[i].name, word[1]) != 0)
			continue;
		context = word[1];
		kernel_abi();
		knobs_apply(&job);
		CHECKS[i].run(&job);
		return 0;
	}
	FAIL("no check %s", word[1]);
}
