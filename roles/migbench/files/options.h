/* SPDX-License-Identifier: MIT */
/* Options of a trial. One table in options.c is used for parsing, --help, --list-options and the
 * "request" object of the result. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define NODE_AUTO      (-1)
#define PAGE_SIZE_BASE 0	  /* that of the machine */
#define PAGE_SIZE_HUGE UINT64_MAX /* that of a transparent huge page of the machine */

struct options {
	const char *mode;
	uint64_t page_size; /* bytes, PAGE_SIZE_BASE or PAGE_SIZE_HUGE */
	const char *memory;
	uint64_t pages;
	uint64_t threads; /* 0: one, or the kernel's setting */
	int source_node, target_node;
	const char *cpu_node;
	uint64_t settle_ms;
	uint64_t warmup_pages;
	bool latency_probe, victim, with_copy;
	const char *dialect;
	const char *take_turns;
	uint64_t exchange_number; /* 0: not given */
	bool list_modes, list_options, list_metrics, probe, version, help;
};

/* Parses the command line. On an error prints a message to stderr and returns false. */
bool options_parse(struct options *options, int argc, char **argv);

void options_print_help(FILE *stream);
void options_list(struct json *json);
void options_request(const struct options *options, struct json *json);

#endif
