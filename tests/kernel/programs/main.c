// SPDX-License-Identifier: MIT
/* checks NAME [name=value]...: exit status 0 if the check passes, otherwise 1 and a message. */
#include "checks.h"

#include "kernel.h"
#include "memory.h"
#include "require.h"

static const struct {
	const char *name;
	void (*run)(const struct job *job);
} CHECKS[] = {
	{"cells", check_cells},
	{"writers", check_writers},
	{"sharing", check_sharing},
	{"forks", check_forks},
	{"locked", check_locked},
	{"swapped", check_swapped},
	{"pinned", check_pinned},
	{"full", check_full},
	{"pressure", check_pressure},
	{"races", check_races},
	{"hotplug", check_hotplug},
	{"faults", check_faults},
	{"refusals", check_refusals},
	{"exchange", check_exchange},
	{"exchange_random", check_exchange_random},
	{"exchange_refusals", check_exchange_refusals},
	{"exchange_writers", check_exchange_writers},
	{"exchange_sharing", check_exchange_sharing},
	{"exchange_locked", check_exchange_locked},
	{"exchange_full", check_exchange_full},
	{"exchange_faults", check_exchange_faults},
	{"exchange_races", check_exchange_races},
	{"exchange_poison", check_exchange_poison},
	{"exchange_poison_back", check_exchange_poison_back},
	{"exchange_code", check_exchange_code},
	{"tags", check_tags},
	{"exchange_tags", check_exchange_tags},
	{"deferred", check_deferred},
	{"compat", check_compat},
	{"busy", check_busy},
	{"compaction", check_compaction},
	{"balancing", check_balancing},
	{"mixed", check_mixed},
	{"fuzz", check_fuzz},
};

const char *context = "checks";

int main(int words, char **word)
{
	struct job job;

	REQUIRE(words > 1, "usage: checks NAME [name=value]...");
	job = job_parse(words - 2, word + 2);
	for (unsigned i = 0; i < COUNT(CHECKS); i++) {
		if (strcmp(CHECKS[i].name, word[1]) != 0)
			continue;
		context = word[1];
		kernel_abi();
		page_sizes_read();
		knobs_apply(&job);
		CHECKS[i].run(&job);
		return 0;
	}
	FAIL("no such check: %s", word[1]);
}
