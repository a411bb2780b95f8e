// SPDX-License-Identifier: MIT
/* A kernel that takes flags which mainline refuses, or has knobs that mainline lacks, in a
 * combination that no row explains: none of them may be used. */
#include <stdio.h>

#include "dialect.h"

static const char *const KNOBS[] = {"/proc/sys/vm/mt_page_copy", "/proc/sys/vm/accel_page_copy",
				    "/proc/sys/vm/limit_mt_num", NULL};

static bool detect(struct dialect *self, const struct prober *prober, char *how, size_t size)
{
	(void)self;
	for (const char *const *knob = KNOBS; *knob; knob++) {
		if (!probe_exists(prober, *knob))
			continue;
		snprintf(how, size, "%s is there, but flags and files fit no known dialect", *knob);
		return true;
	}
	/* Below 0x8 are the flags of mainline itself. */
	for (unsigned flag = 0x8; flag <= 0x40000000; flag *= 2) {
		if (!prober->accepts_flag((int)flag))
			continue;
		snprintf(how, size, "move_pages accepts flag 0x%x, but no known interface is there",
			 flag);
		return true;
	}
	return false;
}

DIALECT(unknown) = {
	.name = "unknown",
	.summary = "flags or knobs whose meaning nothing tells",
	.rank = 90,
	.detect = detect,
	.knobs = KNOBS,
};
