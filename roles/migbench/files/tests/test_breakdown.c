// SPDX-License-Identifier: MIT
/* Metrics and checks of the breakdown, with fake counters and a fake phase knob. */
#include <unistd.h>

#include "breakdown.h"
#include "check.h"
#include "size.h"
#include "trial.h"

#define NO_PHASES "unmap_ns 7\nflush_ns 7\ncopy_ns 7\nremap_ns 7\n"
#define PHASES	  "unmap_ns 2007\nflush_ns 7\ncopy_ns 400007\nremap_ns 3007\n"
#define NOTHING                                                         \
	"pages_serial 5\npages_threads 0\nthreads_fallback_cpus 0\n"    \
	"threads_fallback_memory 0\nthreads_fallback_size 0\n"          \
	"worker_ns 100\nhandover_ns 100\nlongest_ns 100\nspan_ns 100\n" \
	"batches 1\nbatch_folios 1\n"
#define FOUR_THREADS                                                   \
	"pages_serial 5\npages_threads 512\nthreads_fallback_cpus 0\n" \
	"threads_fallback_memory 0\nthreads_fallback_size 0\n"         \
	"worker_ns 380100\nhandover_ns 15100\nlongest_ns 105100\n"     \
	"span_ns 395100\nbatches 2\nbatch_folios 17\n"

static char phase_knob[] = "/tmp/migbench-breakdown-XXXXXX";
static const struct mode PARALLEL = {.name = "parallel", .features = FEATURE_THREADS};
static const struct mode BATCHED = {.name = "both", .features = FEATURE_THREADS | FEATURE_BATCH};
static const struct mode SERIAL = {.name = "serial"};
static const struct mode USER_THREADS = {.name = "userthreads", .user_threads = true};

static struct options options;

static void set_phase_knob(const char *text)
{
	FILE *file = fopen(phase_knob, "w");

	CHECK(file);
	fputs(text, file);
	fclose(file);
}

/* The lines without the prefix that all these names have */
static void set_counters(struct counters *counters, const char *lines)
{
	size_t used = 0;

	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
		used += (size_t)snprintf(counters->vmstat + used, sizeof(counters->vmstat) - used,
					 "migration_accel/%.*s\n", (int)(end - lines), lines);
}

/* A call of 500 us that moved one huge page. */
static struct trial *trial_of(const struct mode *mode, const char *before, const char *after)
{
	static struct dialect dialect;
	static struct trial trial;

	options = (struct options){0};
	dialect = (struct dialect){.phase_knob = phase_knob};
	trial = (struct trial){.options = &options,
			       .mode = mode,
			       .dialect = &dialect,
			       .threads = 4,
			       .take_turns = true};
	set_counters(&trial.before, before);
	set_counters(&trial.after, after);
	metric_set(&trial.metrics, METRIC_CALL_LATENCY, 500);
	return &trial;
}

static void breakdown(struct trial *trial)
{
	breakdown_metrics(trial);
	breakdown_modelled(trial, 500e3, 2.0 * MIB);
	breakdown_check(trial);
}

static bool has(const struct trial *trial, enum metric metric)
{
	return trial->metrics.of[metric].measured;
}

static bool near(const struct trial *trial, enum metric metric, double wanted)
{
	double off = trial->metrics.of[metric].value - wanted;

	return has(trial, metric) && off < wanted * 1e-9 + 1e-9 && -off < wanted * 1e-9 + 1e-9;
}

static void test_threads_one_by_one(void)
{
	struct trial *trial = trial_of(&BATCHED, NO_PHASES NOTHING, PHASES FOUR_THREADS);

	set_phase_knob("1\n");
	breakdown(trial);
	CHECK(near(trial, METRIC_UNMAP_TIME, 2) && near(trial, METRIC_FLUSH_TIME, 0));
	CHECK(near(trial, METRIC_COPY_TIME, 400) && near(trial, METRIC_REMAP_TIME, 3));
	CHECK(near(trial, METRIC_WORKER_SUM, 380) && near(trial, METRIC_WORKER_LONGEST, 105));
	CHECK(near(trial, METRIC_WORKER_HANDOVER, 15) && near(trial, METRIC_WORKER_SPAN, 395));
	CHECK(near(trial, METRIC_MODELLED_LATENCY, 210) && near(trial, METRIC_COPY_MODELLED, 110));
	CHECK(near(trial, METRIC_MODELLED_THROUGHPUT, 2.0 / 1024 / 210e-6));
	CHECK(near(trial, METRIC_PAGES_BY_THREADS, 512) && near(trial, METRIC_PAGES_BY_CALLER, 0));
	CHECK(near(trial, METRIC_BATCHES, 1) && near(trial, METRIC_BATCHED_FOLIOS, 16));
	CHECK(trial->verdict.status == STATUS_OK);
}

static void test_pairs_count_as_two(void)
{
	struct trial *trial =
		trial_of(&BATCHED,
			 NOTHING "exchange/pages_threads 1\nexchange/pages_serial 0\n"
				 "exchange/batches 0\nexchange/batch_folios 0\n",
			 NOTHING "exchange/pages_threads 8193\nexchange/pages_serial 3\n"
				 "exchange/batches 1\nexchange/batch_folios 16\n");

	set_phase_knob("0\n");
	breakdown(trial);
	CHECK(near(trial, METRIC_PAGES_BY_THREADS, 16384) &&
	      near(trial, METRIC_PAGES_BY_CALLER, 6));
	CHECK(near(trial, METRIC_BATCHES, 1) && near(trial, METRIC_BATCHED_FOLIOS, 32));
	CHECK(trial->verdict.status == STATUS_OK);
}

static void test_no_modelled_metrics_for_parallel_threads(void)
{
	struct trial *trial = trial_of(&PARALLEL, NO_PHASES NOTHING, PHASES FOUR_THREADS);

	set_phase_knob("1\n");
	trial->take_turns = false;
	breakdown(trial);
	CHECK(has(trial, METRIC_COPY_TIME) && !has(trial, METRIC_COPY_MODELLED));
	CHECK(!has(trial, METRIC_MODELLED_LATENCY) && !has(trial, METRIC_MODELLED_THROUGHPUT));

	trial = trial_of(&SERIAL, NO_PHASES NOTHING, NO_PHASES NOTHING);
	options.victim = true;
	breakdown(trial);
	CHECK(!has(trial, METRIC_MODELLED_LATENCY) && !has(trial, METRIC_MODELLED_THROUGHPUT));

	trial = trial_of(&USER_THREADS, NO_PHASES NOTHING, NO_PHASES NOTHING);
	breakdown(trial);
	CHECK(!has(trial, METRIC_MODELLED_LATENCY) && !has(trial, METRIC_MODELLED_THROUGHPUT));
}

static void test_no_phase_times_if_disabled(void)
{
	struct trial *trial = trial_of(&SERIAL, NO_PHASES NOTHING, NO_PHASES NOTHING);

	set_phase_knob("0\n");
	breakdown(trial);
	CHECK(!has(trial, METRIC_UNMAP_TIME) && !has(trial, METRIC_FLUSH_TIME));
	CHECK(!has(trial, METRIC_COPY_TIME) && !has(trial, METRIC_REMAP_TIME));
	CHECK(!has(trial, METRIC_COPY_MODELLED));
	/* No thread copied: modelled is equal to measured. */
	CHECK(near(trial, METRIC_MODELLED_LATENCY, 500));
	CHECK(trial->verdict.status == STATUS_OK);
}

static void test_kernel_without_counters(void)
{
	struct trial *trial = trial_of(&PARALLEL, "pgfault 1\n", "pgfault 2\n");

	trial->dialect->phase_knob = NULL;
	breakdown(trial);
	CHECK(!has(trial, METRIC_UNMAP_TIME) && !has(trial, METRIC_PAGES_BY_THREADS));
	CHECK(trial->verdict.status == STATUS_OK); /* nothing to check */
	metric_set(&trial->metrics, METRIC_KWORKER_CPU, 0);
	breakdown_check(trial);
	CHECK(trial->verdict.status == STATUS_DISTURBED);
}

static const struct {
	const struct mode *mode;
	unsigned threads;
	const char *counters; /* those that are not 0 */
	enum status status;
	const char *reason;
} FALLBACKS[] = {
	{&PARALLEL, 4, "pages_threads 0\nthreads_fallback_cpus 16\nthreads_fallback_memory 2\n",
	 STATUS_DISTURBED,
	 "copies by the caller instead of threads: 16 (not enough CPUs), 2 (out of memory)"},
	{&PARALLEL, 4, "pages_threads 7680\nthreads_fallback_memory 1\n", STATUS_DISTURBED,
	 "copies by the caller instead of threads: 0 (not enough CPUs), 1 (out of memory)"},
	{&PARALLEL, 4, "pages_threads 0\nthreads_fallback_size 512\n", STATUS_UNSUPPORTED,
	 "this kernel does not copy single base pages with threads"},
	{&PARALLEL, 4, "pages_threads 0\n", STATUS_DISTURBED, "no page was copied by threads"},
	{&PARALLEL, 1, "pages_threads 0\nthreads_fallback_cpus 16\n", STATUS_OK, ""},
	{&BATCHED, 4, "pages_threads 512\nbatch_folios 0\n", STATUS_DISTURBED,
	 "no page was copied in a batch"},
	/* A page that was not in the batch may be too small for threads. */
	{&BATCHED, 4, "pages_threads 511\nthreads_fallback_size 1\nbatch_folios 511\n", STATUS_OK,
	 ""},
};

static void test_fallbacks(void)
{
	static const char ZERO[] = "pages_threads 0\nthreads_fallback_cpus 0\n"
				   "threads_fallback_memory 0\nthreads_fallback_size 0\n"
				   "batch_folios 0\n";

	for (size_t i = 0; i < COUNT(FALLBACKS); i++) {
		char after[512];
		struct trial *trial;

		/* If a name occurs twice, the first line is used. */
		snprintf(after, sizeof(after), "%s%s", FALLBACKS[i].counters, ZERO);
		trial = trial_of(FALLBACKS[i].mode, ZERO, after);
		trial->threads = FALLBACKS[i].threads;
		breakdown(trial);
		CHECK(trial->verdict.status == FALLBACKS[i].status);
		CHECK_TEXT(trial->verdict.reason, FALLBACKS[i].reason);
	}
}

static void test_dma(void)
{
	static const struct mode mode = {.name = "dma", .features = FEATURE_DMA};
	struct trial *trial =
		trial_of(&mode,
			 "pages_offload 1\noffload_copies 1\noffload_lanes 4\n"
			 "offload_fallback_provider 0\noffload_fallback_timeout 0\n",
			 "pages_offload 501\noffload_copies 3\noffload_lanes 20\n"
			 "offload_fallback_provider 10\noffload_fallback_timeout 2\n");

	metric_set(&trial->metrics, METRIC_BYTES_MOVED, 512.0 * (double)base_page_size());
	breakdown(trial);
	CHECK(near(trial, METRIC_PAGES_BY_DMA, 500) && near(trial, METRIC_DMA_CHANNELS, 8));
	CHECK(near(trial, METRIC_DMA_FALLBACK_PAGES, 12));
	CHECK(trial->verdict.status == STATUS_DISTURBED);
	CHECK_TEXT(trial->verdict.reason, "500 of 512 base pages were copied by DMA; by the CPU: "
					  "10 (no channel), 2 (timed out)");
}

int main(void)
{
	int fd = mkstemp(phase_knob);

	CHECK(fd >= 0);
	close(fd);
	test_threads_one_by_one();
	test_pairs_count_as_two();
	test_no_modelled_metrics_for_parallel_threads();
	test_no_phase_times_if_disabled();
	test_kernel_without_counters();
	test_fallbacks();
	test_dma();
	CHECK(unlink(phase_knob) == 0);
	return 0;
}
