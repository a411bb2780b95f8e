// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <stdlib.h>

#include "metrics.h"
#include "mode.h"
#include "options.h"
#include "report.h"
#include "trial.h"

static int print(struct json *json, enum exit_code code)
{
	if (json_print(json, stdout))
		return (int)code;
	perror("migbench: stdout");
	return EXIT_FAILED;
}

static int print_list(void (*list)(struct json *json))
{
	struct json json = {0};

	report_begin(&json);
	list(&json);
	json_end_object(&json);
	return print(&json, EXIT_OK);
}

static int print_probe(const struct options *options)
{
	struct json json = {0};

	report_probe(options, &json);
	return print(&json, EXIT_OK);
}

static int run_trial(const struct options *options)
{
	const char *nearest;
	const struct mode *mode = mode_find(options->mode, &nearest);
	struct trial trial = {0};
	struct json json = {0};
	enum exit_code code;

	if (!mode) {
		fprintf(stderr, "migbench: unknown mode '%s'; did you mean '%s'?\n", options->mode,
			nearest);
		return EXIT_USAGE;
	}
	if (trial_prepare(&trial, options, mode))
		trial_run(&trial);
	code = status_exit_code(trial.verdict.status);
	if (code != EXIT_OK)
		fprintf(stderr, "migbench: %s: %s\n", status_name(trial.verdict.status),
			trial.verdict.reason);
	report_trial(&trial, &json);
	trial_free(&trial);
	return print(&json, code);
}

int main(int argc, char **argv)
{
	struct options options;

	if (!options_parse(&options, argc, argv))
		return EXIT_USAGE;
	if (options.help) {
		options_print_help(stdout);
		return EXIT_OK;
	}
	if (options.version) {
		puts("migbench " MIGBENCH_VERSION);
		return EXIT_OK;
	}
	if (options.list_modes)
		return print_list(modes_list);
	if (options.list_options)
		return print_list(options_list);
	if (options.list_metrics)
		return print_list(metrics_list);
	if (options.probe)
		return print_probe(&options);
	return run_trial(&options);
}
