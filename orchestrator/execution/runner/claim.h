/* SPDX-License-Identifier: MIT */
/* The one runner of a host: BASE/running; identity.h describes its lines. */
#ifndef CLAIM_H
#define CLAIM_H

#include "identity.h"

enum claim {
	CLAIM_TAKEN = 0,
	CLAIM_FAILED = 1,      /* nothing can be written, see errno */
	CLAIM_SAME_BLOCK = 3,  /* this block runs already */
	CLAIM_OTHER_BLOCK = 4, /* another block runs here */
};

/* Makes this process the runner, and writes the same lines to BLOCK/runner; other: who is it
 * instead. */
enum claim claim_host(const char *base, const char *block, struct runner *other);
void claim_release(const char *base);

#endif
