/* SPDX-License-Identifier: MIT */
/* Where a setting of a host is kept: in a file below /proc/sys or /sys, or by "service:UNIT"
 * (active, inactive), "enabled:UNIT" (enabled, disabled, static …) or "module:NAME" (loaded,
 * absent). */
#ifndef SETTING_VALUE_H
#define SETTING_VALUE_H

#include <stdbool.h>

#include "text.h"

/* Whether there is such a file, unit or module. */
bool setting_exists(const char *path);

/* Reads the value in one line; of a list such as "always [madvise] never" the word in brackets.
 * False if it cannot be read. */
bool setting_read(const char *path, struct text *value);

/* Whether a write is an action and nothing can be read back: the file can only be written, or acts
 * at each write (older kernels let drop_caches be read). */
bool setting_acts(const char *path);

/* Writes the value. The caller reads it back: only of a file that acts is the result of use. */
bool setting_write(const char *path, const char *value);

/* Whether the words of both are equal. Numbers, also masks such as 00000000,0000000f, are compared
 * without zeros in front; Y, y and true are 1; N, n and false are 0. */
bool setting_same(const char *one, const char *other);

#endif
