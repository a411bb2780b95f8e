/* SPDX-License-Identifier: MIT */
#ifndef LEVENSHTEIN_H
#define LEVENSHTEIN_H

#include <stddef.h>

/* The name with the smallest edit distance to text. */
const char *nearest_name(const char *text, const char *const names[], size_t count);

#endif
