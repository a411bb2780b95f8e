/* SPDX-License-Identifier: MIT */
/* Status of a trial with the reason. Only the first error is recorded. */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>

enum status { STATUS_OK, STATUS_FAILED, STATUS_UNSUPPORTED, STATUS_DISTURBED };

/* Exit codes are part of the interface: benchmark.yaml maps them to the status of a trial. */
enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNSUPPORTED = 3,
	EXIT_DISTURBED = 4,
};

struct verdict {
	enum status status;
	char reason[512];
};

/* Records status and reason unless there is an error already. */
void verdict_note(struct verdict *verdict, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* verdict_note that returns false, for "return verdict_set(...)". A macro, so that the compiler
 * sees the value. */
#define verdict_set(...) (verdict_note(__VA_ARGS__), false)

const char *status_name(enum status status);
enum exit_code status_exit_code(enum status status);

#endif
