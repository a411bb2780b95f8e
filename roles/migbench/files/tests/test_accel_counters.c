// SPDX-License-Identifier: MIT
/* Counters in files, with a fake root. */
#include <sys/stat.h>
#include <unistd.h>

#include "accel_counters.h"
#include "check.h"

#define STATS "/sys/kernel/mm/migration_accel/stats"
#define DEBUG "/sys/kernel/debug/migration_accel"

static char root[] = "/tmp/migbench-accel-XXXXXX";

static void put(const char *path, const char *text)
{
	char command[512];

	snprintf(command, sizeof(command), "mkdir -p \"$(dirname %s%s)\" && echo %s >%s%s", root,
		 path, text, root, path);
	CHECK(system(command) == 0);
}

static void clear(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/sys", root);
	CHECK(system(command) == 0);
}

static void reads(const char *wanted)
{
	char text[4096];

	accel_counters_read(root, text, sizeof(text));
	CHECK_TEXT(text, wanted);
}

static void test_other_kernels(void)
{
	reads("");
	put(DEBUG "/copy_ns", "1");
	reads("");
	clear();
}

static void test_sums(void)
{
	put(STATS "/syscall_or_cpuset/pages_threads", "512");
	put(STATS "/mempolicy_mbind/pages_threads", "8");
	put(STATS "/compaction/pages_threads", "100000");
	put(STATS "/syscall_or_cpuset/batches", "18446744073709551");
	put(STATS "/exchange/pages_threads", "3");
	put(STATS "/exchange/pairs", "2");
	put(STATS "/exchange/later", "1");
	reads("migration_accel/pages_threads 520\n"
	      "migration_accel/batches 18446744073709551\n"
	      "migration_accel/exchange/pages_threads 3\n"
	      "migration_accel/exchange/pairs 2\n");
	clear();
}

static void test_times(void)
{
	put(STATS "/syscall_or_cpuset/pages_serial", "1");
	put(DEBUG "/unmap_ns", "5");
	put(DEBUG "/offload_ns", "7");
	put(DEBUG "/take_turns", "1");
	reads("migration_accel/pages_serial 1\nmigration_accel/unmap_ns 5\n"
	      "migration_accel/offload_ns 7\n");
	clear();
}

int main(void)
{
	CHECK(mkdtemp(root));
	test_other_kernels();
	test_sums();
	test_times();
	CHECK(rmdir(root) == 0);
	return 0;
}
