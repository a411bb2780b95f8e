/* SPDX-License-Identifier: MIT */
/* Names of the sysctls of accelerated page migration on a kernel with the series of roles/kernel,
 * which has a directory with files of other names and values instead. */
#ifndef SERIES_NAMES_H
#define SERIES_NAMES_H

#include <stdbool.h>

#define SERIES_FOLDER	    "/sys/kernel/mm/migration_accel"
#define SERIES_DEBUG_FOLDER "/sys/kernel/debug/migration_accel"

/* Replaces path and value by those of the series, and returns true, if the kernel has the series
 * and not the sysctl. The new path may contain wildcards. Both stay the caller's: the new ones are
 * not to be freed. */
bool to_series(const char **path, const char **value);

#endif
