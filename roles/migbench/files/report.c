// SPDX-License-Identifier: MIT
#include "report.h"

#include <string.h>
#include <sys/utsname.h>

#include "clock.h"
#include "size.h"
#include "sysfs.h"

/* Settings that affect migrations. Files that do not exist are skipped. */
static const struct {
	const char *name, *path;
} SETTINGS[] = {
	{"clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
	{"thp_enabled", "/sys/kernel/mm/transparent_hugepage/enabled"},
	{"thp_shmem_enabled", "/sys/kernel/mm/transparent_hugepage/shmem_enabled"},
	{"numa_balancing", "/proc/sys/kernel/numa_balancing"},
	{"boot_id", "/proc/sys/kernel/random/boot_id"},
};

void report_begin(struct json *json)
{
	json_object(json, NULL);
	json_integer(json, "migbench", REPORT_FORMAT);
	json_string(json, "version", MIGBENCH_VERSION);
}

/* An exchange must not change the free memory of either node. */
static void report_free(const struct trial *trial, struct json *json)
{
	json_object(json, "free_bytes");
	json_unsigned(json, "source_before", trial->free_before.source);
	json_unsigned(json, "source_after", trial->free_after.source);
	json_unsigned(json, "target_before", trial->free_before.target);
	json_unsigned(json, "target_after", trial->free_after.target);
	json_end_object(json);
}

static void report_environment(const struct topology *topology, struct json *json)
{
	struct utsname name;
	char text[256];

	uname(&name);
	json_string(json, "release", name.release);
	json_string(json, "machine", name.machine);
	json_string(json, "clock", CLOCK_NAME);
	json_unsigned(json, "base_page_bytes", base_page_size());
	json_integer(json, "cpus_online", sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < sizeof(SETTINGS) / sizeof(SETTINGS[0]); i++)
		if (read_text(SETTINGS[i].path, text, sizeof(text)))
			json_string(json, SETTINGS[i].name, text);
	topology_json(topology, json);
}

static void append(char *text, size_t size, const char *part)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? "; " : "", part);
}

/* Pages that the kernel copied in a way that the mode does not ask for. */
static const struct {
	enum metric metric;
	unsigned feature;
	const char *policy;
} NOT_REQUESTED[] = {
	{METRIC_PAGES_BY_THREADS, FEATURE_THREADS, "parallel"},
	{METRIC_BATCHES, FEATURE_BATCH, "concurrent"},
	{METRIC_PAGES_BY_DMA, FEATURE_DMA, "offload"},
};

/* The words of policies that had an effect. */
static void policies_in_effect(const struct trial *trial, char *words, size_t size)
{
	size_t used = 0;

	words[0] = '\0';
	for (size_t i = 0; i < sizeof(NOT_REQUESTED) / sizeof(NOT_REQUESTED[0]); i++)
		if (!(trial->mode->features & NOT_REQUESTED[i].feature) &&
		    trial->metrics.of[NOT_REQUESTED[i].metric].value > 0)
			used += (size_t)snprintf(words + used, size - used, " %s",
						 NOT_REQUESTED[i].policy);
}

/* A label marks results whose options alone would mislead. */
static void report_label(const struct trial *trial, struct json *json)
{
	char name[256] = "", means[768] = "", size[SIZE_TEXT], part[128], words[64];

	if (trial->mode->features & FEATURE_DMA && trial->dialect->dma.software) {
		append(name, sizeof(name), "dma (software channel)");
		append(means, sizeof(means),
		       "kernel threads emulate the DMA engine: the results test the code path and "
		       "are not the performance of any DMA engine");
	}
	if (trial->options->page_size != PAGE_SIZE_BASE &&
	    trial->options->page_size < trial->page_size) {
		size_format(trial->page_size, size);
		snprintf(part, sizeof(part), "%s pages", size);
		append(name, sizeof(name), part);
		snprintf(part, sizeof(part),
			 "base pages of this machine have %s, more than the requested size", size);
		append(means, sizeof(means), part);
	}
	policies_in_effect(trial, words, sizeof(words));
	if (words[0]) {
		snprintf(part, sizeof(part), "policy:%s", words);
		append(name, sizeof(name), part);
		append(means, sizeof(means),
		       "a policy of the kernel accelerated migrations of a mode that does not ask "
		       "for it");
	}
	if (!name[0])
		return;
	json_object(json, "label");
	json_string(json, "name", name);
	json_string(json, "means", means);
	json_end_object(json);
}

void report_trial(const struct trial *trial, struct json *json)
{
	report_begin(json);
	json_string(json, "mode", trial->mode->name);
	json_string(json, "status", status_name(trial->verdict.status));
	json_string(json, "reason", trial->verdict.reason);
	report_label(trial, json);
	options_request(trial->options, json);
	dialect_json(trial->dialect, &REAL_KERNEL, trial->dialect_evidence, json);
	metrics_json(&trial->metrics, json);
	if (trial->verification.checked)
		verification_json(&trial->verification, json);
	if (trial->counted) {
		report_free(trial, json);
		vmstat_json(&trial->before, &trial->after, json);
	}
	json_object(json, "environment");
	if (trial->counted) {
		json_string(json, "memory", memory_kind_name(trial->kind));
		json_unsigned(json, "page_bytes", trial->page_size);
		json_integer(json, "source_node", trial->source);
		json_integer(json, "target_node", trial->target);
		json_unsigned(json, "threads", trial->threads);
		json_bool(json, "take_turns", trial->take_turns);
		json_integer(json, "caller_cpu", trial->caller_cpu);
	}
	report_environment(&trial->topology, json);
	json_end_object(json);
	json_end_object(json);
}

static void report_mode(const struct mode *mode, const struct dialect *dialect,
			const struct topology *topology, uint64_t exchange_number,
			struct json *json)
{
	struct verdict verdict = {0};
	struct selection selection;

	if (nodes_are_enough(mode, topology, &verdict) && mode->features)
		dialect_select(dialect, &REAL_KERNEL, mode->features, exchange_number, &selection,
			       &verdict);
	json_object(json, mode->name);
	json_string(json, "status", status_name(verdict.status));
	json_string(json, "reason", verdict.reason);
	json_end_object(json);
}

void report_probe(const struct options *options, struct json *json)
{
	struct topology topology;
	char evidence[256];
	struct dialect *dialect = dialect_detect(&REAL_KERNEL, evidence, sizeof(evidence));

	topology_read(&topology);
	report_begin(json);
	dialect_json(dialect, &REAL_KERNEL, evidence, json);
	json_object(json, "modes");
	for (const struct mode *mode = mode_first(); mode; mode = mode->next)
		report_mode(mode, dialect, &topology, options->exchange_number, json);
	json_end_object(json);
	json_object(json, "environment");
	report_environment(&topology, json);
	json_end_object(json);
	json_end_object(json);
	topology_free(&topology);
}
