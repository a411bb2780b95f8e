/* SPDX-License-Identifier: MIT */
/* Test pattern. Every word depends on its address, so a page at a wrong address is detected. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* origin is the address that the pattern is derived from; for a copy that of the original. */
void pattern_fill(void *start, size_t bytes, const void *origin);

/* Number of bytes that differ from the pattern. If any, *first_wrong is the offset of the first. */
size_t pattern_wrong_bytes(const void *start, size_t bytes, const void *origin,
			   size_t *first_wrong);

#endif
