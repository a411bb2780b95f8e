/* SPDX-License-Identifier: MIT */
/* What a trial is asked to do. One table in options.c drives parsing, --help, --list-options
 * and the "request" that every result repeats. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define NODE_AUTO (-1)

struct options {
	const char *mode;
	uint64_t page_size; /* bytes */
	const char *memory;
	uint64_t pages;
	uint64_t threads; /* 0: one, or as many as the kernel is set to use */
	int source_node, target_node;
	const char *cpu_node;
	uint64_t settle_ms;
	uint64_t warmup_pages;
	bool toucher, victim, with_copy;
	const char *dialect;
	const char *take_turns;
	uint64_t exchange_number; /* 0: not given */
	bool list_modes, list_options, list_metrics, probe, version, help;
};

/* Fills options from the command line. On a bad one prints a line to stderr and returns false. */
bool options_parse(struct options *options, int argc, char **argv);

void options_print_help(FILE *stream);
void options_list(struct json *json);
void options_request(const struct options *options, struct json *json);

#endif
