/* SPDX-License-Identifier: MIT */
/* Sizes with units: "4096", "4KiB", "2MiB", "1GiB". */
#ifndef SIZE_H
#define SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Size of the buffer of size_format. */
#define SIZE_TEXT 24

bool number_parse(const char *text, uint64_t *number);
bool size_parse(const char *text, uint64_t *bytes);
const char *size_format(uint64_t bytes, char text[SIZE_TEXT]);

/* In whole MiB, or in whole KiB below one MiB: "512 MiB", "64 KiB". */
const char *size_round(uint64_t bytes, char text[SIZE_TEXT]);

#endif
