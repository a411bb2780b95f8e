/* SPDX-License-Identifier: MIT */
/* Counters of kernels with the series of roles/kernel. Each has a file of its own below
 * /sys/kernel/mm/migration_accel/stats, by the reason of the migration; times are in debugfs. */
#ifndef ACCEL_COUNTERS_H
#define ACCEL_COUNTERS_H

#include <stddef.h>

/* Lines "name value", as in /proc/vmstat. Names are
 *
 *	migration_accel/COUNTER           sum over the reasons of the calls that modes make
 *	migration_accel/exchange/COUNTER  exchange_pages
 *	migration_accel/TIME_ns           of debugfs, which only root can read
 *
 * Empty on other kernels. Files that cannot be read have no line. root: prefix of each path. */
void accel_counters_read(const char *root, char *text, size_t size);

#endif
