/* SPDX-License-Identifier: MIT */
#ifndef NEAREST_H
#define NEAREST_H

#include <stddef.h>

/* The known name that needs the fewest edits to become text. */
const char *nearest_name(const char *text, const char *const names[], size_t count);

#endif
