// SPDX-License-Identifier: MIT
#include "check.h"
#include "cpus.h"

static void test_lists(void)
{
	static const char *const WRONG[] = {"1-", "a", "1 2", "3-1", "5,4", "0-4294967295", "-1"};
	struct cpus cpus;

	CHECK(cpus_parse("0-3,8", &cpus) && cpus.count == 5);
	CHECK(cpus_contain(&cpus, 3) && cpus_contain(&cpus, 8) && !cpus_contain(&cpus, 4));
	cpus_free(&cpus);
	CHECK(cpus_parse("", &cpus) && cpus.count == 0);
	for (size_t i = 0; i < COUNT(WRONG); i++) {
		CHECK(!cpus_parse(WRONG[i], &cpus));
		cpus_free(&cpus);
	}
}

/* Machines with more CPUs than cpu_set_t has: 1280 on POWER, 1792 on x86. */
static void test_more_than_1024(void)
{
	struct cpus cpus, isolated;

	CHECK(cpus_parse("0-1791", &cpus) && cpus.count == 1792);
	CHECK(cpus_pick(&cpus, 1791) == 1791 && cpus_pick(&cpus, 1792) == 0);
	CHECK(cpus_parse("1-1022,1030", &isolated));
	cpus_filter(&cpus, &isolated, false);
	CHECK(cpus.count == 1792 - 1023);
	CHECK(cpus_pick(&cpus, 1) == 1023 && !cpus_contain(&cpus, 1030));
	cpus_filter(&cpus, &isolated, true);
	CHECK(cpus.count == 0);
	cpus_free(&cpus);
	cpus_free(&isolated);
}

static void test_affinity(void)
{
	struct cpus allowed, wide;

	CHECK(cpus_allowed(&allowed) && allowed.count > 0);
	/* As for sched_setaffinity, CPUs that do not exist do not matter beside others. */
	CHECK(cpus_parse("0-1791", &wide) && cpus_run_on(&wide));
	cpus_free(&wide);
	CHECK(cpus_parse("1500-1791", &wide) && !cpus_run_on(&wide));
	CHECK(cpus_run_on(&allowed));
	cpus_free(&wide);
	cpus_free(&allowed);
}

int main(void)
{
	test_lists();
	test_more_than_1024();
	test_affinity();
	return 0;
}
