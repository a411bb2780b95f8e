// SPDX-License-Identifier: MIT
/* A kernel with flags or knobs that mainline does not have, in a combination that matches no known
 * dialect. None of them are used. */
#include <stdio.h>

#include "dialect.h"

static const char *const KNOBS[] = {"/proc/sys/vm/mt_page_copy", "/proc/sys/vm/accel_page_copy",
				    "/proc/sys/vm/limit_mt_num", NULL};

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	(void)self;
	for (const char *const *knob = KNOBS; *knob; knob++) {
		if (!probe_exists(prober, *knob))
			continue;
		snprintf(evidence, size, "%s exists, but flags and files match no known dialect",
			 *knob);
		return true;
	}
	/* Flags below 0x8 are mainline's. */
	for (unsigned flag = 0x8; flag <= 0x40000000; flag *= 2) {
		if (!prober->accepts_flag((int)flag))
			continue;
		snprintf(evidence, size,
			 "move_pages accepts flag 0x%x, but no known interface exists", flag);
		return true;
	}
	return false;
}

DIALECT(unknown) = {
	.name = "unknown",
	.summary = "unknown flags or knobs",
	.rank = 90,
	.detect = detect,
	.knobs = KNOBS,
};
