/* SPDX-License-Identifier: MIT */
/* Reads small files of /proc and /sys. */
#ifndef SYSFS_H
#define SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first size - 1 bytes of the file, without trailing white space. */
bool read_text(const char *path, char *text, size_t size);
bool read_number(const char *path, uint64_t *number);
bool path_exists(const char *path);

/* The rest of the first line that starts with key, of any length, without the white space around
 * it. The caller frees it. NULL if there is none. */
char *read_line(const char *path, const char *key);

/* The selected word of a file such as "always [madvise] never". */
bool read_choice(const char *path, char *word, size_t size);

/* The number after "key" in text such as "Node 0 MemFree:  123 kB". */
bool find_number(const char *text, const char *key, uint64_t *number);

#endif
