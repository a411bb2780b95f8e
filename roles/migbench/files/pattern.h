/* SPDX-License-Identifier: MIT */
/* Contents that depend on the address: a page in another's place shows, even one of zeroes. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* origin is the address that the contents are derived from; a copy keeps its source's. */
void pattern_fill(void *start, size_t bytes, const void *origin);

/* Bytes that differ from the pattern. first_wrong gets the first one's offset, if there is one. */
size_t pattern_wrong_bytes(const void *start, size_t bytes, const void *origin,
			   size_t *first_wrong);

#endif
