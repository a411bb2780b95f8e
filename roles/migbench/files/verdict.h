/* SPDX-License-Identifier: MIT */
/* How a trial ended, and why: the first fault found is the one that is told. */
#ifndef VERDICT_H
#define VERDICT_H

#include <stdbool.h>

enum status { STATUS_OK, STATUS_FAILED, STATUS_UNSUPPORTED, STATUS_DISTURBED };

/* Exit codes are part of the interface: the runner maps them to trial status. */
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

void verdict_note(struct verdict *verdict, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Records the fault unless there is one already. False, as the compiler can see, so that a
 * function may say "return verdict_set(...)" to stop its caller. */
#define verdict_set(...) (verdict_note(__VA_ARGS__), false)

const char *status_name(enum status status);
enum exit_code status_exit_code(enum status status);

#endif
