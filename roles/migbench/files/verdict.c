// SPDX-License-Identifier: MIT
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	enum exit_code code;
} STATUSES[] = {
	[STATUS_OK] = {"ok", EXIT_OK},
	[STATUS_FAILED] = {"failed", EXIT_FAILED},
	[STATUS_UNSUPPORTED] = {"unsupported", EXIT_UNSUPPORTED},
	[STATUS_DISTURBED] = {"disturbed", EXIT_DISTURBED},
};

void verdict_note(struct verdict *verdict, enum status status, const char *format, ...)
{
	va_list args;

	if (verdict->status != STATUS_OK)
		return;
	verdict->status = status;
	va_start(args, format);
	vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
	va_end(args);
}

const char *status_name(enum status status)
{
	return STATUSES[status].name;
}

enum exit_code status_exit_code(enum status status)
{
	return STATUSES[status].code;
}
