/* SPDX-License-Identifier: MIT */
/* The kernel's log, from one trial to the next. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

struct kernel_log {
	int file;      /* of /dev/kmsg; -1: it cannot be read */
	int seen_file; /* keeps the number of the last message that was told, for the next runner of
			  the block */
	uint64_t seen; /* number of the last message that was told, and 1: what is below was told */
};

/* seen: path of a file of this block and boot. Messages before the block are not told. */
void kernel_log_open(struct kernel_log *log, const char *seen);
void kernel_log_close(struct kernel_log *log);

/* Adds the member "kernel_log": the lines since the last call, as "dmesg -r" prints them, at most
 * the newest 200; null if the log cannot be read. */
void kernel_log_tell(struct kernel_log *log, struct json *json);

#endif
