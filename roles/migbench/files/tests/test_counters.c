// SPDX-License-Identifier: MIT
#include "check.h"
#include "counters.h"
#include "kworkers.h"

static void test_vmstat(void)
{
	struct counters before = {.vmstat = "nr_free_pages 10\npgfault 5\npgmigrate_success 7\n"
					    "thp_migration_split 0\nthp_split_page 1\n"};
	struct counters after = {.vmstat = "nr_free_pages 2\npgfault 5\npgmigrate_success 519\n"
					   "thp_migration_split 0\nthp_split_page 3\n"};
	struct json json = {0};

	/* Migration counters, other memory counters that changed, and no gauges. */
	vmstat_json(&before, &after, &json);
	CHECK_TEXT(json.text, "\"vmstat\":{\"pgmigrate_success\":512,\"thp_migration_split\":0,"
			      "\"thp_split_page\":2}");
	free(json.text);
}

static void test_kworkers(void)
{
	struct kworker first[] = {{5, 100}, {7, 50}, {9, 1}}, second[] = {{5, 130}, {8, 4}, {9, 1}};
	struct kworker_times before = {.count = 3, .workers = first};
	struct kworker_times after = {.count = 3, .workers = second};
	struct counters empty = {0};
	uint64_t ns;

	/* 5 ran for 30 ns, 7 has exited, 8 is new and ran for 4 ns. */
	CHECK(kworkers_used_ns(&before, &after) == 34);
	CHECK(!kworker_cpu_ns(&empty, &empty, &ns));
}

static void test_reading(void)
{
	struct counters before = {0}, after = {0};

	counters_read_before(&before);
	counters_read_at_once(&after);
	counters_read_after(&after);
	CHECK(strstr(before.vmstat, "pgfault "));
	CHECK(before.has_context_switches && after.context_switches >= before.context_switches);
	counters_free(&before);
	counters_free(&after);
}

int main(void)
{
	test_vmstat();
	test_kworkers();
	test_reading();
	return 0;
}
