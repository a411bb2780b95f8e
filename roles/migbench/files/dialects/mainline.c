// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <sys/utsname.h>

#include "dialect.h"

static bool detect(struct dialect *self, const struct prober *prober, char *evidence, size_t size)
{
	struct utsname name;

	(void)self;
	(void)prober;
	uname(&name);
	snprintf(evidence, size, "release %s; no other interface found, no other flag accepted",
		 name.release);
	return true;
}

DIALECT(mainline) = {
	.name = "mainline",
	.summary = "mainline kernel, no accelerated page migration",
	.rank = 100,
	.detect = detect,
};
