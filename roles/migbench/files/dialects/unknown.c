// SPDX-License-Identifier: MIT
/* A kernel that takes flags which mainline refuses, yet shows no interface that says what they
 * mean: none of them may be used. */
#include <stdio.h>

#include "dialect.h"

static bool detect(struct dialect *self, const struct prober *prober, char *how, size_t size)
{
	(void)self;
	for (int flag = 0x10; flag <= 0x200; flag *= 2) {
		if (!prober->accepts_flag(flag))
			continue;
		snprintf(how, size, "move_pages accepts flag 0x%x, but no known interface is there",
			 (unsigned)flag);
		return true;
	}
	return false;
}

DIALECT(unknown) = {
	.name = "unknown",
	.summary = "accepts flags whose meaning nothing tells",
	.rank = 90,
	.detect = detect,
};
