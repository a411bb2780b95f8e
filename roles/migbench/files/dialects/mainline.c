// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <sys/utsname.h>

#include "dialect.h"

static bool detect(struct dialect *self, const struct prober *prober, char *how, size_t size)
{
	struct utsname name;

	(void)self;
	(void)prober;
	uname(&name);
	snprintf(how, size, "release %s; no accelerated interface found, no extra flag accepted",
		 name.release);
	return true;
}

DIALECT(mainline) = {
	.name = "mainline",
	.summary = "a kernel without any of the accelerated interfaces",
	.rank = 100,
	.detect = detect,
};
