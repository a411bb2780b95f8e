/* SPDX-License-Identifier: MIT */
/* The end of what a program prints on one of its streams; no more than that is ever kept. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct output {
	int file;     /* our end of the pipe; -1: closed */
	int its_file; /* the end of the program; -1: closed */
	char *ring;
	size_t limit;
	uint64_t total;
};

/* Makes the pipe; limit: how many bytes are kept, the last. False with errno. */
bool output_open(struct output *output, size_t limit);
/* Reads what is there, at most as much as the pipe holds: a program may print as fast as we read.
 * Returns false at the end. */
bool output_read(struct output *output);
/* Closes both ends; what was read stays. */
void output_close(struct output *output);
/* Adds the bytes that are kept; returns whether there were more before them. */
bool output_kept(const struct output *output, struct text *text);
void output_free(struct output *output);

#endif
