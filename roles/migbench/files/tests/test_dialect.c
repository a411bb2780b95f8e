// SPDX-License-Identifier: MIT
/* Detection of each dialect with a fake root and fake flags. */
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "dialect.h"

static int known_flags;
static char root[] = "/tmp/migbench-dialect-XXXXXX";

static bool accepts(int flag)
{
	return (known_flags & flag) == flag;
}

static const struct prober PROBER = {.root = root, .accepts_flag = accepts};

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + sizeof(root), '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	CHECK(file);
	fputs(text, file);
	fclose(file);
}

static void clear(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s/proc %s/sys", root, root);
	CHECK(system(command) == 0);
	known_flags = 0;
}

static struct dialect *detect(const char *wanted)
{
	char evidence[256];
	struct dialect *dialect = dialect_detect(&PROBER, evidence, sizeof(evidence));

	CHECK(dialect);
	CHECK_TEXT(dialect->name, wanted);
	CHECK(evidence[0]);
	return dialect;
}

/* Status and selection of a mode with these features. */
static enum status select_features(struct dialect *dialect, unsigned features, uint64_t number,
				   struct selection *selection)
{
	struct verdict verdict = {0};
	bool can = dialect_select(dialect, &PROBER, features, number, selection, &verdict);

	CHECK(can == (verdict.status == STATUS_OK));
	CHECK(can || verdict.reason[0]);
	return verdict.status;
}

static void test_mainline(void)
{
	struct selection selection;
	struct verdict verdict = {0};
	struct dialect *dialect;

	clear();
	dialect = detect("mainline");
	CHECK(!dialect_select(dialect, &PROBER, FEATURE_THREADS, 0, &selection, &verdict));
	CHECK_TEXT(verdict.reason,
		   "this kernel (mainline) has no flag and no switch for this mode");
	for (unsigned features = 1; features < 16; features++)
		CHECK(select_features(dialect, features, 335, &selection) == STATUS_UNSUPPORTED);
	/* Flags without a known interface must not be used. */
	known_flags = 0x40;
	dialect = detect("unknown");
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_UNSUPPORTED);
	known_flags = 0x40000000;
	detect("unknown");
	/* Known knobs with other flags match no known dialect. */
	put("/proc/sys/vm/mt_page_copy", "0\n");
	put("/proc/sys/vm/limit_mt_num", "4\n");
	known_flags = 0;
	detect("unknown");
}

#define ACCEL "/sys/kernel/mm/migration_accel"

static void put_accel(void)
{
	put(ACCEL "/version", "3\n");
	put(ACCEL "/flags/parallel", "0x10000\n");
	put(ACCEL "/flags/concurrent", "0x20000\n");
	put(ACCEL "/threads", "3\n");
}

static void test_accel(void)
{
	static const char knob[] = "/sys/kernel/debug/migration_accel/take_turns";
	struct selection selection;
	struct dialect *dialect;

	clear();
	known_flags = 0x30000;
	put_accel();
	dialect = detect("accel");
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x10002);
	CHECK(select_features(dialect, FEATURE_THREADS | FEATURE_BATCH, 0, &selection) ==
	      STATUS_OK);
	CHECK(selection.flags == 0x30002);
	CHECK(select_features(dialect, FEATURE_DMA, 0, &selection) == STATUS_UNSUPPORTED);
	CHECK(!dialect->dma.reported);
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 335, &selection) == STATUS_UNSUPPORTED);
	CHECK(selection.exchange_number == 0);
	CHECK(dialect_threads(dialect, &PROBER, 8) == 3);
	CHECK(dialect_threads(dialect, &PROBER, 2) == 2);
	CHECK(!dialect->take_turns_knob);
	put(knob, "0\n");
	CHECK_TEXT(detect("accel")->take_turns_knob, knob);
	/* Later versions, and knobs that other dialects have as well */
	put(ACCEL "/version", "4\n");
	put("/proc/sys/vm/mt_page_copy", "0\n");
	detect("accel");
}

static void test_accel_knobs(void)
{
	struct json json = {0};
	struct dialect *dialect;

	clear();
	put_accel();
	put(ACCEL "/threads_node", "destination\n");
	put(ACCEL "/policy/exchange", "parallel concurrent\n");
	dialect = detect("accel");
	dialect_json(dialect, &PROBER, "files", &json);
	CHECK_TEXT(json.text, "\"dialect\":{\"name\":\"accel\",\"evidence\":\"files\",\"knobs\":{"
			      "\"" ACCEL "/threads\":\"3\","
			      "\"" ACCEL "/threads_node\":\"destination\","
			      "\"" ACCEL "/policy/exchange\":\"parallel concurrent\"}}");
	free(json.text);
}

static void test_accel_with_exchange_pages(void)
{
	struct selection selection;
	struct dialect *dialect;

	clear();
	known_flags = 0x30000;
	put_accel();
	put(ACCEL "/exchange_pages", "548\n");
	dialect = detect("accel");
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 0, &selection) == STATUS_OK);
	CHECK(selection.exchange_number == 548 && selection.exchange_reports_status);
	CHECK(select_features(dialect, FEATURE_EXCHANGE | FEATURE_THREADS | FEATURE_BATCH, 548,
			      &selection) == STATUS_OK);
	CHECK(selection.flags == 0x30002);
	/* The option must not contradict the kernel. */
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 335, &selection) == STATUS_DISTURBED);
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_OK);
	CHECK(selection.exchange_number == 0 && !selection.exchange_reports_status);
}

static struct dialect *detect_dma(const char *provider, const char *channels, const char *drivers)
{
	clear();
	known_flags = 0x70000;
	put_accel();
	put(ACCEL "/flags/offload", "0x40000\n");
	put(ACCEL "/offload/provider", provider);
	put(ACCEL "/offload/dma/available_channels", channels);
	put(ACCEL "/offload/dma/drivers", drivers);
	return detect("accel");
}

static void test_accel_with_dma(void)
{
	struct selection selection;
	struct dialect *dialect = detect_dma("dma\n", "4\n", "softdma\n");

	CHECK(select_features(dialect, FEATURE_DMA, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x40002);
	CHECK(select_features(dialect, FEATURE_DMA | FEATURE_BATCH, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x60002);
	CHECK(dialect->dma.reported && dialect->dma.software && dialect->dma.channels == 4);
	CHECK_TEXT(dialect->dma.engine, "softdma");

	dialect = detect_dma("dma\n", "16\n", "ioatdma idxd\n");
	CHECK(!dialect->dma.software && dialect->dma.channels == 16);
	CHECK_TEXT(dialect->dma.engine, "ioatdma idxd");

	/* What some channels of software copy is not the performance of an engine either. */
	CHECK(detect_dma("dma\n", "8\n", "ioatdma softdma\n")->dma.software);
	CHECK(!detect_dma("dma\n", "8\n", "softdmax\n")->dma.software);

	/* DMA is supported, but there is no channel, or they are not used. */
	for (int off = 0; off < 2; off++) {
		dialect = off ? detect_dma("none\n", "4\n", "softdma\n")
			      : detect_dma("dma\n", "0\n", "none\n");
		CHECK(select_features(dialect, FEATURE_DMA, 0, &selection) == STATUS_UNSUPPORTED);
		CHECK(select_features(dialect, FEATURE_DMA | FEATURE_BATCH, 0, &selection) ==
		      STATUS_UNSUPPORTED);
		CHECK(select_features(dialect, FEATURE_BATCH, 0, &selection) == STATUS_OK);
		CHECK(!dialect->dma.software);
		CHECK_TEXT(dialect->dma.engine, "");
	}

	/* Something else copies: the counters show whether it does. */
	dialect = detect_dma("other\n", "4\n", "softdma\n");
	CHECK(select_features(dialect, FEATURE_DMA, 0, &selection) == STATUS_OK);
	CHECK(!dialect->dma.reported && !dialect->dma.software);
}

static void test_rfc2017(void)
{
	struct selection selection;
	struct dialect *dialect;

	clear();
	put("/proc/sys/vm/mt_page_copy", "0\n");
	put("/proc/sys/vm/use_all_dma_chans", "0\n");
	known_flags = 0x40 | 0x80 | 0x100;
	dialect = detect("rfc2017");
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x42 && !selection.switch_path);
	CHECK(select_features(dialect, FEATURE_THREADS | FEATURE_BATCH, 0, &selection) ==
	      STATUS_OK);
	CHECK(selection.flags == 0xc2);
	CHECK(select_features(dialect, FEATURE_DMA, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x102);
	/* Without channels a DMA batch crashes that kernel. */
	CHECK(select_features(dialect, FEATURE_DMA | FEATURE_BATCH, 0, &selection) ==
	      STATUS_DISTURBED);
	put("/proc/sys/vm/use_all_dma_chans", "1\n");
	CHECK(select_features(dialect, FEATURE_DMA | FEATURE_BATCH, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x182);
	CHECK(dialect_threads(dialect, &PROBER, 20) == 8);
	CHECK(dialect_threads(dialect, &PROBER, 7) == 6);
	CHECK(dialect_threads(dialect, &PROBER, 1) == 0);

	/* The six patches for the threaded copy: no DMA, no batches. */
	clear();
	put("/proc/sys/vm/mt_page_copy", "0\n");
	known_flags = 0x40;
	dialect = detect("rfc2017");
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_OK);
	CHECK(select_features(dialect, FEATURE_BATCH, 0, &selection) == STATUS_UNSUPPORTED);
	/* With flag 0x20, flag 0x100 is not DMA. */
	known_flags = 0x20 | 0x40 | 0x100;
	detect("unknown");
}

static void test_exchange(void)
{
	struct selection selection;
	struct dialect *dialect;

	clear();
	put("/proc/sys/vm/accel_page_copy", "0\n");
	put("/proc/sys/vm/limit_mt_num", "6\n");
	known_flags = 0x20 | 0x40 | 0x80;
	dialect = detect("nimble2019");
	CHECK(dialect_threads(dialect, &PROBER, 16) == 6);
	CHECK(select_features(dialect, FEATURE_DMA, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x22);
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 333, &selection) == STATUS_UNSUPPORTED);
	put("/proc/kallsyms", "0000000000000000 T __x64_sys_exchange_pages_not\n");
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 333, &selection) == STATUS_UNSUPPORTED);
	put("/proc/kallsyms", "0000000000000000 T __x64_sys_move_pages\n"
			      "0000000000000000 T __x64_sys_exchange_pages\n");
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 0, &selection) == STATUS_UNSUPPORTED);
	CHECK(select_features(dialect, FEATURE_EXCHANGE, 333, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x02);
	CHECK(selection.exchange_number == 333 && !selection.exchange_reports_status);
	CHECK(select_features(dialect, FEATURE_EXCHANGE | FEATURE_THREADS, 333, &selection) ==
	      STATUS_OK);
	CHECK(selection.flags == 0x42);
}

static void test_switches(void)
{
	struct selection selection;
	struct dialect *dialect;

	clear();
	put("/proc/sys/vm/accel_page_copy", "1\n");
	dialect = detect("nov2016");
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_OK);
	CHECK(selection.flags == 0x02 && selection.switch_path);

	clear();
	put("/proc/sys/vm/use_mt_copy", "0\n");
	put("/proc/sys/vm/limit_mt_num", "4\n");
	dialect = detect("jan2025");
	CHECK(dialect_threads(dialect, &PROBER, 2) == 2);
	CHECK(select_features(dialect, FEATURE_THREADS | FEATURE_BATCH, 0, &selection) ==
	      STATUS_DISTURBED);
	put("/proc/sys/vm/use_mt_copy", "1\n");
	CHECK(select_features(dialect, FEATURE_THREADS | FEATURE_BATCH, 0, &selection) ==
	      STATUS_OK);
	CHECK(select_features(dialect, FEATURE_THREADS, 0, &selection) == STATUS_UNSUPPORTED);

	clear();
	put("/sys/kernel/cpu_mt/offloading", "0\n");
	put("/sys/kernel/cpu_mt/threads", "16\n");
	put("/sys/module/dcbm/parameters/offloading", "1\n");
	dialect = detect("amd");
	CHECK(dialect_threads(dialect, &PROBER, 2) == 16);
	CHECK(select_features(dialect, FEATURE_DMA | FEATURE_BATCH, 0, &selection) == STATUS_OK);
	CHECK_TEXT(selection.switch_path, "/sys/module/dcbm/parameters/offloading");
	CHECK(select_features(dialect, FEATURE_THREADS | FEATURE_BATCH, 0, &selection) ==
	      STATUS_DISTURBED);
}

int main(void)
{
	CHECK(mkdtemp(root));
	test_mainline();
	test_accel();
	test_accel_knobs();
	test_accel_with_exchange_pages();
	test_accel_with_dma();
	test_rfc2017();
	test_exchange();
	test_switches();
	clear();
	CHECK(rmdir(root) == 0);
	return 0;
}
